"""Whole sentences in another order: what a rhythm of the sentences survives, and an oscillator does not."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def shuffled_sentences(
    stretch: NDArray[np.int64], sentence_start: NDArray[np.int64], seed: Sequence[int], first: int = 0
) -> NDArray[np.int64]:
    """Return an order of tokens in which the sentences of each stretch are shuffled, each kept whole.

    Parameters
    ----------
    stretch
        First token of each stretch, and the token after the last; ascending.
    sentence_start
        First token of each sentence in them; a sentence that a stretch cuts counts as two.
    seed
        Of the order.
    first
        Token of the corpus that tokens are counted from: each stretch has an order of its own, by the seed and its
        first token in the corpus, so that it does not depend on what is read with it.

    Returns
    -------
    Tokens, dims (time): at each place of a stretch which of its tokens comes to stand there.

    Examples
    --------
    >>> shuffled_sentences(np.array([0, 6, 8]), np.array([0, 2, 3, 6]), (0,)).tolist()
    [3, 4, 5, 0, 1, 2, 6, 7]
    """
    order = []
    for start, stop in zip(stretch[:-1].tolist(), stretch[1:].tolist(), strict=True):
        inside = sentence_start[(sentence_start > start) & (sentence_start < stop)].tolist()
        edges = [start, *inside, stop]
        shuffled = np.random.default_rng((*seed, first + start)).permutation(len(edges) - 1)
        order += [np.arange(edges[i], edges[i + 1], dtype=np.int64) for i in shuffled]
    return np.concatenate(order) if order else np.empty(0, np.int64)

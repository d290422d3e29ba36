"""Perplexity of a model on a text, by the reader that extracts its states."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..model import LanguageModel
from ..reader import Stream, StreamReader


@dataclass(frozen=True)
class Text:
    """An encoded text.

    Parameters
    ----------
    token_id, document
        Vocabulary index of each token and the document it is in, dims (time).
    """

    token_id: NDArray[np.int32]
    document: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.token_id)


def perplexity(model: LanguageModel, text: Text) -> tuple[float, int]:
    """Return the perplexity of a text and the number of tokens it counts.

    Each document is read from a zero state to its end, with carried state. Its first token has no past and does not
    count: a text of one document is read as the Penn Treebank's validation text is by convention, all but its first
    token predicted from everything before it.

    Returns
    -------
    2 to the mean surprisal in bits, NaN if no token has a past; number of tokens that have one.
    """
    surprisal = np.full(len(text), np.nan, np.float32)
    edges = [0, *(np.flatnonzero(np.diff(text.document)) + 1), len(text)]
    streams = [Stream(text.token_id[a:b], row=a) for a, b in pairwise(edges)]
    StreamReader(model).read(streams, {}, surprisal)
    known = surprisal[~np.isnan(surprisal)].astype(np.float64)
    return (float(2.0 ** known.mean()) if len(known) else float("nan")), len(known)

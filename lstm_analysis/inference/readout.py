"""From the pieces that a model reads to the words of the corpus."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

WORDS_AT_ONCE = 1024


def read_out(
    values: NDArray[np.floating],
    first: NDArray[np.integer],
    last: NDArray[np.integer],
    how: Literal["last", "first", "mean"],
) -> NDArray[np.floating]:
    """Return the values of words, dims (time, layer, neuron), in the type of those of the pieces.

    Parameters
    ----------
    values
        Values after each piece, dims (piece, layer, neuron).
    first, last
        Row of each word's first and last piece, dims (time); neither ever decreases. The blank before a word is a piece
        of the word, so that of a character model ``first`` is the state before the word's first letter.
    how
        ``last`` or ``first``: the value after that piece; ``mean``: the mean over the word's pieces, accumulated in
        float64. A piece of several words counts for each.

    >>> read_out(np.array([[[1.0]], [[3.0]], [[8.0]]]), np.array([0, 2]), np.array([1, 2]), "mean").ravel()
    array([2., 8.])
    """
    if how != "mean":
        chosen: NDArray[np.floating] = values[last if how == "last" else first]
        return chosen
    means = np.empty((len(first), *values.shape[1:]), values.dtype)
    for start in range(0, len(first), WORDS_AT_ONCE):
        words = slice(start, start + WORDS_AT_ONCE)
        n_piece = (last[words] - first[words] + 1)[:, np.newaxis, np.newaxis]
        means[words] = _sums(values, first[words], last[words]) / n_piece
    return means


def sum_surprisal(
    bits: NDArray[np.floating], first: NDArray[np.integer], last: NDArray[np.integer]
) -> NDArray[np.floating]:
    """Return the surprisal of words, dims (time): that of their pieces, summed in float64.

    Parameters
    ----------
    bits
        Surprisal of each piece, dims (piece); NaN where a piece has no past, and so has its word.
    first, last
        Row of each word's first and last piece, dims (time); neither ever decreases. A piece of several words counts
        for each, so that only without such pieces the sum over the words is that over the pieces.

    >>> sum_surprisal(np.array([np.nan, 2.0, 1.0, 0.5]), np.array([0, 2]), np.array([1, 3]))
    array([nan, 1.5])
    """
    summed: NDArray[np.floating] = _sums(bits, first, last).astype(bits.dtype)
    return summed


def _sums(values: NDArray[np.floating], first: NDArray[np.integer], last: NDArray[np.integer]) -> NDArray[Any]:
    """Return sums in float64 over the pieces of each word, dims of ``values`` with the words first."""
    if not len(first):
        return np.empty((0, *values.shape[1:]))
    pieces = values[first[0] : last[-1] + 1]
    padded = np.concatenate([pieces, np.zeros_like(pieces[:1])])  # so that the end of the last word is a row, too
    edges = np.stack([first, last + 1], axis=1).ravel() - first[0]
    return np.add.reduceat(padded, edges, axis=0, dtype=np.float64)[::2]

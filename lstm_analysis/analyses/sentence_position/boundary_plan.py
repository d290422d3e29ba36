"""Which sentence boundaries are studied, and the rows of states that must be read for them."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import UserError
from ...schema import attach_attrs

MAX_BOUNDARY = 50_000
SHORT_WORDS = 3
"""Sentences of at most so many words count as very short."""
Integers = NDArray[np.integer]


def plan_boundaries(
    sentence: Integers,
    sentence_position: Integers,
    sentence_length: Integers,
    document: Integers,
    block_of_document: Integers,
    seed: int,
    *,
    carry: str = "document",
    end_symbol: bool = True,
    reset: Integers | None = None,
    max_boundary: int = MAX_BOUNDARY,
) -> xr.Dataset:
    """Return the boundaries between two whole sentences of a document across which states are carried.

    Parameters
    ----------
    sentence, sentence_position, sentence_length, document
        Columns of the corpus, dims (time).
    block_of_document
        Jackknife block of each document, dims (document).
    seed
        Of the sample, where there are more than ``max_boundary``.
    carry
        Where states are reset, as in the study. With ``sentence`` no state crosses a boundary: the plan is empty.
    end_symbol
        Whether each sentence ends with an end symbol, which is no word.
    reset
        First tokens of streams (``carry: streams``), where states begin anew inside a document.
    max_boundary
        Boundaries at most; a seeded sample of them is taken.

    Returns
    -------
    Dims (boundary), ascending: ``end_time`` (last token of the sentence, its end symbol where there is one),
    ``next_time`` (the token after it), ``before_time`` (last word of a sentence of at most 3 words, whose rise at the
    end symbol is measured; -1 elsewhere and where there is no end symbol), ``length_current``, ``length_previous``,
    ``length_next`` (tokens, end symbol included; -1 where the document has no sentence there, or it is cut off),
    ``boundary_document``, ``boundary_block``, and ``n_boundary_found``, how many there are without the sample. The
    attribute ``note`` says what was left out, and why a plan is empty.
    """
    columns = {"sentence_position": sentence_position, "sentence_length": sentence_length, "document": document}
    for name, column in columns.items():
        if len(column) != len(sentence):
            raise UserError(f"sentence has {len(sentence)} tokens, {name} has {len(column)}; give the same tokens.")
    last = sentence_position == sentence_length - 1
    end = np.flatnonzero(last[:-1] & (document[1:] == document[:-1]) & (sentence_position[1:] == 0))
    if reset is not None:
        end = end[~np.isin(end + 1, reset)]
    end = end[sentence_length[end] <= end - np.searchsorted(document, document[end]) + 1]
    note = f"all {len(end):,} boundaries"
    n_found = len(end)
    if carry == "sentence":
        end, note = end[:0], "states are reset at each sentence (carry: sentence): no state crosses a boundary"
    elif not n_found:
        note = "no document holds two whole sentences"
    elif n_found > max_boundary:
        chosen = np.random.default_rng([seed, 5]).choice(n_found, max_boundary, replace=False)
        end = end[np.sort(chosen)]
        note = f"a random sample of {max_boundary:,} of {n_found:,} boundaries (seed {seed})"
    return attach_attrs(_plan(end, sentence_length, document, block_of_document, end_symbol, n_found)).assign_attrs(
        note=note
    )


def _plan(
    end: Integers, length: Integers, document: Integers, block: Integers, end_symbol: bool, n_found: int
) -> xr.Dataset:
    current = length[end].astype(np.int64)
    start = end - current + 1
    has_previous = start > 0
    has_previous &= document[start - 1] == document[end]
    previous = np.where(has_previous, length[start - 1], -1)
    short = end_symbol & (current >= 2) & (current <= SHORT_WORDS + 1)
    columns = {
        "end_time": end, "next_time": end + 1, "before_time": np.where(short, end - 1, -1), "length_current": current,
        "length_previous": previous, "length_next": length[end + 1], "boundary_document": document[end],
        "boundary_block": np.asarray(block)[document[end]],
    }  # fmt: skip
    plan = xr.Dataset({name: ("boundary", column.astype(np.int64)) for name, column in columns.items()})
    return plan.assign(n_boundary_found=n_found)


class BoundaryRows:
    """The states of a block of neurons at the planned rows, gathered while spans of the corpus stream by.

    Parameters
    ----------
    plan
        A result of `plan_boundaries`.
    n_neuron
        Neurons.

    Attributes
    ----------
    end, next_, before
        States at ``end_time``, ``next_time``, ``before_time``, dims (boundary, neuron), float32; NaN where no row was
        planned or none has been given.
    """

    def __init__(self, plan: xr.Dataset, n_neuron: int) -> None:
        self._times = [plan[name].values for name in ("end_time", "next_time", "before_time")]
        shape = (plan.sizes["boundary"], n_neuron)
        self.end, self.next_, self.before = (np.full(shape, np.nan, np.float32) for _ in range(3))
        self._chosen = [np.flatnonzero(time >= 0) for time in self._times]

    def add(self, start: int, values: NDArray[np.float32]) -> None:
        """Take what is planned from a span whose first token is ``start``; values have dims (time, neuron)."""
        for rows, time, chosen in zip((self.end, self.next_, self.before), self._times, self._chosen, strict=True):
            planned = time[chosen]  # ascending, as boundaries are
            first, stop = np.searchsorted(planned, [start, start + len(values)])
            rows[chosen[first:stop]] = values[planned[first:stop] - start]

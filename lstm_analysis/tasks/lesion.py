"""What tokens cost with lesions: the passages of a block, read with all lesions."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..analyses.lesion import PREDICTIONS, Windows
from ..inference.extraction import Text
from ..inference.lesion import LesionReader
from ..inference.lesion_passages import Lesion, Window
from ..inference.reader import StreamReader
from ..inference.shards import Segment
from .job import Job
from .passage import Passage
from .start_states import start_states

LONGEST_PIECE = 64
"""Words before a passage among which one is looked for that shares no piece with the one before it."""


def lesion_block(
    index: tuple[int],
    job: Job,
    windows: Windows,
    slot: NDArray[np.int64],
    cell: NDArray[np.int64],
    n_cell: int,
    lesions: Sequence[Lesion],
    seed: int,
) -> xr.Dataset:
    """Return sums over the tokens of some passages.

    Parameters
    ----------
    index, job
        Number of the block, and the run.
    windows
        The passages.
    slot, cell
        Which token counts in which cell, pair by pair.
    n_cell
        Number of cells.
    lesions
        What is taken out.
    seed
        Of what resampled neurons do.

    Returns
    -------
    `delta_sum, delta_square_sum` (row, cell, prediction), the rows being the lesions; `intact_sum, n_token` (cell,
    prediction); `intact_seconds, lesioned_seconds`.
    """
    reader = job.reader()
    passages, pairs = _passages(job, reader, windows)
    n_step = sum(passage.n_step for passage in passages)
    shift = int(np.random.default_rng([seed, *index]).integers(max(1, n_step // 4), max(2, 3 * n_step // 4)))
    losses = LesionReader(reader, job.precision).losses(passages, lesions, shift)
    place, prediction = pairs[:, 0], pairs[:, 1]
    n = len(windows.time) * len(PREDICTIONS)
    intact = np.bincount(prediction, losses.intact[place], minlength=n)
    lesioned = np.zeros((len(lesions), n))
    np.add.at(lesioned.T, prediction, losses.lesioned.T[place])
    shape, can = (-1, len(windows.time), len(PREDICTIONS)), windows.can
    delta = np.where(can, (lesioned - intact).reshape(shape), 0.0)
    alone = np.where(can, intact.reshape(shape[1:]), 0.0)
    return xr.Dataset(
        {
            "delta_sum": (("row", "cell", "prediction"), _by_cell(delta, slot, cell, n_cell)),
            "delta_square_sum": (("row", "cell", "prediction"), _by_cell(delta**2, slot, cell, n_cell)),
            "intact_sum": (("cell", "prediction"), _by_cell(alone[np.newaxis], slot, cell, n_cell)[0]),
            "n_token": (
                ("cell", "prediction"),
                _by_cell(can[np.newaxis].astype(np.float64), slot, cell, n_cell)[0].astype(np.int64),
            ),
            "intact_seconds": losses.intact_seconds,
            "lesioned_seconds": losses.lesioned_seconds,
        }
    )


def _passages(job: Job, reader: StreamReader, windows: Windows) -> tuple[list[Window], NDArray[np.int64]]:
    """Return what is read, and pairs of a prediction in it (pieces of words are predicted one by one) and its place.

    Places are those of (slot, prediction), the latter running fastest.
    """
    first = max(0, int(windows.start.min()) - LONGEST_PIECE)
    whole = Passage(job, first, int(windows.stop.max()))
    start = windows.start.copy()
    for i in range(len(start)):
        while start[i] > max(windows.stream[i], first) and not whole.is_apart(int(start[i])):
            start[i] -= 1
    states = start_states(job, reader, start, windows.stream)
    passages, pairs, n_before = [], [], 0
    for i, (begin, stop) in enumerate(zip(start.tolist(), windows.stop.tolist(), strict=True)):
        text = whole.text(Segment(begin, begin, stop, carried=states[i] is not None))
        slots = np.flatnonzero(windows.window == i)
        wanted = _wanted(text, slots, windows, begin)
        predicted = np.unique([place for place, _ in wanted]).astype(np.int64)
        found = np.searchsorted(predicted, [place for place, _ in wanted])
        pairs += [(n_before + int(k), prediction) for k, (_, prediction) in zip(found, wanted, strict=True)]
        passages.append(Window(text.token_id, predicted, states[i]))
        n_before += len(predicted)
    return passages, np.array(pairs, np.int64).reshape(-1, 2)


def _wanted(text: Text, slots: NDArray[np.int64], windows: Windows, begin: int) -> list[tuple[int, int]]:
    """Return the places in a text that are predicted, each with the (slot, prediction) that it belongs to."""
    found = []
    for slot in slots.tolist():
        for prediction in np.flatnonzero(windows.can[slot]).tolist():
            word = int(windows.time[slot]) + prediction - begin
            places = range(word, word + 1)
            if text.first is not None and text.last is not None:
                places = range(int(text.first[word]), int(text.last[word]) + 1)
            found += [(place, slot * len(PREDICTIONS) + prediction) for place in places if place]
    return found


def _by_cell(
    values: NDArray[np.float64], slot: NDArray[np.int64], cell: NDArray[np.int64], n_cell: int
) -> NDArray[np.float64]:
    """Return sums of values (row, slot, prediction) over the tokens of each cell, dims (row, cell, prediction)."""
    order = np.argsort(cell, kind="stable")
    there, first = np.unique(cell[order], return_index=True)
    found = np.zeros((len(values), n_cell, values.shape[2]))
    if len(there):
        found[:, there] = np.add.reduceat(values[:, slot[order]], first, axis=1)
    return found

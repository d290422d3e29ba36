"""A passage of the corpus as the model reads it: tokens, or the pieces of words."""

import numpy as np
import zarr
from numpy.typing import NDArray

from ..errors import UserError
from ..inference.extraction import Text
from ..inference.shards import Segment
from .job import Job


class Passage:
    """The rows ``[start, stop)`` of the corpus, read from disk once.

    Parameters
    ----------
    job
        Says which run.
    start, stop
        Positions on ``time``.
    """

    def __init__(self, job: Job, start: int, stop: int) -> None:
        self.start = start
        self._first: NDArray[np.int64] | None = None
        if "piece_id" not in zarr.open_group(job.run / "corpus.zarr", mode="r"):
            self._ids: NDArray[np.int32] = job.column("corpus.zarr", "token_id", (start, stop))
            return
        self._first = job.column("corpus.zarr", "piece_first", (start, stop))
        self._last = job.column("corpus.zarr", "piece_last", (start, stop))
        self._past = int(job.column("corpus.zarr", "piece_last", (start - 1, start))[0]) if start else -1
        self._offset = int(self._first[0])
        self._ids = job.column("corpus.zarr", "piece_id", (self._offset, int(self._last[-1]) + 1))

    def is_apart(self, row: int) -> bool:
        """Whether a row of the passage shares no piece with the one before it."""
        if self._first is None:
            return True
        at = row - self.start
        return bool(self._first[at] > (self._last[at - 1] if at else self._past))

    def text(self, segment: Segment) -> Text:
        """Return what the model reads for a segment inside the passage.

        Raises
        ------
        UserError
            If the segment goes on in the middle of a piece.
        """
        rows = slice(segment.read_from - self.start, segment.stop - self.start)
        if self._first is None:
            return Text(self._ids[rows], segment.start - segment.read_from)
        first, last = self._first[rows], self._last[rows]
        if segment.carried and first[0] <= (self._past if rows.start == 0 else self._last[rows.start - 1]):
            raise UserError(
                f"The tokenizer makes one piece of parts of the words {segment.read_from - 1} and {segment.read_from} "
                "of the corpus, between which reading is handed over. Choose another inference.shard_tokens or a carry "
                "that hands nothing over (sentence, or document with shards as long as the longest document)."
            )
        kept = slice(segment.start - segment.read_from, None)
        begin, keep = int(first[0]), int(first[kept][0])
        ids = self._ids[begin - self._offset : int(last[-1]) + 1 - self._offset]
        return Text(ids, keep - begin, first[kept] - keep, last[kept] - keep)


def token_ids(job: Job, start: int, stop: int) -> NDArray[np.int32]:
    """Return the vocabulary indices that the model reads for the rows ``[start, stop)`` of the corpus."""
    if start == stop:
        return np.empty(0, np.int32)
    return Passage(job, start, stop).text(Segment(start, start, stop)).token_id

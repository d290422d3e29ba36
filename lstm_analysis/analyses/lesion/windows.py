"""The passages that are read: each begins some tokens before the first token that is looked at in it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

PREDICTIONS = ("token", "next")
"""What is predicted: the token that is looked at, from what came before it; or the one after it, having read it."""


@dataclass(frozen=True)
class Windows:
    """Tokens that are looked at, and the passages around them.

    Parameters
    ----------
    time
        Tokens, ascending, dims (slot).
    can
        Whether there is a past for it, and a next token, dims (slot, prediction).
    window
        Its passage, dims (slot).
    start, stop
        First token of each passage that is read, and the one after the last that is read or predicted, dims (window).
    stream
        First token of the stream that the passage is in, dims (window): reading begins from zeros there.
    """

    time: NDArray[np.int64]
    can: NDArray[np.bool_]
    window: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    stream: NDArray[np.int64]

    @cached_property
    def n_read(self) -> int:
        """Tokens that are read."""
        return int((self.stop - self.start - 1).sum())

    def part(self, first: int, stop: int) -> "Windows":
        """Return some passages with their tokens."""
        slots = (self.window >= first) & (self.window < stop)
        edges = (self.start[first:stop], self.stop[first:stop], self.stream[first:stop])
        return Windows(self.time[slots], self.can[slots], self.window[slots] - first, *edges)

    def blocks(self, n_token: int) -> list[tuple[int, int]]:
        """Return passages that follow one another, half-open, as many at a time as read ``n_token``, at least one."""
        found, first, length = [], 0, self.stop - self.start
        upto = np.cumsum(length)
        while first < len(length):
            before = upto[first - 1] if first else 0
            stop = max(first + 1, int(np.searchsorted(upto, before + n_token, side="right")))
            found.append((first, stop))
            first = stop
        return found


def plan_windows(
    time: NDArray[np.int64], stream: NDArray[np.int64], stream_stop: NDArray[np.int64], n_before: int
) -> Windows:
    """Return the passages to read.

    Tokens that are fewer than ``n_before`` apart share a passage, so that none is read more than about twice as long
    as it must be. A token alone in its stream cannot be predicted and predicts nothing: it has no slot.

    Parameters
    ----------
    time
        Tokens that are looked at, ascending, dims (token).
    stream, stream_stop
        First token of the stream that each is in, and the token after its last, dims (token).
    n_before
        Tokens that are read before the first that is looked at, at least, where its stream has so many.
    """
    can = np.stack([time > stream, time + 1 < stream_stop], axis=1)
    some = can.any(axis=1)
    time, stream, can = time[some], stream[some], can[some]
    window = np.zeros(len(time), np.int64)
    first: list[int] = []
    for i in range(len(time)):
        if not first or stream[i] != stream[first[-1]] or time[i] - time[first[-1]] >= max(n_before, 1):
            first.append(i)
        window[i] = len(first) - 1
    opening = np.array(first, np.int64)
    last = np.append(opening[1:], len(time)) - 1 if len(opening) else opening
    start = np.maximum(time[opening] - max(n_before, 1), stream[opening])
    return Windows(time, can, window, start, time[last] + 1 + can[last, 1], stream[opening])

"""Rates over time, in a bounded number of points: when they are full, pairs of them become one."""

from array import array
from collections import deque
from collections.abc import Mapping

N_POINT = 480
MAX_LINES = 256
"""Workers whose lines are kept; those that have left go first."""
WINDOW_SECONDS = 10.0
"""What *now* means."""
NAN = float("nan")


class Rates:
    """How fast each worker is, now and since the beginning, from counts that only grow.

    Parameters
    ----------
    began
        When it begins, in seconds.
    """

    def __init__(self, began: float) -> None:
        self.began = began
        self.interval = 1.0
        """Seconds from point to point; a point is the rate over these, or over the window if that is longer."""
        self.times = array("d")
        """End of each point's interval, in seconds since it began."""
        self.overall = array("f")
        self.lines: dict[str, array[float]] = {}
        """By worker; NaN before it came and after it left."""
        self._last: tuple[float, dict[str, float]] | None = None
        self._recent: deque[tuple[float, dict[str, float]]] = deque()

    def sample(self, now: float, totals: Mapping[str, float], window: float = WINDOW_SECONDS) -> None:
        """Take note of each worker's count at a time.

        Parameters
        ----------
        now
            The time in seconds.
        totals
            Counts by worker; who is not named is not there.
        window
            Seconds over which the rate of now is taken: a few times those between two reports of a worker.
        """
        taken = now, dict(totals)
        self._recent.append(taken)
        while len(self._recent) > 2 and self._recent[1][0] <= now - window:
            self._recent.popleft()
        if self._last is None:
            self._last = taken
        elif now - self._last[0] >= self.interval - 1e-6:
            self._add_point(min(self._last, self._recent[0], key=lambda pair: pair[0]), taken)
            self._last = taken

    def now(self) -> dict[str, float]:
        """Return the present rate of each worker."""
        if len(self._recent) < 2:
            return {}
        (before, old), (after, new) = self._recent[0], self._recent[-1]
        return {worker: grown(old.get(worker, 0), total) / (after - before) for worker, total in new.items()}

    def _add_point(self, before: tuple[float, dict[str, float]], after: tuple[float, dict[str, float]]) -> None:
        (start, old), (stop, new) = before, after
        rates = {worker: grown(old.get(worker, 0), total) / (stop - start) for worker, total in new.items()}
        for worker in rates:
            if worker not in self.lines:
                self.lines[worker] = array("f", [NAN]) * len(self.times)
        self.times.append(stop - self.began)
        self.overall.append(sum(rates.values()))
        for worker, line in self.lines.items():
            line.append(rates.get(worker, NAN))
        self._forget(rates)
        if len(self.times) >= N_POINT:
            self._halve()

    def _forget(self, there: Mapping[str, float]) -> None:
        gone = [worker for worker in self.lines if worker not in there]
        excess = max(0, len(self.lines) - MAX_LINES)
        for worker in [*gone, *list(there)[::-1]][:excess]:
            del self.lines[worker]

    def _halve(self) -> None:
        """Make one point of two."""
        self.interval *= 2
        self.times = self.times[1::2]
        self.overall = _means(self.overall)
        self.lines = {worker: _means(line) for worker, line in self.lines.items()}


def grown(old: float, new: float) -> float:
    """Return by how much a count has grown; one that is smaller than before began anew.

    >>> grown(3, 5), grown(3, 2)
    (2, 2)
    """
    return new - old if new >= old else new


def _means(line: "array[float]") -> "array[float]":
    """Return the means of pairs; of a number and NaN the number."""
    pairs = zip(line[::2], line[1::2], strict=True)
    return array("f", [b if a != a else a if b != b else (a + b) / 2 for a, b in pairs])

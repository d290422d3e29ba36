"""The shards of a step and what has become of each: bytes in an array, so that a million of them cost ten megabytes."""

from array import array
from collections.abc import Iterable
from itertools import groupby

STATES = ("waiting", "running", "retried", "done before", "done", "failed")
WAITING, RUNNING, RETRIED, DONE_BEFORE, DONE, FAILED = range(len(STATES))
NOBODY = 0xFFFF


class ShardMap:
    """What has become of each shard of a step.

    A retried shard failed or lost its worker, and waits or runs again.

    Parameters
    ----------
    name
        Of the step: its tasks' keys begin with it.
    n_shard
        Number of its shards.
    done_before
        Those that were done when the step began, as half-open ranges.
    """

    def __init__(self, name: str, n_shard: int, done_before: Iterable[tuple[int, int]] = ()) -> None:
        self.name = name
        self.state = bytearray(n_shard)
        for start, stop in done_before:
            start, stop = max(0, start), min(stop, n_shard)
            self.state[start:stop] = bytes([DONE_BEFORE]) * max(0, stop - start)
        self.counts = [self.state.count(code) for code in range(len(STATES))]
        self.seconds = array("f", [0.0]) * n_shard
        self.workers: list[str] = []
        self.n_retry: dict[int, int] = {}
        """Of the shards that were tried again."""
        self.n_try_again = 0
        self._worker = array("H", [NOBODY]) * n_shard
        self._number: dict[str, int] = {}
        self._prefix = f"{name}-"
        self._refused: set[int] = set()
        self._sent_again: set[int] = set()
        """Those that are retried and at a worker."""

    def __len__(self) -> int:
        return len(self.state)

    def index(self, key: object) -> int | None:
        """Return the shard of a task's key, ``None`` if it is another step's.

        >>> shards = ShardMap("extract", 20)
        >>> shards.index("extract-12-a1b2c3"), shards.index("merge-1-3-a1b2c3"), shards.index("extract-20-a1b2c3")
        (12, None, None)
        """
        if not isinstance(key, str) or not key.startswith(self._prefix):
            return None
        digits = key[len(self._prefix) : key.rfind("-")]
        if not digits.isascii() or not digits.isdigit():
            return None
        index = int(digits)
        return index if index < len(self.state) else None

    def worker(self, index: int) -> str | None:
        """Return the worker that a shard was last sent to."""
        number = self._worker[index]
        return None if number == NOBODY else self.workers[number]

    def sent(self, index: int, worker: str) -> None:
        """A shard was sent to a worker."""
        self._by(index, worker)
        if self.state[index] in (WAITING, DONE_BEFORE):
            self._become(index, RUNNING)
        elif self.state[index] != RUNNING:
            if self.state[index] != RETRIED:
                self.again(index)
            self._sent_again.add(index)

    def again(self, index: int) -> None:
        """A shard that was sent, or even done, waits for another try; one that waits for it already goes on waiting."""
        if self.state[index] in (RUNNING, DONE, FAILED) or index in self._sent_again:
            self._sent_again.discard(index)
            self.n_retry[index] = self.n_retry.get(index, 0) + 1
            self.n_try_again += 1
            self._become(index, RETRIED)

    def dropped(self, index: int) -> None:
        """Nobody wants a shard's task any more; a shard that was not done waits."""
        if self.state[index] in (RUNNING, RETRIED):
            self._become(index, WAITING)

    def refuse(self, index: int) -> None:
        """A shard's task will answer with an error instead of a result."""
        self._refused.add(index)

    def finished(self, index: int, worker: str, seconds: float) -> None:
        """A shard's task has answered, from this worker, after this time."""
        self._by(index, worker)
        self.seconds[index] = seconds
        refused = index in self._refused
        self._refused.discard(index)
        self._become(index, FAILED if refused else DONE)

    def failed(self, index: int) -> None:
        """A shard failed for good."""
        self._become(index, FAILED)

    def over(self) -> None:
        """The step is over and nothing failed, so what is not known to be done is."""
        for index in [i for i, code in enumerate(self.state) if code not in (DONE, DONE_BEFORE)]:
            self._become(index, DONE)

    def runs(self) -> list[tuple[str, int]]:
        """Return the states in order as runs of equal ones: name and length."""
        return [(STATES[code], sum(1 for _ in run)) for code, run in groupby(self.state)]

    def _by(self, index: int, worker: str) -> None:
        number = self._number.get(worker)
        if number is None:
            number = self._number[worker] = min(len(self.workers), NOBODY - 1)
            if number == len(self.workers):
                self.workers.append(worker)
        self._worker[index] = number

    def _become(self, index: int, code: int) -> None:
        if code != RETRIED:
            self._sent_again.discard(index)
        self.counts[self.state[index]] -= 1
        self.counts[code] += 1
        self.state[index] = code

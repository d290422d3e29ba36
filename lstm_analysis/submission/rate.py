"""How fast a step goes, over the last minute."""

from collections import deque

WINDOW_SECONDS = 60.0


class Rate:
    """Speed of a step from what was done when.

    Examples
    --------
    >>> rate = Rate()
    >>> for second, done in [(0, 0), (10, 50), (20, 300)]:
    ...     rate.add(second, done)
    >>> rate.per_second, rate.seconds_left(900)
    (15.0, 40.0)
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, seconds: float, done: int) -> None:
        """Note how much is done at a time."""
        if self._seen and done < self._seen[-1][1]:  # another step
            self._seen.clear()
        self._seen.append((seconds, done))
        while len(self._seen) > 2 and seconds - self._seen[1][0] >= WINDOW_SECONDS:
            self._seen.popleft()

    @property
    def per_second(self) -> float | None:
        """Units of work a second; ``None`` before anything was done."""
        if len(self._seen) < 2:
            return None
        (since, before), (until, after) = self._seen[0], self._seen[-1]
        return (after - before) / (until - since) if until > since and after > before else None

    def seconds_left(self, total: int | None) -> float | None:
        """Return the seconds until all is done; ``None`` where nobody knows."""
        rate = self.per_second
        return None if rate is None or total is None else max(total - self._seen[-1][1], 0) / rate

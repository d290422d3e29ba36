"""A phrase that is looked for: its occurrences, and which one the reader is at."""

from bisect import bisect_left
from dataclasses import dataclass, field

from .holdings import Holdings


@dataclass
class Found:
    """Occurrences of a phrase.

    Parameters
    ----------
    words
        Of the phrase.
    times
        First token of each, ascending.
    hint
        What to say if there are none.
    place
        The one the reader is at.
    """

    words: list[str] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    hint: str = ""
    place: int = 0

    @property
    def n(self) -> int:
        """Number of occurrences."""
        return len(self.times)

    def from_on(self, time: int) -> int:
        """Go to the first occurrence from a token on, or to the first of all; return where it is."""
        self.place = bisect_left(self.times, time) % self.n
        return self.times[self.place]

    def step(self, on: bool) -> int:
        """Go to the next occurrence or to the one before, round and round; return where it is."""
        self.place = (self.place + (1 if on else -1)) % self.n
        return self.times[self.place]


def find_phrase(holdings: Holdings, phrase: str) -> Found:
    return Found(phrase.split(), [], "not yet")

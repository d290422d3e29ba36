"""A phrase that is looked for: its occurrences, and which one the reader is at."""

from bisect import bisect_left
from dataclasses import dataclass, field

from ..errors import UserError
from ..match.phrase import find_phrase
from .holdings import Holdings


@dataclass
class Found:
    """Occurrences of a phrase.

    Parameters
    ----------
    spans
        First token and token after the last of each, ascending.
    hint
        What to say if there are none.
    place
        The one the reader is at.
    """

    spans: list[tuple[int, int]] = field(default_factory=list)
    hint: str = ""
    place: int = 0

    @property
    def n(self) -> int:
        """Number of occurrences."""
        return len(self.spans)

    def from_on(self, time: int) -> tuple[int, int]:
        """Go to the first occurrence from a token on, or to the first of all; return it."""
        self.place = bisect_left(self.spans, (time, 0)) % self.n
        return self.spans[self.place]

    def step(self, on: bool) -> tuple[int, int]:
        """Go to the next occurrence or to the one before, round and round; return it."""
        self.place = (self.place + (1 if on else -1)) % self.n
        return self.spans[self.place]


def look_for(holdings: Holdings, phrase: str) -> Found:
    """Return where a phrase stands, or why nowhere; an empty one stands nowhere."""
    if not phrase.strip():
        return Found()
    try:
        start, stop = find_phrase(holdings.run.corpus, phrase)
    except UserError as error:
        return Found(hint=str(error))
    return Found(list(zip(start.tolist(), stop.tolist(), strict=True)))

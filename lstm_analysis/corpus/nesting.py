"""How deep in quotation marks and brackets the words of running text stand."""

from collections.abc import Sequence
from dataclasses import dataclass

QUOTE, BRACKET = "quote_depth", "bracket_depth"
OPENING_BRACKETS, CLOSING_BRACKETS = "([{", ")]}"
STRAIGHT, OPENING_QUOTES, CLOSING_QUOTES = '"', ("“", "``"), ("”", "''")
_SIGNS = frozenset((*OPENING_BRACKETS, *CLOSING_BRACKETS, STRAIGHT, *OPENING_QUOTES, *CLOSING_QUOTES))


@dataclass
class Nesting:
    """Counts open quotation marks and brackets from word to word.

    A sign itself has the depth inside it. Brackets of any kind are counted together, and one that closes nothing has
    the depth around it. A straight mark opens a quotation or closes it; curly ones, and those that are written as two
    accents, say which they do. Single marks are not counted, because most of them are apostrophes.

    >>> Nesting().depths(["a", "(", "b", '"', "c", '"', ")", "d"])
    {'bracket_depth': [0, 1, 1, 1, 1, 1, 1, 0], 'quote_depth': [0, 0, 0, 1, 1, 1, 0, 0]}
    """

    bracket: int = 0
    curly: int = 0
    straight: bool = False

    def reset(self) -> None:
        """Forget what is open."""
        self.bracket, self.curly, self.straight = 0, 0, False

    def depths(self, words: Sequence[str]) -> dict[str, list[int]]:
        """Return the depths of some words and count on."""
        if _SIGNS.isdisjoint(words):
            return {BRACKET: [self.bracket] * len(words), QUOTE: [self.curly + self.straight] * len(words)}
        pairs = [self._depth(word) for word in words]
        return {BRACKET: [bracket for bracket, _ in pairs], QUOTE: [quote for _, quote in pairs]}

    def _depth(self, word: str) -> tuple[int, int]:
        before = self.bracket, self.curly + self.straight
        if word not in _SIGNS:
            return before
        if word in OPENING_BRACKETS:
            self.bracket += 1
        elif word in CLOSING_BRACKETS:
            self.bracket = max(self.bracket - 1, 0)
        elif word == STRAIGHT:
            self.straight = not self.straight
        else:
            self.curly = self.curly + 1 if word in OPENING_QUOTES else max(self.curly - 1, 0)
        return max(before[0], self.bracket), max(before[1], self.curly + self.straight)

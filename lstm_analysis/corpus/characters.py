"""Lines of characters as sentences: their words and signs with the white space before each, nothing left out.

A line is a sentence. Its words lie between white space, each sign is a word of its own, and the last word is the line's
end, ``"\\n"``; a text that ends without one has none there. White space belongs to the word after it, at the end of a
line to the line's end. Joined together, white space and words are the text.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest

from ..errors import UserError
from ..schema import MISSING
from ..segmentation import NEWLINE
from .nesting import Nesting
from .sentences import Sentence

INDENTATION = "indentation"
OF_TOKENS = ("char_start", "char_stop", "column", "line_length")
"""Numbers of tokens that `sentence_position` and `sentence_length` say of each character."""
_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_IN_LINE = re.compile(r"\S(?:[^\n]*\S)?")
NO_TOKEN = -1

Piece = tuple[int, int, int]
"""First character of a word in a text, the one after its last, and the token that it is of."""


def cut_line(line: str) -> tuple[list[str], list[str]]:
    """Return the words of a line, its end included, and the white space before each.

    >>> cut_line("  don't (go)\\n")
    (["don't", '(', 'go', ')', '\\n'], ['  ', ' ', '', '', ''])
    """
    words: list[str] = []
    before: list[str] = []
    at = 0
    for match in _WORD.finditer(line):
        before.append(line[at : match.start()])
        words.append(match.group())
        at = match.end()
    _close(line, at, words, before)
    return words, before


def _close(line: str, at: int, words: list[str], before: list[str]) -> None:
    """Add what a line has behind its last word: its end, or white space alone."""
    if line.endswith(NEWLINE):
        words.append(NEWLINE)
        before.append(line[at:-1])
    elif at < len(line):
        words.append(line[at:])
        before.append("")


def line_sentence(document: str, line: str, nesting: Nesting) -> Sentence:
    """Return a line of running text.

    Parameters
    ----------
    document
        Its document.
    line
        The line with its end.
    nesting
        What is open before it; it is counted on, and begins anew at a blank line.

    Returns
    -------
    The sentence, with the numbers `bracket_depth`, `quote_depth` and `indentation`.
    """
    if not line.strip():
        nesting.reset()
    words, before = cut_line(line)
    indentation = len(before[0]) if words else 0
    numbers = {**nesting.depths(words), INDENTATION: [indentation] * len(words)}
    return Sentence(document, words, {}, (), {name: _at_words(words, found) for name, found in numbers.items()}, before)


def _at_words(words: Sequence[str], numbers: Sequence[int]) -> list[int]:
    """Return numbers without those of a line's end or of white space."""
    return [MISSING if word.isspace() else number for word, number in zip(words, numbers, strict=True)]


def joined_sentence(sentence: Sentence) -> Sentence:
    """Return a sentence of given tokens as a line: joined by single blanks, and ended; columns and marks are kept.

    Raises
    ------
    UserError
        If a token holds the end of a line.
    """
    broken = next((token for token in sentence.tokens if NEWLINE in token), None)
    if broken is not None:
        raise UserError(
            f"The document {sentence.document!r} has the token {broken!r}, which holds the end of a line; with "
            "corpus.level: char a sentence is a line. Cut the sentence there, or read words (corpus.level: word)."
        )
    tokens = [*sentence.tokens, NEWLINE]
    annotations = {name: [*values, ""] for name, values in sentence.annotations.items()}
    numbers = {**sentence.numbers, **Nesting().depths(sentence.tokens)}
    kept = {name: [*values, MISSING] for name, values in numbers.items() if name not in OF_TOKENS}
    before = ["", *[" "] * (len(tokens) - 2), ""]
    return Sentence(sentence.document, tokens, annotations, sentence.marks, kept, before)


def token_lines(
    document: str,
    text: str,
    starts: Sequence[int],
    stops: Sequence[int],
    annotations: Mapping[str, Sequence[str]],
    numbers: Mapping[str, Sequence[int]],
) -> Iterator[Sentence]:
    """Yield the lines of a text whose tokens are known, for readers of programs.

    A token of several lines is a word in each of them. What no token covers is cut into words as running text is; these
    have neither annotations nor numbers.

    Parameters
    ----------
    document, text
        Name and text of the document.
    starts, stops
        First character of each token and the one after its last, in order and without overlap.
    annotations, numbers
        Columns of the tokens; those of `OF_TOKENS` are left out.
    """
    numbers = {name: column for name, column in numbers.items() if name not in OF_TOKENS}
    for start, stop, pieces in _lines(text, _pieces(text, starts, stops)):
        words: list[str] = []
        before: list[str] = []
        at = start
        for first, last, _ in pieces:
            before.append(text[at:first])
            words.append(text[first:last])
            at = last
        _close(text[start:stop], at - start, words, before)
        token = [i for _, _, i in pieces] + [NO_TOKEN] * (len(words) - len(pieces))
        yield Sentence(
            document,
            words,
            {name: ["" if i == NO_TOKEN else column[i] for i in token] for name, column in annotations.items()},
            (),
            {name: [MISSING if i == NO_TOKEN else column[i] for i in token] for name, column in numbers.items()},
            before,
        )


def _pieces(text: str, starts: Sequence[int], stops: Sequence[int]) -> Iterator[Piece]:
    """Yield the words of a text: of each line of each token, and of what is between tokens."""
    at = 0
    for i, (start, stop) in enumerate(zip_longest((*starts, len(text)), stops, fillvalue=len(text))):
        if start < at:
            raise ValueError(f"token {i} begins at {start}, before the end of the one before it, {at}")
        yield from ((found.start(), found.end(), NO_TOKEN) for found in _WORD.finditer(text, at, start))
        yield from ((found.start(), found.end(), i) for found in _IN_LINE.finditer(text, start, stop))
        at = stop


def _lines(text: str, pieces: Iterable[Piece]) -> Iterator[tuple[int, int, list[Piece]]]:
    """Yield start and stop of each line of a text, and its pieces."""
    waiting = iter(pieces)
    piece = next(waiting, None)
    start = 0
    while start < len(text):
        stop = text.find(NEWLINE, start) + 1 or len(text)
        here: list[Piece] = []
        while piece is not None and piece[0] < stop:
            here.append(piece)
            piece = next(waiting, None)
        yield start, stop, here
        start = stop

"""Where tokens of Java end: small compiled functions of the code points and the place where a token begins."""

import numpy as np
from numpy.typing import NDArray

from ...compiled import compiled
from .alphabet import DIGIT, LETTER, PART

Codes = NDArray[np.uint32]
Classes = NDArray[np.uint8]
NEWLINE, RETURN, TAB, FORM_FEED = 10, 13, 9, 12
QUOTE, APOSTROPHE, BACKSLASH, STAR, SLASH = 34, 39, 92, 42, 47
KEYWORDS = (
    "abstract", "assert", "boolean", "break", "byte", "case", "catch", "char", "class", "const", "continue",
    "default", "do", "double", "else", "enum", "extends", "final", "finally", "float", "for", "goto", "if",
    "implements", "import", "instanceof", "int", "interface", "long", "native", "new", "package", "private",
    "protected", "public", "return", "short", "static", "strictfp", "super", "switch", "synchronized", "this",
    "throw", "throws", "transient", "try", "void", "volatile", "while",
)  # fmt: skip
LITERALS = ("true", "false", "null")
LONGEST_KEYWORD = 12


def packed(word: str) -> int:
    """Return a word of at most twelve of the letters a to z as a number, five bits a letter."""
    found = 0
    for letter in word:
        found = found << 5 | ord(letter) - 96
    return found


_KEYWORDS = np.array(sorted(map(packed, KEYWORDS)))
_LITERALS = np.array(sorted(map(packed, LITERALS)))


@compiled
def line_end(code: Codes, at: int) -> int:
    """Return where the line ends, its line end left out."""
    while at < len(code) and code[at] != NEWLINE and code[at] != RETURN:
        at += 1
    return at


@compiled
def comment_end(code: Codes, at: int) -> int:
    """Return where a ``/*`` comment ends that is open at a place; -1 if it does not."""
    while at + 1 < len(code):
        if code[at] == STAR and code[at + 1] == SLASH:
            return at + 2
        at += 1
    return -1


@compiled
def string_end(code: Codes, at: int) -> int:
    """Return where a string ends that is open at a place; -1 if its line ends before."""
    while at < len(code) and code[at] != NEWLINE and code[at] != RETURN:
        if code[at] == QUOTE:
            return at + 1
        if code[at] == BACKSLASH and at + 1 < len(code) and code[at + 1] != NEWLINE and code[at + 1] != RETURN:
            at += 1
        at += 1
    return -1


@compiled
def opens_text_block(code: Codes, at: int) -> bool:
    """Whether a text block begins with the quotation mark at a place: three of them, blanks, a line end."""
    if at + 3 >= len(code) or code[at + 1] != QUOTE or code[at + 2] != QUOTE:
        return False
    at += 3
    while at < len(code) and (code[at] == 32 or code[at] == TAB or code[at] == FORM_FEED):
        at += 1
    return at < len(code) and (code[at] == NEWLINE or code[at] == RETURN)


@compiled
def text_block_end(code: Codes, at: int) -> int:
    """Return where a text block ends that is open at a place; -1 if it does not."""
    while at + 2 < len(code):
        if code[at] == QUOTE and code[at + 1] == QUOTE and code[at + 2] == QUOTE:
            return at + 3
        at += 2 if code[at] == BACKSLASH else 1
    return -1


@compiled
def character_end(code: Codes, at: int) -> int:
    """Return where a character literal ends that is open at a place; -1 if there is no single character in it."""
    n = len(code)
    if at >= n or code[at] == APOSTROPHE or code[at] == NEWLINE or code[at] == RETURN:
        return -1
    if code[at] == BACKSLASH:
        at += 1
        digits = 0
        while at < n and digits < 3 and 48 <= code[at] <= 55:
            at += 1
            digits += 1
        if not digits:
            if at >= n or code[at] == NEWLINE or code[at] == RETURN:
                return -1
            at += 1
    else:
        at += 1
    return at + 1 if at < n and code[at] == APOSTROPHE else -1


@compiled
def _digits_end(code: Codes, at: int, hexadecimal: bool) -> int:
    while at < len(code):
        c = code[at]
        letter = hexadecimal and (97 <= c <= 102 or 65 <= c <= 70)
        if not (48 <= c <= 57 or c == 95 or letter):
            break
        at += 1
    return at


@compiled
def _exponent_end(code: Codes, at: int, sign: int) -> int:
    """Return where an exponent ends that may begin at a place with a letter, in lower case ``sign``; else the place."""
    if at >= len(code) or code[at] | 32 != sign:
        return at
    digits = at + 1
    if digits < len(code) and (code[digits] == 43 or code[digits] == 45):
        digits += 1
    if digits >= len(code) or not 48 <= code[digits] <= 57:
        return at
    return _digits_end(code, digits, False)


@compiled
def _suffix_end(code: Codes, at: int, whole: bool) -> int:
    """Return the place after the suffix of a number: L where it is ``whole``, F or D where it is not."""
    if at < len(code):
        letter = code[at] | 32
        if (whole and letter == 108) or (not whole and (letter == 102 or letter == 100)):
            return at + 1
    return at


@compiled
def number_end(code: Codes, at: int) -> int:
    """Return where the number ends that begins at a place, with a digit or a point before one."""
    n = len(code)
    marked = code[at] == 48 and at + 1 < n
    if marked and code[at + 1] | 32 == 98:
        return _suffix_end(code, _digits_end(code, at + 2, False), True)
    hexadecimal = marked and code[at + 1] | 32 == 120
    at = _digits_end(code, at + 2 if hexadecimal else at, hexadecimal)
    point = at < n and code[at] == 46
    end = _digits_end(code, at + 1, hexadecimal) if point else at
    power = _exponent_end(code, end, 112 if hexadecimal else 101)
    if hexadecimal:
        return _suffix_end(code, power, False) if power > end else _suffix_end(code, at, True)
    if point or power > end:
        return _suffix_end(code, power, False)
    whole = _suffix_end(code, at, True)
    return whole if whole > at else _suffix_end(code, at, False)


@compiled
def name_end(code: Codes, classes: Classes, at: int) -> int:
    """Return where the name ends that begins at a place."""
    at += 1
    while at < len(code):
        found = classes[code[at]]
        if found != LETTER and found != DIGIT and found != PART:
            break
        at += 1
    return at


@compiled
def word_kind(code: Codes, start: int, stop: int) -> int:
    """Return 0 for an identifier, 1 for a keyword, 2 for a literal that is a word."""
    if stop - start > LONGEST_KEYWORD:
        return 0
    if stop - start == 1 and code[start] == 95:
        return 1
    word = 0
    for i in range(start, stop):
        if not 97 <= code[i] <= 122:
            return 0
        word = word << 5 | (code[i] - 96)
    found = np.searchsorted(_KEYWORDS, word)
    if found < len(_KEYWORDS) and _KEYWORDS[found] == word:
        return 1
    found = np.searchsorted(_LITERALS, word)
    return 2 if found < len(_LITERALS) and _LITERALS[found] == word else 0


@compiled
def _run(code: Codes, at: int, sign: int, most: int) -> int:
    found = 0
    while found < most and at + found < len(code) and code[at + found] == sign:
        found += 1
    return found


@compiled
def operator_end(code: Codes, at: int) -> tuple[int, bool]:
    """Return where the longest operator or separator ends that begins at a place, and whether it is a separator.

    The place itself if none begins there. Several ``>`` are one operator even where they close type arguments, as in
    the lexical grammar: it takes a parser to know.
    """
    c = code[at]
    if c == 40 or c == 41 or c == 123 or c == 125 or c == 91 or c == 93 or c == 59 or c == 44 or c == 64:  # (){}[];,@
        return at + 1, True
    if c == 46:  # .
        return at + (3 if _run(code, at, c, 3) == 3 else 1), True
    if c == 58:  # :
        n = _run(code, at, c, 2)
        return at + n, n == 2
    if c == 126 or c == 63:  # ~ ?
        return at + 1, False
    if c == 60 or c == 62:  # < >
        end = at + _run(code, at, c, 2 if c == 60 else 3)
    elif c == 38 or c == 124 or c == 43 or c == 45:  # & | + -
        end = at + _run(code, at, c, 2)
        if end == at + 2 or (c == 45 and end < len(code) and code[end] == 62):
            return at + 2, False
    elif c == 61 or c == 33 or c == 42 or c == 47 or c == 94 or c == 37:  # = ! * / ^ %
        end = at + 1
    else:
        return at, False
    return end + _run(code, end, 61, 1), False

"""Unicode escapes (``\\u0041``), which Java replaces before anything else is read (JLS 3.3)."""

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_ESCAPE = re.compile(r"\\(?:\\|u+([0-9a-fA-F]{4}))")
_HIGH, _LOW = range(0xD800, 0xDC00), range(0xDC00, 0xE000)


class Characters(NamedTuple):
    """The characters that Java reads in a text.

    Parameters
    ----------
    code
        Code points with escapes replaced, dims (character).
    origin
        Where each of them begins in the text, and the text's length, dims (character); ``None`` if it has no escapes.
    """

    code: NDArray[np.uint32]
    origin: NDArray[np.int32] | None

    def place(self, index: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return where characters begin in the text; that after the last is the text's end."""
        return index if self.origin is None else self.origin[index]


def read_characters(text: str) -> Characters:
    """Return the characters of a text.

    An escape of a high surrogate with that of its low one is one character. A backslash that is not followed by ``u``
    and four hexadecimal digits, or that another one stands before, is itself.
    """
    code = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    if "\\u" not in text:
        return Characters(code, None)
    code, keep = code.copy(), np.ones(len(text), bool)
    high = -1
    for match in _ESCAPE.finditer(text):
        if match[1] is None:
            continue
        start, value = match.start(), int(match[1], 16)
        keep[start + 1 : match.end()] = False
        code[start] = value
        if value in _LOW and high >= 0 and not keep[high + 1 : start].any():
            code[high] = 0x10000 + ((int(code[high]) - 0xD800) << 10) + (value - 0xDC00)
            keep[start] = False
        high = start if value in _HIGH else -1
    origin = np.append(np.flatnonzero(keep), len(text)).astype(np.int32)
    return Characters(code[keep], origin)

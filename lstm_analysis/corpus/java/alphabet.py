"""What each character can be in Java: white space, the beginning of a name, its continuation, a digit."""

import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

OTHER, BLANK, LETTER, DIGIT, PART = range(5)
"""Classes of characters: any other one, white space, begins a name, one of 0 to 9, goes on with a name."""
N_ASCII, N_CODE = 128, 0x110000
_LETTER = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Nl", "Sc", "Pc"))
_PART = frozenset(("Nd", "Mn", "Mc", "Cf"))
_IGNORED = frozenset((*range(0x00, 0x09), *range(0x0E, 0x1C), *range(0x7F, 0xA0)))
"""Control characters that a name may hold."""


@cache
def character_classes(ascii: bool) -> NDArray[np.uint8]:
    """Return the class of each character, dims (character); a name's as by ``Character.isJavaIdentifierStart``.

    Parameters
    ----------
    ascii
        Only of the first 128 characters, which is a thousand times quicker.
    """
    codes = range(N_ASCII if ascii else N_CODE)
    return np.fromiter(map(_class_of, codes), np.uint8, len(codes))


def _class_of(code: int) -> int:
    character = chr(code)
    if "0" <= character <= "9":
        return DIGIT
    category = unicodedata.category(character)
    if category in _LETTER:
        return LETTER
    if character.isspace():
        return BLANK
    return PART if category in _PART or code in _IGNORED else OTHER

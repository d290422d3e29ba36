"""Identifiers of program code, cut into the words that they are made of."""

import re

_SEPARATORS = "_$"
_PART = re.compile("U+(?!l)|U?l+|d+")


class _Kinds(dict[int, str]):
    """The kind of every character: ``U`` upper case, ``d`` digit, ``_`` separator, ``l`` any other letter."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = "U" if character.isupper() else "d" if character.isdecimal() else "l"
        self[code] = kind
        return kind


_KINDS = _Kinds({ord(separator): "_" for separator in _SEPARATORS})


def split_identifier(name: str) -> list[tuple[int, int]]:
    """Return the half-open intervals of the sub-tokens of an identifier, in characters.

    A sub-token ends where lower case goes over to upper case, before the last of several capitals that lower case
    follows, where digits begin or end, and at ``_`` and ``$``, which belong to none. A name of such separators alone
    is one sub-token.

    Parameters
    ----------
    name
        Identifier.

    Returns
    -------
    The intervals in their order; none for an empty name.

    >>> [name[start:stop] for name in ("parseHTTPServer2", "MAX_VALUE") for start, stop in split_identifier(name)]
    ['parse', 'HTTP', 'Server', '2', 'MAX', 'VALUE']
    """
    parts = [match.span() for match in _PART.finditer(name.translate(_KINDS))]
    return parts or ([(0, len(name))] if name else [])

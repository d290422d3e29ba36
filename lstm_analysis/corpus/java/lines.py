"""Where in its line a place of a text is, how long the line is and how far it is indented."""

import numpy as np
from numpy.typing import NDArray

_NEWLINE, _RETURN = 10, 13
_TAB, _VERTICAL_TAB, _FORM_FEED, _BLANK = 9, 11, 12, 32
Places = NDArray[np.int32]


def line_columns(text: str, start: Places) -> dict[str, Places]:
    """Return the columns that say where tokens are in their lines.

    A line ends with a line feed, a carriage return, or both; its end is not a part of it. A token of several lines is
    where it begins.

    Parameters
    ----------
    text
        The text.
    start
        First character of each token, dims (token).

    Returns
    -------
    ``column`` (characters before the token in its line), ``line_length`` and ``indentation`` (blanks and tabs that the
    line begins with, each counted as one), dims (token).

    >>> found = line_columns("a {\\n  b c\\n}", np.array([0, 2, 6, 8, 10]))
    >>> found["column"].tolist(), found["line_length"].tolist(), found["indentation"].tolist()
    ([0, 2, 2, 4, 0], [3, 3, 5, 5, 1], [0, 0, 2, 2, 0])
    """
    code = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    begins, ends = _lines(code)
    line = np.searchsorted(begins, start, side="right") - 1
    blank = (code == _BLANK) | (code == _TAB) | (code == _VERTICAL_TAB) | (code == _FORM_FEED)
    first_ink = np.append(np.flatnonzero(~blank), len(code))
    ink = np.minimum(first_ink[np.searchsorted(first_ink, begins)], ends)
    found = {"column": start - begins[line], "line_length": (ends - begins)[line], "indentation": (ink - begins)[line]}
    return {name: column.astype(np.int32) for name, column in found.items()}


def line_number(text: str, at: int) -> int:
    """Return the number of the line, from 1, that a place of a text is in."""
    return text.count("\n", 0, at) + text.count("\r", 0, at) - text.count("\r\n", 0, at) + 1


def _lines(code: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each line begins, and where it ends without its line end."""
    feed, carriage = code == _NEWLINE, code == _RETURN
    pair = carriage[:-1] & feed[1:]
    last = feed | carriage
    last[:-1] &= ~pair  # of two characters the second ends the line
    after = np.flatnonzero(last) + 1
    ends = np.append(after - 1, len(code))
    ends[:-1] -= np.append(False, pair)[after - 1] if len(code) else 0
    return np.append(0, after), ends

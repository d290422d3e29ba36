"""Numbers as people read them from a screen across the room."""

import math

UNITS = (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3))


def short(value: float, digits: int = 3) -> str:
    """Return a number with few digits; a dash where it is not known.

    >>> short(7), short(9_640), short(799_708), short(1_250_000), short(float("nan"))
    ('7', '9,640', '800 k', '1.25 M', '–')
    """
    if not math.isfinite(value):
        return "–"
    if abs(value) < 10_000:
        return f"{value:,.0f}" if value == round(value) or abs(value) >= 100 else f"{value:.{digits - 1}g}"
    letter, size = next((letter, size) for letter, size in UNITS if abs(value) >= size)
    return f"{_rounded(value / size, digits)} {letter}"


def bytes_as_text(value: float) -> str:
    """Return an amount of bytes.

    >>> bytes_as_text(0), bytes_as_text(25_400), bytes_as_text(1.6e9)
    ('0 B', '25.4 kB', '1.60 GB')
    """
    for letter, size in UNITS:
        if value >= size:
            return f"{_rounded(value / size, 3)} {letter}B"
    return f"{value:.0f} B"


def duration(seconds: float | None) -> str:
    """Return a time; a dash where it is not known.

    >>> duration(4.2), duration(95), duration(3_900), duration(200_000), duration(None)
    ('4 s', '1 min 35 s', '1 h 05 min', '2 d 7 h', '–')
    """
    if seconds is None or not math.isfinite(seconds):
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def share(part: float, whole: float | None) -> str:
    """Return a share in percent, never 100 % before all is done.

    >>> share(1, 3), share(999_999, 1_000_000), share(3, 3), share(3, None)
    ('33 %', '99 %', '100 %', '–')
    """
    if not whole:
        return "–"
    percent = math.floor(100 * part / whole)
    return f"{min(percent, 100)} %"


def _rounded(value: float, digits: int) -> str:
    whole = len(str(int(abs(value))))
    return f"{value:,.{max(0, digits - whole)}f}"

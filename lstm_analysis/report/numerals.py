"""Numbers as the page writes them: a true minus sign, a dash for what is undefined."""

import math
from collections.abc import Iterable

MINUS, NOTHING = "−", "–"


def number(value: float, digits: int = 2, signed: bool = False) -> str:
    """Return a number with a fixed number of digits; a dash for NaN.

    >>> number(-0.123), number(0.5, 1, signed=True), number(float("nan"))
    ('−0.12', '+0.5', '–')
    """
    if not math.isfinite(value):
        return NOTHING if math.isnan(value) else "∞" if value > 0 else f"{MINUS}∞"
    return f"{value:{'+' if signed else ''}z,.{digits}f}".replace("-", MINUS)


def interval(low: float, high: float, digits: int = 2) -> str:
    """Return an interval, empty if an end is undefined.

    >>> interval(0.7, 0.83), interval(float("nan"), 1.0)
    ('[0.70, 0.83]', '')
    """
    return "" if math.isnan(low) or math.isnan(high) else f"[{number(low, digits)}, {number(high, digits)}]"


def chance(p: float) -> str:
    """Return a p-value or q-value with three digits.

    >>> chance(0.0004), chance(0.0312), chance(1.0), chance(float("nan"))
    ('<.001', '.031', '1', '–')
    """
    if math.isnan(p):
        return NOTHING
    if p < 0.001:
        return "<.001"
    return "1" if p >= 0.9995 else f"{p:.3f}"[1:]


def names(items: Iterable[str], most: int) -> str:
    """Return a list in words, cut with the number of those left out.

    >>> names(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    known = list(items)
    left = len(known) - most
    return ", ".join(known) if left <= 0 else f"{', '.join(known[:most])} and {left:,} more"


def neuron_name(layer: int, neuron: int) -> str:
    """Return a neuron as it is written everywhere.

    >>> neuron_name(1, 37)
    '1:37'
    """
    return f"{layer}:{neuron}"

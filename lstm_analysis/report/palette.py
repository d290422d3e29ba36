"""The one scale of colours: blue below the neutral value, near white at it, red above.

Blue and red differ in hue and in lightness from white, so readers with any colour blindness tell the sides apart.
"""

import math

from bokeh.palettes import Blues9, RdBu11, interp_palette

N_STEP = 10
"""Steps of colour on either side of the neutral one."""
DIVERGING: tuple[str, ...] = tuple(colour[:7] for colour in interp_palette(RdBu11[1:-1], 2 * N_STEP + 1))
"""From the lowest value to the highest."""
SEQUENTIAL: tuple[str, ...] = tuple(colour[:7] for colour in interp_palette(("#ffffff", *Blues9[-2:1:-1]), 11))
"""From a share of 0 to a share of 1."""
UNDEFINED = "#c4c7cc"
DARK, LIGHT = "#000000", "#ffffff"


def step(value: float, neutral: float, reach: float) -> int:
    """Return the step of colour of a value, from ``-N_STEP`` at ``neutral - reach`` to ``N_STEP``; beyond is cut off.

    >>> step(0.5, neutral=0.5, reach=0.5), step(1.0, 0.5, 0.5), step(-7.0, 0.0, 1.0)
    (0, 10, -10)
    """
    if not reach > 0:
        return 0
    return max(-N_STEP, min(N_STEP, round(N_STEP * (value - neutral) / reach)))


def style_class(value: float, neutral: float = 0.0, reach: float = 1.0) -> str:
    """Return the name of the style of a value's colour, empty for NaN.

    >>> style_class(0.5), style_class(-1.0), style_class(float("nan"))
    ('p5', 'n10', '')
    """
    if math.isnan(value):
        return ""
    at = step(value, neutral, reach)
    return f"n{-at}" if at < 0 else f"p{at}"


def style_colours() -> list[tuple[str, str, str]]:
    """Return the name of each style with its background and the ink that can be read on it."""
    steps = zip(range(-N_STEP, N_STEP + 1), DIVERGING, strict=True)
    return [(style_class(i / N_STEP), colour, ink(colour)) for i, colour in steps]


def share_class(share: float) -> str:
    """Return the name of the style of a share, empty for NaN.

    >>> share_class(0.0), share_class(0.52), share_class(float("nan"))
    ('s0', 's5', '')
    """
    return "" if math.isnan(share) else f"s{round((len(SEQUENTIAL) - 1) * max(0.0, min(1.0, share)))}"


def share_colours() -> list[tuple[str, str, str]]:
    """Return the name of each style of a share with its background and the ink that can be read on it."""
    return [(f"s{i}", colour, ink(colour)) for i, colour in enumerate(SEQUENTIAL)]


def ink(background: str) -> str:
    """Return the ink, dark or light, with the greater contrast to a background.

    >>> ink("#ffffff"), ink("#2166ac")
    ('#000000', '#ffffff')
    """
    return max((DARK, LIGHT), key=lambda colour: contrast(colour, background))


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21, as WCAG 2 defines it.

    >>> contrast("#000000", "#ffffff")
    21.0
    """
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

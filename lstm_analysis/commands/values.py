"""What options of the command line stand for."""

import argparse
import re
from collections.abc import Callable


def span(text: str) -> tuple[int, int]:
    """Return first token, and token after the last.

    >>> span("106750:106754")
    (106750, 106754)
    """
    found = re.fullmatch(r"(\d+):(\d+)", text, re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no span; give FIRST:AFTER, such as 106750:106754")
    return int(found[1]), int(found[2])


def neuron(text: str) -> tuple[int, int]:
    """Return layer and neuron.

    >>> neuron("1:387")
    (1, 387)
    """
    found = re.fullmatch(r"(\d+):(\d+)", text, re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no neuron; give LAYER:NEURON, counted from 0, such as 1:387")
    return int(found[1]), int(found[2])


def neurons(text: str) -> list[tuple[int, int]]:
    """Return layer and neuron of several.

    >>> neurons("1:387,0:4")
    [(1, 387), (0, 4)]
    """
    return [neuron(one.strip()) for one in text.split(",")]


def whole_number(lowest: int) -> Callable[[str], int]:
    """Return a function that reads a whole number from ``lowest`` on."""

    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < lowest:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {lowest} on")
        return int(text)

    return read

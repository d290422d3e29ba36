"""What the values of a study may be, checked where a part of it is made: from a file, or from Python."""

import types
import typing
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from .errors import UsageError, one_of

N_SEED = 2**63
"""Every generator of random numbers takes a seed below."""


def require(fits: bool, key: str, value: Any, wanted: str) -> None:
    """Refuse a value that does not fit.

    Raises
    ------
    UsageError
        Naming key, value and what is wanted.
    """
    if not fits:
        raise UsageError(f"{key} is {value!r}; it must be {wanted}.")


def at_least(lowest: int, config: Any, key: str, *names: str) -> None:
    """Refuse fields below ``lowest``; ``None`` stands for none given, and NaN is below everything."""
    for name in names:
        value = getattr(config, name)
        require(value is None or value >= lowest, _dotted(key, name), value, f"at least {lowest}")


def require_seed(seed: int, key: str) -> None:
    """Refuse a seed that is negative or no number of 63 bits."""
    require(0 <= seed < N_SEED, key, seed, "at least 0 and below 2**63")


def known_choices(config: Any, key: str) -> None:
    """Refuse a field declared as a choice of words (``Literal``, or a tuple of them) that holds another word."""
    for name, hint in typing.get_type_hints(type(config)).items():
        value = getattr(config, name)
        if value is None:
            continue
        if typing.get_origin(hint) is types.UnionType:  # a choice or None
            hint = typing.get_args(hint)[0]
        if typing.get_origin(hint) is tuple:
            hint, values = typing.get_args(hint)[0], tuple(value)
        else:
            values = (value,)
        if typing.get_origin(hint) is not Literal:
            continue
        known = [str(word) for word in typing.get_args(hint)]
        for found in values:
            if found not in typing.get_args(hint):
                raise UsageError(f"{_dotted(key, name)} is {found!r}; {one_of(str(found), known)}")


def without_repeats(values: Sequence[str], key: str) -> None:
    """Refuse a list that is empty or names something twice."""
    require(len(values) > 0, key, list(values), "a list of at least one")
    repeated = [value for value, n in Counter(values).items() if n > 1]
    require(not repeated, key, list(values), "without repeats")


def _dotted(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name

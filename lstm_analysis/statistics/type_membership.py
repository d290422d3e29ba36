"""Which word types belong to a concept, and whether its words decide the concept at all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DECIDED_FROM = 0.8
"""Least share of a concept's target tokens that member types hold, and of the members' tokens that are targets."""


@dataclass(frozen=True)
class Membership:
    """The member types of a concept.

    Parameters
    ----------
    member
        Dims (type): most of the type's labelled tokens are targets.
    usable
        Dims (type): the type has labelled tokens.
    undecided
        ``""`` if the concept is decided by its words, else the sentence that says why it is not.
    """

    member: NDArray[np.bool_]
    usable: NDArray[np.bool_]
    undecided: str


def find_members(target: NDArray[np.int64], labelled: NDArray[np.int64]) -> Membership:
    """Return the member types of one concept.

    A concept is decided by its words if its member types hold at least 80 % of its target tokens and at least 80 % of
    their labelled tokens are targets. A place in the sentence, or the last word of an idiom, is not.

    Parameters
    ----------
    target, labelled
        Tokens of each type that are targets, and that are targets or baseline; dims (type).

    Examples
    --------
    >>> find_members(np.array([9, 0, 1]), np.array([10, 50, 40])).member.tolist()
    [True, False, False]
    >>> find_members(np.array([9, 50]), np.array([10, 200])).undecided[:60]
    'The concept is not decided by its words: 15 % of its target '
    """
    usable = labelled > 0
    member = usable & (2 * target > labelled)
    return Membership(member, usable, _undecided(target, labelled, member))


def _undecided(target: NDArray[np.int64], labelled: NDArray[np.int64], member: NDArray[np.bool_]) -> str:
    n_target, n_labelled = int(target.sum()), int(labelled.sum())
    if n_target == 0:
        return "No token of the words in the type table is a target, so there is nothing to measure."
    if n_target == n_labelled:
        return "Every labelled token of the words in the type table is a target, so there is nothing to compare with."
    if not member.any():
        return "The concept is not decided by its words: no word is a target in most of its labelled tokens."
    held, pure = target[member].sum() / n_target, target[member].sum() / labelled[member].sum()
    if min(held, pure) >= DECIDED_FROM:
        return ""
    return (
        f"The concept is not decided by its words: {_percent(held)} of its target tokens are of words that are targets "
        f"in most of their tokens, and {_percent(pure)} of the tokens of those words are targets; a test over words "
        f"needs {_percent(DECIDED_FROM)} of both."
    )


def _percent(share: float) -> str:
    """Return a share rounded down, so that what falls short of a limit never reads as the limit."""
    return f"{int(100 * share + 1e-9)} %"

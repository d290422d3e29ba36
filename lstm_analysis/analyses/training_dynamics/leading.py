"""The score that neurons are followed by."""

from collections.abc import Iterable

from ...errors import UserError

NEUTRAL = {"auroc": 0.5, "d_prime": 0.0, "mean_difference": 0.0, "average_precision": 0.0, "mutual_information": 0.0}
"""Measures in the order in which tables rank by them, each with the score that says nothing."""


def leading(scores: Iterable[object]) -> str:
    """Return the first measure that there is.

    Raises
    ------
    UserError
        If there is none.
    """
    known = set(map(str, scores))
    found = next((name for name in NEUTRAL if name in known), None)
    if found is None:
        raise UserError(f"The scores have none of the measures {', '.join(NEUTRAL)}; give selectivity.measures one.")
    return found

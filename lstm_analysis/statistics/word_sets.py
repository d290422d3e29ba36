"""The words of concepts and the words they are held against, as sets that a classifier may tell apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .strata import Matching, match_types
from .type_draws import draw_categories, lay_out
from .type_membership import find_members
from .type_table import TypeTable

FEWEST_WORDS = 10
"""A set of fewer words is not told apart: its folds would hold none or one of them."""


@dataclass(frozen=True)
class WordSet:
    """The words of a concept.

    Parameters
    ----------
    name
        Of the concept, with its source: no other has it.
    matching
        Members and the words of the same strata.
    n_member
        Member types, those without match included.
    reason
        ``""`` if it is told apart, else why not.
    """

    name: str
    matching: Matching
    n_member: int
    reason: str

    @property
    def n_used(self) -> int:
        """Members that have a match."""
        return int(self.matching.member.sum())

    @property
    def n_matched(self) -> int:
        """Words that they are held against."""
        return int((self.matching.stratum >= 0).sum()) - self.n_used

    @property
    def rows(self) -> NDArray[np.int64]:
        """The rows of the table that are used, members and matched words, dims (unit)."""
        return lay_out(self.matching).row


def word_sets(table: TypeTable, names: Sequence[str]) -> tuple[WordSet, ...]:
    """Return the set of each concept.

    Parameters
    ----------
    table
        A result of `read_type_table`.
    names
        A name for each concept that no other has.
    """
    return tuple(_word_set(table, index, name) for index, name in enumerate(names))


def _word_set(table: TypeTable, concept: int, name: str) -> WordSet:
    members = find_members(table.target[concept], table.labelled[concept])
    matching = match_types(table.classes, members.member, members.usable)
    n_used = int(matching.member.sum())
    few = "" if n_used >= FEWEST_WORDS else (
        f"The concept has {n_used} word{'s' * (n_used != 1)} that can be held against others of the same frequency; "
        f"a classifier needs {FEWEST_WORDS}."
    )  # fmt: skip
    return WordSet(name, matching, int(members.member.sum()), members.undecided or few)


def draw_labels(matching: Matching, draws: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return the labelling of the words of a set, and random ones with as many members in each stratum.

    Parameters
    ----------
    matching
        Members and the words of the same strata.
    draws
        Random labellings.
    rng
        Where they come from.

    Returns
    -------
    Dims (unit, 1 + draw), units as in `WordSet.rows`, the true labelling first.
    """
    layout = lay_out(matching)
    member = matching.member[layout.row]
    label = np.empty((len(layout.row), 1 + draws), dtype=bool)
    label[:, 0] = member
    by_member = layout.n_member <= layout.n_type - layout.n_member
    label[:, 1:] = ~np.repeat(by_member, layout.n_type)[:, np.newaxis]  # where the others are drawn, all are members
    drawn = draw_categories(layout, draws, rng)
    for draw, places in enumerate(drawn):
        label[places, 1 + draw] ^= True
    return label

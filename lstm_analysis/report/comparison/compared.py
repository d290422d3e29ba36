"""The runs that stand side by side: each with its letter, its colour, and what a token and a sentence of it are."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import xarray as xr

from ...errors import UsageError
from ..canvas import ACCENT, QUIET
from ..material import Material, gather
from ..palette import DIVERGING
from ..scale import Scale, leading_scale

if TYPE_CHECKING:
    from ...run import Run

COLOURS = {"A": ACCENT, "B": "#b8860b", "C": DIVERGING[-1], "D": "#5c7f4a", "E": "#6a4c93", "F": QUIET}
"""The colour of each letter."""


@dataclass(frozen=True)
class Compared:
    """A run on the page.

    Parameters
    ----------
    letter
        By which the page calls it.
    material
        Its datasets.
    """

    letter: str
    material: Material

    @property
    def colour(self) -> str:
        """Of its curves."""
        return COLOURS[self.letter]

    @property
    def name(self) -> str:
        """What its folder is called."""
        return self.material.folder

    @property
    def graded(self) -> xr.Dataset | None:
        """How its neurons follow graded variables; ``None`` if its study names none."""
        return self.material.graded

    @cached_property
    def scale(self) -> Scale:
        """The measure by which its neurons are ranked for concepts."""
        return leading_scale(self.material.scores)

    @property
    def corpus(self) -> Any:
        """What its study says of the corpus."""
        return self.material.study["corpus"]

    @property
    def token(self) -> str:
        """What a place on ``time`` is."""
        if self.corpus.get("level", "word") == "char":
            return "character"
        if self.corpus.get("unit", "word") == "token":
            return "piece"
        return "token" if self.corpus["format"] == "java" else "word"

    @property
    def sentence(self) -> str:
        """What lies between two sentence ends."""
        if self.corpus.get("level", "word") == "char":
            return "line"
        return "statement" if self.corpus["format"] == "java" else "sentence"

    @property
    def places(self) -> str:
        """What a place in its sentences is counted in, and from where."""
        return f"{self.token}s from the start of the {self.sentence}"


def gather_runs(runs: "Sequence[Run]") -> list[Compared]:
    """Return the datasets of the runs of a page.

    Parameters
    ----------
    runs
        Two or more, at most as many as there are colours.

    Raises
    ------
    UsageError
        If there are too few or too many, one is given twice, or one is the random twin that stands beside its run.
    UserError
        If a result that the page shows is missing.
    """
    if not 2 <= len(runs) <= len(COLOURS):
        raise UsageError(
            f"A comparison holds 2 to {len(COLOURS)} runs, got {len(runs)}. Leave some away, or write several pages."
        )
    places = [run.path.resolve() for run in runs]
    for run, place in zip(runs, places, strict=True):
        if places.count(place) > 1:
            raise UsageError(f"{run.path} is given twice. Name each run once: a run does not differ from itself.")
        if place.name == "twin" and (place.parent / "run.json").exists():
            raise UsageError(
                f"{run.path} is the random twin of the run {run.path.parent}. Give that run: its twin stands beside it."
            )
    return [Compared(letter, gather(run)) for letter, run in zip(COLOURS, runs, strict=False)]

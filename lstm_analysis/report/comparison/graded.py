"""Nesting and other graded variables: what of different runs is set side by side, and the neurons that follow it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ...selectivity import position_scores, rank_neurons
from ..numerals import neuron_name
from .compared import Compared

RELATED: dict[str, tuple[str, ...]] = {
    "nesting": ("brace_depth", "parenthesis_depth", "generic_depth", "bracket_depth", "quote_depth"),
    "place in the line": ("column", "line_length", "indentation"),
    "place in the sentence": ("sentence_position", "sentence_length"),
    "place in the word": ("word_position", "word_length"),
}
"""What compares with what; a variable in none of these stands by itself."""
N_NEURON = 2
ADJUSTED = "eta2_type_adjusted"
ENDS = ("", "_low", "_high")
SCORES = (*(f"{name}{end}" for name in ("r", "eta2") for end in ENDS), ADJUSTED, "p_fwer", "graded_neuron")


@dataclass(frozen=True)
class GradedNeuron:
    """A neuron with its scores for a variable by name, and the neurons that do the same."""

    layer: int
    neuron: int
    scores: dict[str, float]
    duplicates: str

    @property
    def name(self) -> str:
        """Written ``layer:neuron``."""
        return neuron_name(self.layer, self.neuron)


@dataclass(frozen=True)
class Graded:
    """A variable of a run: its best neurons, the random twin's best, neurons called (``None``: not tested)."""

    run: Compared
    variable: str
    curves: xr.Dataset
    curves_twin: xr.Dataset | None
    neurons: tuple[GradedNeuron, ...]
    twin: GradedNeuron | None
    n_called: int | None
    n_called_twin: int | None
    n_neuron: int
    n_token: int
    n_token_missing: int

    @property
    def figure(self) -> str:
        """The name of its figure."""
        return f"graded-{self.run.letter}-{self.variable}"


@dataclass(frozen=True)
class GradedGroup:
    """Variables that are set side by side, by run."""

    name: str
    measure: str
    columns: tuple[tuple[Graded, ...], ...]

    @property
    def all(self) -> list[Graded]:
        """The variables of all runs."""
        return [one for column in self.columns for one in column]


def graded_groups(runs: Sequence[Compared]) -> list[GradedGroup]:
    """Return the variables that at least one run has, those related together; empty if no run has any.

    Parameters
    ----------
    runs
        The runs of the page.
    """
    held = [[] if run.graded is None else [str(name) for name in run.graded["variable"].values] for run in runs]
    names = list(dict.fromkeys(name for of_run in held for name in of_run))
    related = {name for members in RELATED.values() for name in members}
    sought = RELATED | {name: (name,) for name in names if name not in related}
    groups = []
    for title, members in sought.items():
        if not set(members) & set(names):
            continue
        measure = _measure([run.graded for run, of_run in zip(runs, held, strict=True) if set(members) & set(of_run)])
        columns = tuple(
            tuple(_graded(run, name, measure) for name in members if name in of_run)
            for run, of_run in zip(runs, held, strict=True)
        )
        groups.append(GradedGroup(title, measure, columns))
    return groups


def _measure(stores: Sequence[xr.Dataset | None]) -> str:
    return ADJUSTED if all(store is not None and ADJUSTED in store for store in stores) else "eta2"


def _graded(run: Compared, variable: str, measure: str) -> Graded:
    assert run.graded is not None
    one, twin = _of_variable(run.graded, variable), _of_twin(run, variable, measure)
    best_of_twin: tuple[GradedNeuron, ...] = ()
    if twin is not None and run.material.twin is not None:
        best_of_twin = _best(twin, run.material.twin.scores, measure, 1)
    return Graded(
        run, variable, one, twin, _best(one, run.material.scores, measure, N_NEURON),
        best_of_twin[0] if best_of_twin else None, _n_called(one), None if twin is None else _n_called(twin),
        int(one[measure].notnull().sum()), int(one["n_token"].sum()), int(one["n_token_missing"].item()),
    )  # fmt: skip


def _of_twin(run: Compared, variable: str, measure: str) -> xr.Dataset | None:
    twin = run.material.of_twin.graded
    if twin is None or measure not in twin or variable not in twin["variable"].values:
        return None
    return _of_variable(twin, variable)


def _of_variable(store: xr.Dataset, variable: str) -> xr.Dataset:
    """Return what a store has of a variable, without the tokens that have no value."""
    return store.sel(variable=variable).isel(variable_value=np.flatnonzero(store["variable_value"].values >= 0))


def _best(one: xr.Dataset, scores: xr.Dataset, measure: str, n: int) -> tuple[GradedNeuron, ...]:
    ranked = rank_neurons(position_scores(one.drop_vars("variable"), scores), measure, n=n)
    duplicates = ranked["duplicates"] if "duplicates" in ranked else [""] * len(ranked)
    return tuple(
        GradedNeuron(int(layer), int(neuron), _scores(one.isel(layer=layer, neuron=neuron)), same)
        for layer, neuron, same in zip(ranked["layer"], ranked["neuron"], duplicates, strict=True)
    )


def _scores(one: xr.Dataset) -> dict[str, float]:
    return {name: float(one[name].item()) if name in one else np.nan for name in SCORES}


def _n_called(one: xr.Dataset) -> int | None:
    if "graded_neuron" not in one or (one["graded_neuron"] < 0).all():
        return None
    return int((one["graded_neuron"] == 1).sum())

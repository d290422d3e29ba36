"""Neurons bound to the place in the sentence, a column a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...selectivity import position_scores, rank_neurons
from ..position_section import PositionNeuron, position_neurons
from .compared import Compared

N_NEURON = 4
ADJUSTED = "eta2_type_adjusted"
THRESHOLDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True)
class Share:
    """How many neurons have at least a threshold, of the model and of its twin; ``None`` without one."""

    threshold: float
    n: int
    n_twin: int | None


@dataclass(frozen=True)
class PositionColumn:
    """What a run has to show: ``missing`` says why nothing, else it is empty.

    ``n_neuron`` neurons have the measure, ``n_neuron_twin`` of the twin; ``n_called`` is ``None`` where no boundary
    was measured.
    """

    run: Compared
    missing: str
    neurons: tuple[PositionNeuron, ...] = ()
    twin: PositionNeuron | None = None
    n_called: int | None = None
    n_called_twin: int | None = None
    n_neuron: int = 0
    n_neuron_twin: int | None = None
    shares: tuple[Share, ...] = ()


def ranking_measure(runs: Sequence[Compared]) -> str:
    """Return what all runs can be ranked by: ``eta2_type_adjusted`` if each has it, else ``eta2``.

    Parameters
    ----------
    runs
        The runs of the page; those without the analysis do not count.
    """
    found = [run.material.tuning for run in runs if run.material.tuning is not None]
    return ADJUSTED if all(ADJUSTED in tuning for tuning in found) else "eta2"


def position_columns(runs: Sequence[Compared]) -> list[PositionColumn]:
    """Return the column of each run.

    Parameters
    ----------
    runs
        The runs of the page.
    """
    measure = ranking_measure(runs)
    return [_column(run, measure) for run in runs]


def _column(run: Compared, measure: str) -> PositionColumn:
    tuning, twin = run.material.tuning, twin_tuning(run, measure)
    if tuning is None:
        return PositionColumn(run, "its study does not ask for sentence_position")
    neurons = _strongest(tuning, run.material.scores, measure, N_NEURON)
    if not neurons:
        return PositionColumn(run, "no neuron varies")
    of_twin = () if twin is None else _strongest(*twin, measure, 1)
    return PositionColumn(
        run=run,
        missing="",
        neurons=neurons,
        twin=of_twin[0] if of_twin else None,
        n_called=_n_called(tuning),
        n_called_twin=None if twin is None else _n_called(twin.tuning),
        n_neuron=len(values_of(tuning, measure)),
        n_neuron_twin=None if twin is None else len(values_of(twin.tuning, measure)),
        shares=tuple(
            Share(t, _n_from(tuning, measure, t), None if twin is None else _n_from(twin.tuning, measure, t))
            for t in THRESHOLDS
        ),
    )


class OfTwin(NamedTuple):
    """What a random twin has of the sentence position, and its scores, which say what neurons it has."""

    tuning: xr.Dataset
    scores: xr.Dataset


def twin_tuning(run: Compared, measure: str) -> OfTwin | None:
    """Return what the twin has of the sentence position; ``None`` where it lacks the measure."""
    twin = run.material.twin
    if twin is None or twin.tuning is None or measure not in twin.tuning:
        return None
    return OfTwin(twin.tuning, twin.scores)


def values_of(tuning: xr.Dataset, measure: str) -> NDArray[np.float64]:
    """Return the measure of the neurons that have it."""
    values: NDArray[np.float64] = tuning[measure].values.ravel()
    return values[np.isfinite(values)]


def _strongest(tuning: xr.Dataset, scores: xr.Dataset, measure: str, n: int) -> tuple[PositionNeuron, ...]:
    return position_neurons(tuning, rank_neurons(position_scores(tuning, scores), measure, n=n))


def _n_called(tuning: xr.Dataset) -> int | None:
    return int((tuning["cliff_neuron"] == 1).sum()) if "cliff_neuron" in tuning else None


def _n_from(tuning: xr.Dataset, measure: str, threshold: float) -> int:
    return int((values_of(tuning, measure) >= threshold).sum())

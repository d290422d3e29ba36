"""What a question finds in the neurons of one network: the model, its random twin, another trained model."""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..duplicates import others_like
from ..material import Material, Replicate, Twin
from ..numerals import neuron_name
from .answer import Measure

Network = Material | Twin | Replicate
Place = tuple[int, int]
"""Layer and neuron."""


@dataclass(frozen=True)
class Reading:
    """Scores of all neurons for a question, dims (layer, neuron).

    Parameters
    ----------
    details
        The dataset they come from, for what else is said of a neuron.
    measure
        What the scores are.
    score
        NaN where a neuron is not tested.
    called
        Whether the rule of the analysis calls the neuron.
    p
        p over all neurons, NaN throughout if the rule has none.
    low, high
        Interval of the score, NaN throughout if it has none.
    """

    details: xr.Dataset
    measure: Measure
    score: NDArray[np.float64]
    called: NDArray[np.bool_]
    p: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def size(self) -> NDArray[np.float64]:
        """How far the scores are from the neutral one, dims (layer, neuron)."""
        away = self.score - self.measure.neutral
        return np.abs(away) if self.measure.two_sided else away

    @property
    def n_tested(self) -> int:
        """Neurons with a score."""
        return int(np.isfinite(self.score).sum())

    @property
    def n_called(self) -> int:
        """Neurons called."""
        return int(self.called.sum())

    def strongest(self) -> Place | None:
        """Return the called neuron farthest from neutral, or if none is called of all; ``None`` without a score."""
        order = self.in_order()
        return order[0] if order else self.farthest()

    def farthest(self) -> Place | None:
        """Return the neuron farthest from neutral, called or not; ``None`` without a score."""
        order = self._ordered(np.isfinite(self.score))
        return order[0] if order else None

    def in_order(self) -> list[Place]:
        """Return the called neurons, those farthest from neutral first."""
        return self._ordered(self.called)

    def _ordered(self, which: NDArray[np.bool_]) -> list[Place]:
        places = [(int(layer), int(neuron)) for layer, neuron in np.argwhere(which)]
        size = np.nan_to_num(self.size, nan=-np.inf)
        return sorted(places, key=lambda place: -size[place])


def read(
    details: xr.Dataset, measure: Measure, score: str, called: NDArray[np.bool_], p: str = "", interval: str = ""
) -> Reading:
    """Return a reading from variables of a dataset; those that it lacks are NaN.

    Parameters
    ----------
    details
        Dims (layer, neuron).
    measure
        What the score is.
    score, p, interval
        Names: of the score, of its p over all neurons, of that which has ``_low`` and ``_high``.
    called
        Dims (layer, neuron).
    """
    names = (score, p, f"{interval}_low", f"{interval}_high")
    columns = [grid(details[name]) if name in details else np.full(called.shape, np.nan) for name in names]
    return Reading(details, measure, called=called, **_floats(columns))


def _floats(columns: list[NDArray[np.generic]]) -> dict[str, NDArray[np.float64]]:
    return {
        name: np.asarray(values, np.float64)
        for name, values in zip(("score", "p", "low", "high"), columns, strict=True)
    }


def in_place_of(reading: Reading, measure: Measure, name: str) -> Reading:
    """Return a reading with another score of the same neurons, which has no interval."""
    score = np.asarray(grid(reading.details[name]), np.float64)
    nothing = np.full(score.shape, np.nan)
    return replace(reading, measure=measure, score=score, low=nothing, high=nothing)


def grid(values: xr.DataArray) -> NDArray[np.generic]:
    """Return values as an array of dims (layer, neuron)."""
    found: NDArray[np.generic] = values.transpose("layer", "neuron").values
    return found


def detail(reading: Reading, name: str, place: Place) -> float:
    """Return another number of a neuron, NaN if the dataset lacks it."""
    return float(grid(reading.details[name])[place]) if name in reading.details else np.nan


def place_of(scores: xr.Dataset, concept: str, source: str) -> int | None:
    """Return where a concept stands along ``concept``, ``None`` if it is not there."""
    same = np.flatnonzero((scores["concept"].values == concept) & (scores["source"].values == source))
    return int(same[0]) if len(same) else None


def alike(scores: xr.Dataset, place: Place) -> tuple[str, ...]:
    """Return the names of the neurons that do the same as one, up to sign."""
    if "duplicate_of" not in scores:
        return ()
    return others_like(scores["duplicate_of"].transpose("layer", "neuron").values, *place)


def named(place: Place | None) -> str:
    """Return the name of a neuron, empty for none."""
    return "" if place is None else neuron_name(*place)

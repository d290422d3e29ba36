"""Which measure the page leads with, and the range of values that its colours span."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..selectivity import MEASURES


@dataclass(frozen=True)
class Scale:
    """The range of a measure, symmetric around its neutral value.

    Parameters
    ----------
    measure
        Name of the measure.
    neutral
        The score of a neuron that knows nothing.
    reach
        Distance of the ends from it.
    """

    measure: str
    neutral: float
    reach: float

    @property
    def low(self) -> float:
        """The lowest value of the range."""
        return self.neutral - self.reach

    @property
    def high(self) -> float:
        """The highest value of the range."""
        return self.neutral + self.reach


def leading_scale(scores: xr.Dataset) -> Scale:
    """Return the scale of ``auroc``, or of the first measure there is if the study did without it.

    ``auroc`` always spans 0 to 1, so that a colour means the same for every concept and every run.

    Parameters
    ----------
    scores
        A result of `selectivity.measure`.
    """
    if "auroc" in scores:
        return Scale("auroc", 0.5, 0.5)
    measure = next(name for name in MEASURES if name in scores)
    neutral = MEASURES[measure].neutral or 0.0
    distance = np.abs(scores[measure].values - neutral)
    return Scale(measure, neutral, float(np.nanmax(distance)) if np.isfinite(distance).any() else 1.0)

"""The table of measures, and `measure`, which reads them off a summary."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from .. import schema
from ..errors import UserError, nearest
from .auroc import auroc
from .average_precision import average_precision
from .d_prime import d_prime
from .mean_difference import mean_difference
from .mutual_information import mutual_information

MOMENTS = ("value_sum", "square_sum_high", "square_sum_low")
_BESIDE = ("n_token", "n_type", "n_document", "value_min", "value_max")


@dataclass(frozen=True)
class Measure:
    """A measure of selectivity.

    Parameters
    ----------
    function
        Summary to dataset with the variables of ``yields``.
    needs
        Variables of the summary it reads, beside ``n_token``.
    yields
        Variables it gives: the score, which has the measure's name, then its companions.
    neutral
        The score of a neuron that knows nothing of the concept; ``None`` where that is the ``prevalence``.
    two_signed
        Whether scores below ``neutral`` mean that the neuron goes down for the concept.
    meaning
        What it says.
    """

    function: Callable[[xr.Dataset], xr.Dataset]
    needs: tuple[str, ...]
    yields: tuple[str, ...]
    neutral: float | None
    two_signed: bool
    meaning: str


MEASURES: dict[str, Measure] = {
    "auroc": Measure(
        auroc, ("histogram",), ("auroc", "auroc_error_bound"), 0.5, True, "how well values rank target above baseline"
    ),
    "d_prime": Measure(d_prime, MOMENTS, ("d_prime",), 0.0, True, "distance of the means in standard deviations"),
    "mean_difference": Measure(
        mean_difference, MOMENTS, ("mean_difference",), 0.0, True, "distance of the means in units of the neuron"
    ),
    "average_precision": Measure(
        average_precision,
        ("histogram",),
        ("average_precision", "average_precision_error_bound", "prevalence"),
        None,
        False,
        "how pure the tokens with the highest values are",
    ),
    "mutual_information": Measure(
        mutual_information,
        ("histogram",),
        ("mutual_information", "mutual_information_bias"),
        0.0,
        False,
        "how much the value tells of the label, whatever the shape of the relation",
    ),
}


def measure(summary: xr.Dataset, names: Iterable[str] = tuple(MEASURES)) -> xr.Dataset:
    """Return scores of selectivity.

    A lazy summary is computed here, in one pass over its chunks.

    Parameters
    ----------
    summary
        A result of `summarize`.
    names
        Measures, names in `MEASURES`.

    Returns
    -------
    Each measure and its companions, dims (concept, layer, neuron), ``n_token`` (concept, group), with ``n_type`` and
    ``n_document`` where the summary has them, and ``value_min, value_max`` (layer, neuron). A score is NaN where a
    group is empty or the neuron is constant, that is, where its values span less than `schema.RESOLUTION`. All of it
    is NaN for a neuron that its layer does not have, see `is_present`.

    Raises
    ------
    UserError
        If a measure is not known.
    """
    names = [names] if isinstance(names, str) else list(names)
    for name in names:
        if name not in MEASURES:
            raise UserError(f"unknown measure {name!r}; {nearest(name, MEASURES)}")
    needed = {*_BESIDE, *(variable for name in names for variable in MEASURES[name].needs)}
    summary = summary[[name for name in summary.data_vars if name in needed]].compute()
    varies = summary.value_max.astype(np.float64) - summary.value_min >= schema.RESOLUTION
    scores = xr.Dataset(coords=_coords(summary))
    for name in names:
        for variable, score in MEASURES[name].function(summary).data_vars.items():
            scores[variable] = score.where(varies) if "neuron" in score.dims else score
    for name in _BESIDE:
        if name in summary:
            scores[name] = summary[name]
    return schema.attach_attrs(scores)


def _coords(summary: xr.Dataset) -> dict[str, xr.DataArray]:
    names = ("concept", "source", "group", "layer", "neuron")
    return {name: summary.coords[name] for name in names if name in summary.coords}

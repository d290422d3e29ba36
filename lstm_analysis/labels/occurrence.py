"""Occurrences of idioms as a dataset, whoever found them."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import schema
from .intervals import Positions


def occurrence_dataset(
    start: Positions, stop: Positions, idiom: NDArray[np.integer], value: NDArray[np.integer], names: Sequence[str]
) -> xr.Dataset:
    """Return occurrences as a dataset with dim ``occurrence``.

    Parameters
    ----------
    start, stop
        Half-open positions on ``time``.
    idiom
        Index of each one's idiom in ``names``.
    value
        1 where it is used idiomatically, 0 literally.
    names
        The idioms.
    """
    columns = {
        "occurrence_start": start,
        "occurrence_stop": stop,
        "occurrence_idiom": idiom,
        "occurrence_value": value,
    }
    variables = {name: ("occurrence", column.astype(schema.VARIABLES[name].dtype)) for name, column in columns.items()}
    table = np.array(list(names), dtype=object)
    dataset: xr.Dataset = schema.attach_attrs(xr.Dataset(variables, coords={"idiom": ("idiom", table)}))
    return dataset

"""The tables of one pass that type-level analyses read, made at once from states in memory."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from lstm_analysis.fixed_point import SCALE, carry

N_POSITION = 61


def one_pass(
    h: NDArray[np.floating], type_id: NDArray[np.integer], position: NDArray[np.integer], min_token: int = 1
) -> xr.Dataset:
    """Return the tables of one layer's states (time, neuron), which has the place 0 on ``layer``.

    Types with fewer than ``min_token`` tokens are left out.
    """
    frequent = np.bincount(type_id) >= min_token
    kept = frequent[type_id]
    row, place = (np.cumsum(frequent) - 1)[type_id[kept]], np.minimum(position[kept], N_POSITION - 1)
    q = np.round(h[kept].astype(np.float64) * SCALE).astype(np.int64)
    n_type, n_neuron = int(frequent.sum()), h.shape[1]
    type_sum, position_sum = np.zeros((n_type, 1, n_neuron), np.int64), np.zeros((N_POSITION, 1, n_neuron), np.int64)
    counts = np.zeros((N_POSITION, n_type), np.int64)
    np.add.at(type_sum[:, 0], row, q)
    np.add.at(position_sum[:, 0], place, q)
    np.add.at(counts, (place, row), 1)
    high, low = carry((q * q >> 32).sum(axis=0), (q * q & 0xFFFFFFFF).sum(axis=0))
    neuron = ("layer", "neuron")
    return xr.Dataset(
        {
            "type_n_token": ("table_type", counts.sum(axis=0)),
            "type_value_sum": (("table_type", *neuron), type_sum),
            "position_type_n_token": (("sentence_position", "table_type"), counts),
            "position_table_value_sum": (("sentence_position", *neuron), position_sum),
            "table_square_sum_high": (neuron, high[None]),
            "table_square_sum_low": (neuron, low[None]),
        }
    )

"""A small study: states, labels and the columns beside them."""

import numpy as np
import xarray as xr

SHARES = {  # of left out, baseline, target
    "rare": (0.0, 0.9, 0.1),
    "rare among few": (0.7, 0.2, 0.1),
    "frequent": (0.1, 0.3, 0.6),
    "partly left out": (0.2, 0.5, 0.3),
}


def make_study(n_token=60, n_layer=2, n_neuron=3, seed=0):
    """Return states with ties, minus zeros and a constant neuron 0:0, labels of every density, and columns."""
    rng = np.random.default_rng(seed)
    values = np.tanh(rng.standard_normal((n_token, n_layer, n_neuron))).astype(np.float32)
    values[rng.random(values.shape) < 0.3] = np.float32(-0.0)
    values[rng.random(values.shape) < 0.1] = 0.0
    values[:, 0, 0] = 1.0
    states = xr.DataArray(values, dims=("time", "layer", "neuron"))
    label = np.stack([rng.choice([-1, 0, 1], size=n_token, p=share) for share in SHARES.values()], axis=1)
    labels = xr.Dataset({"label": (("time", "concept"), label.astype(np.int8))}, {"concept": list(SHARES)})
    sentence = xr.DataArray(np.cumsum(rng.random(n_token) < 0.1), dims="time")
    position = xr.DataArray(np.arange(n_token) * 11 % 70, dims="time")
    return states, labels, {"sentence_position": position, "context_group": sentence}

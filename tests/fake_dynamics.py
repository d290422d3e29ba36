"""Training dynamics of a fake run: its scores grow up to what they are at the end."""

import numpy as np
import xarray as xr

from lstm_analysis.analyses.training_dynamics import AtEpoch, training_dynamics

EPOCHS = {0.0: 0.15, 0.1: 0.2, 0.25: 0.4, 0.5: 0.7, 1.0: 0.85, 2.0: 0.95, 3.0: 0.98, 4.0: 1.0, 5.0: 1.0}
"""Epochs, each with the share of the end's distance from neutral that neurons have there."""


def fake_dynamics(
    scores: xr.Dataset, perplexity: bool = True, untrained: bool = True, same_start: bool = True
) -> xr.Dataset:
    """Return ``training_dynamics.zarr`` of scores with ``auroc``; every other neuron grows, the others stay at .5."""
    rng, at = np.random.default_rng(0), []
    for epoch, share in EPOCHS.items():
        if epoch or untrained:
            at.append(AtEpoch(
                epoch=epoch, scores=scores if epoch == 5 else _at(scores, share, rng),
                validation_perplexity=70 + 9930 * np.exp(-9 * share) if perplexity else np.nan,
            ))  # fmt: skip
    return training_dynamics(at, 0.05, same_start=same_start)


def _at(scores: xr.Dataset, share: float, rng: np.random.Generator) -> xr.Dataset:
    noise = xr.DataArray(rng.normal(0, 0.01, scores["auroc"].shape), dims=scores["auroc"].dims)
    return scores.assign(auroc=(0.5 + share * (scores["auroc"] - 0.5) + noise).clip(0, 1))

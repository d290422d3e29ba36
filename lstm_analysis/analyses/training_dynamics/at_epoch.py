"""What is known of a model at one epoch of its training, and the same variable at all of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr

from ...errors import UserError

DIMS = ("concept", "layer", "neuron")


@dataclass(frozen=True, kw_only=True)
class AtEpoch:
    """Results of a study of one checkpoint; ``None`` for analyses that the study leaves out.

    Parameters
    ----------
    epoch
        Passes over the training text; 0 is the network that training began from.
    scores
        The run's ``selectivity``.
    categories, sentence_position, idioms, tuning, periodicity
        The run's stores of these names.
    validation_perplexity
        Of the checkpoint, NaN if it is not known.
    """

    epoch: float
    scores: xr.Dataset
    categories: xr.Dataset | None = None
    sentence_position: xr.Dataset | None = None
    idioms: xr.Dataset | None = None
    tuning: xr.Dataset | None = None
    periodicity: xr.Dataset | None = None
    validation_perplexity: float = math.nan


def check_epochs(at: Sequence[AtEpoch]) -> None:
    """Refuse results that are not those of one study at several epochs.

    Raises
    ------
    UserError
        If there are fewer than two, epochs do not increase, or concepts or neurons differ.
    """
    epochs = [one.epoch for one in at]
    if len(at) < 2 or not all(a < b for a, b in pairwise(epochs)):
        raise UserError(f"Training dynamics need two epochs or more, in their order; got {epochs}.")
    last = at[-1].scores
    for one in at:
        for dim in DIMS:
            if one.scores.sizes[dim] != last.sizes[dim] or not one.scores[dim].equals(last[dim]):
                raise UserError(
                    f"The scores at epoch {one.epoch:g} and at epoch {at[-1].epoch:g} differ in {dim!r}: "
                    f"{one.scores.sizes[dim]} against {last.sizes[dim]}, or other names. Use one study of checkpoints "
                    "of one training."
                )


def over_epochs(at: Sequence[AtEpoch], store: str, name: str) -> xr.Variable | None:
    """Return a variable at all epochs, ``epoch`` first; ``None`` if it is at none of them.

    Parameters
    ----------
    at
        The epochs.
    store, name
        Field of `AtEpoch`, and variable in it.

    Raises
    ------
    UserError
        If it is at some epochs only.
    """
    stores = [getattr(one, store) for one in at]
    there = [found is not None and name in found for found in stores]
    if not any(there):
        return None
    if not all(there):
        without = ", ".join(f"{one.epoch:g}" for one, known in zip(at, there, strict=True) if not known)
        raise UserError(
            f"The variable {name} of {store} is not there at the epochs {without}, and is at the others. Study all "
            "checkpoints with the same analyses and draws."
        )
    dims = stores[-1][name].dims
    values = np.stack([found[name].transpose(*dims).values for found in stores])
    return xr.Variable(("epoch", *map(str, dims)), values)

"""When neurons become selective: results at the epochs of one training, put together and dated."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ... import schema
from .at_epoch import DIMS, AtEpoch, check_epochs, over_epochs
from .best import best_of_epochs, held_out
from .leading import NEUTRAL, leading
from .since import lasting_since
from .untrained import untrained_floor

RULE = (
    "selective: p_fwer at most alpha, and farther from neutral than the untrained network accounts for; since: the "
    "first epoch kept from which on it is, in the direction of the end"
)
NO_TESTS = "none: the study makes no tests (selectivity.draws: 0), so no neuron counts as selective"
NO_UNTRAINED = "none: without the untrained network p_fwer alone would say nothing of learning"
BESIDE = {
    "sentence_position": ("eta2", "eta2_type_adjusted", "tau", "cliff_neuron"),
    "idioms": ("idiom_neuron",),
    "periodicity": ("rhythm",),
    "categories": ("called",),
}
GRADED = ("r", "eta2", "eta2_type_adjusted", "graded_neuron")
DATED = {
    "called": "called_since", "cliff_neuron": "cliff_since", "idiom_neuron": "idiom_since", "rhythm": "periodic_since",
    "graded_neuron": "graded_since",
}  # fmt: skip
"""Flags that are dated; 1 means that they hold."""


def training_dynamics(at: Sequence[AtEpoch], alpha: float = 0.05, *, same_start: bool) -> xr.Dataset:
    """Return what neurons respond to at each epoch of a training, and since when.

    A neuron is *selective* at an epoch if its ``p_fwer`` is at most ``alpha`` and its leading score is farther from
    neutral than `untrained_floor`. The p alone says nothing of learning: neurons of an untrained network echo the words
    just read, and nearly all of them pass a test of labels shifted within documents. A date asks for the end and looks
    back from it, so more epochs give no more neurons a date. It is that of a checkpoint: what it dates came about
    between the one before and it.

    Parameters
    ----------
    at
        The epochs, in their order, the end of training last. If the first is 0, it is an untrained network.
    alpha
        Level of the tests.
    same_start
        Whether the untrained network is the one that this training began from, weight by weight. Another one, such as a
        random twin from another seed, says what untrained networks reach, but its neurons are not those of later
        epochs: then no neuron is followed back to it, and no date is 0.

    Returns
    -------
    See `schema.TRAINING_DYNAMICS`; what the study leaves out is left out. The attributes say ``measure`` (the leading
    score), ``neutral``, ``alpha``, ``same_start`` (0 or 1) and ``rule``, by which neurons are selective. Without epoch
    0 (``untrained_best`` and ``untrained_floor`` are NaN) or without tests none is, and ``rule`` says why; what else is
    dated is dated nevertheless. ``half_since`` is NaN where a neuron has no score or ends at neutral.

    The best neuron at the end is chosen by its score at the end, which flatters that score and the gain up to it.
    ``held_out_smd`` does not: chosen at the end on one half of the words, followed on the other (``half`` is that which
    it is chosen on).

    Raises
    ------
    UserError
        See `check_epochs` and `over_epochs`; or if there is no measure.
    """
    check_epochs(at)
    measure = leading(at[-1].scores)
    epoch = np.array([one.epoch for one in at], np.float64)
    first = int(epoch[0] == 0 and not same_start)  # from which on neurons are the same ones
    found = {name: over_epochs(at, "scores", name) for name in (measure, "type_smd", "p_fwer")}
    found |= {name: over_epochs(at, store, name) for store, names in BESIDE.items() for name in names}
    found |= {f"graded_{name.removeprefix('graded_')}": over_epochs(at, "tuning", name) for name in GRADED}
    known = xr.Dataset({name: values for name, values in found.items() if values is not None})
    known = known.assign(
        {since: _flag_since(known[flag], epoch, first) for flag, since in DATED.items() if flag in known}
    )
    if "called" in known:
        known = known.assign(n_called=(known["called"] == 1).sum(["layer", "neuron"]))
    scores, neutral = known[measure].transpose("epoch", *DIMS).values, NEUTRAL[measure]
    known = known.assign(_selective(known, scores - neutral, epoch, first, measure, alpha))
    known = known.assign(best_of_epochs(scores, neutral, first)).assign(held_out(at, first))
    perplexity = ("epoch", [one.validation_perplexity for one in at])
    rule = NO_TESTS if "p_fwer" not in known else NO_UNTRAINED if epoch[0] != 0 else RULE
    known = known.assign(validation_perplexity=perplexity).assign_coords(_coords(at) | {"epoch": epoch})
    attrs = {"measure": measure, "neutral": neutral, "alpha": alpha, "rule": rule, "same_start": int(same_start)}
    return schema.attach_attrs(known, schema.TRAINING_DYNAMICS).assign_attrs(attrs)


def _flag_since(
    flag: xr.DataArray, epoch: NDArray[np.float64], first: int
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    return tuple(map(str, flag.dims[1:])), lasting_since(epoch[first:], flag.values[first:] == 1)


def _selective(
    known: xr.Dataset, effect: NDArray[np.float64], epoch: NDArray[np.float64], first: int, measure: str, alpha: float
) -> xr.Dataset:
    """Return which neurons are selective at each epoch, since when, and what the untrained network accounts for."""
    n_concept, same = effect.shape[1], np.sign(effect) == np.sign(effect[-1])
    best = floor = np.full(n_concept, np.nan)
    selective = np.zeros(effect.shape, bool)
    if epoch[0] == 0:
        untrained = np.abs(effect[0].reshape(n_concept, -1))
        best = np.where(np.isnan(untrained), -np.inf, untrained).max(axis=1, initial=-np.inf)
        best = np.where(np.isinf(best), np.nan, best)
        floor = untrained_floor(untrained, alpha, measure == "auroc")
        if "p_fwer" in known:
            above = np.abs(effect) > floor[:, None, None]
            selective = (known["p_fwer"].transpose("epoch", *DIMS).values <= alpha) & above
    half = same & (effect != 0) & (np.abs(effect) >= np.abs(effect[-1]) / 2)
    return xr.Dataset(
        {
            "selective": (("epoch", *DIMS), selective),
            "n_selective": (("epoch", "concept"), selective.sum(axis=(2, 3))),
            "selective_since": (DIMS, lasting_since(epoch[first:], (selective & same)[first:])),
            "half_since": (DIMS, lasting_since(epoch[first:], half[first:])),
            "untrained_best": ("concept", best),
            "untrained_floor": ("concept", floor),
        }
    )


def _coords(at: Sequence[AtEpoch]) -> dict[str, xr.DataArray]:
    names = (*DIMS, "source")
    coords = {name: at[-1].scores.coords[name] for name in names if name in at[-1].scores.coords}
    if at[-1].tuning is not None and "variable" in at[-1].tuning.coords:
        coords["variable"] = at[-1].tuning.coords["variable"]
    return coords

"""From sums over tokens to what each lesion costs, and how often random neurons cost as much."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...statistics.multiplicity import max_t_p, permutation_p
from .random_neurons import NeuronSet
from .windows import PREDICTIONS

LESION = ("lesion", "concept", "prediction")
FEWEST_TOKENS = 2
"""Fewer than so many tokens on either side have no standard error; the difference is still given."""


def conclude_lesions(
    sums: xr.Dataset,
    lesions: Sequence[NeuronSet],
    draws: Sequence[Sequence[NeuronSet]],
    rows: dict[NeuronSet, int],
) -> xr.Dataset:
    r"""Return what each lesion costs, in nats per token.

    Let d be the loss at a token with the lesion minus that without, t and c its means over the concept's tokens and
    over their matched controls. ``delta_loss`` = t - c: what the concept's tokens lose above what such tokens lose
    anyway. It is held against that of random neurons r = 1 ... R of the same layer, alike in variance and outgoing
    norm, at the same tokens: p = (\#{r: delta_loss_r >= delta_loss} + 1) / (R + 1). ``p_fwer`` looks at all concepts of
    a lesion at once: the z of the lesion, against the R, is held against the largest z over concepts of each of the R,
    against the lesion and the other R - 1.

    Parameters
    ----------
    sums
        Sums over tokens by row (a lesion or a random neuron) and cell: `delta_sum`, `delta_square_sum` (row, cell,
        prediction), `intact_sum`, `n_token` (cell, prediction). Cells are target and control of each concept, and all
        tokens last.
    lesions
        Neurons of each.
    draws
        A result of `draw_random`.
    rows
        Row of each lesion and of each random neuron or set.

    Returns
    -------
    See `schema.LESION`, without coordinates.
    """
    whole = _means(sums)
    table = {name: values[[rows[one] for one in lesions]] for name, values in whole.items()}
    n_draw = max(map(len, draws), default=0)
    random = {name: np.full((n_draw, len(lesions), *whole[name].shape[1:]), np.nan) for name in ("delta", "overall")}
    for i, sets in enumerate(draws):
        for name in random:
            random[name][: len(sets), i] = whole[name][[rows[one] for one in sets]]
    found = {
        "delta_loss": (LESION, table["delta"]),
        "delta_loss_se": (LESION, table["delta_se"]),
        "delta_loss_target": (LESION, table["target"]),
        "delta_loss_control": (LESION, table["control"]),
        "p_value": (LESION, _p(table["delta"], random["delta"])),
        "p_fwer": (LESION, _p_fwer(table["delta"], random["delta"])),
        "random_delta_loss": (("draw", *LESION), random["delta"].astype(np.float32)),
        "delta_loss_overall": (("lesion",), table["overall"]),
        "delta_loss_overall_se": (("lesion",), table["overall_se"]),
        "p_overall": (("lesion",), _p(table["overall"], random["overall"])),
        "random_delta_loss_overall": (("draw", "lesion"), random["overall"].astype(np.float32)),
        "n_random": (("lesion",), np.array([len(sets) for sets in draws], np.int64)),
    }
    return xr.Dataset(found | _members(lesions, draws) | _intact(sums), {"prediction": np.array(PREDICTIONS, object)})


def _means(sums: xr.Dataset) -> dict[str, NDArray[np.float64]]:
    """Return means by row: of the concepts, dims (row, concept, prediction), and of all tokens, dims (row)."""
    n = sums["n_token"].values.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = sums["delta_sum"].values / n
        square = sums["delta_square_sum"].values - n * mean**2
        variance = np.where(n >= FEWEST_TOKENS, np.maximum(square, 0) / (n - 1) / n, np.nan)
    target, control, all_ = slice(0, -1, 2), slice(1, -1, 2), (slice(None), -1, PREDICTIONS.index("next"))
    return {
        "target": mean[:, target],
        "control": mean[:, control],
        "delta": mean[:, target] - mean[:, control],
        "delta_se": np.sqrt(variance[:, target] + variance[:, control]),
        "overall": mean[all_],
        "overall_se": np.sqrt(variance[all_]),
    }


def _p(value: NDArray[np.float64], random: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p of each value, dims (lesion, ...), from its own draws, dims (draw, lesion, ...); NaN without draws."""
    p = np.full(value.shape, np.nan)
    for i in range(len(value)):
        drawn = random[_there(random[:, i]), i]
        if len(drawn):
            p[i] = permutation_p(value[i].ravel(), drawn.reshape(len(drawn), -1)).reshape(value[i].shape)
    return p


def _p_fwer(value: NDArray[np.float64], random: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p over all concepts of a lesion at once, for each prediction by itself; dims of ``value``."""
    p = np.full(value.shape, np.nan)
    for i in range(len(value)):
        drawn = random[_there(random[:, i]), i]
        if len(drawn) < 2:
            continue
        z = _against_the_others(np.concatenate([drawn, value[i][np.newaxis]]))
        for k in range(z.shape[-1]):
            known = ~np.isnan(z[-1, :, k])
            if known.any():
                p[i, known, k] = max_t_p(z[-1, known, k], z[:-1, known, k].max(axis=1))
    return p


def _against_the_others(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each row is from the mean of all others, in their standard deviations; dims of ``values``.

    Were the row itself among those, no z could exceed the root of their number, and all large ones would be alike.
    """
    n = len(values)
    centred = values - np.median(values, axis=0)
    total, square = centred.sum(axis=0), np.square(centred).sum(axis=0)
    mean = (total - centred) / (n - 1)
    sum_of_squares = square - np.square(centred) - (n - 1) * mean**2
    sd = np.sqrt(np.maximum(sum_of_squares, 0) / max(n - 2, 1))
    away = centred - mean
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sd > 0, away / sd, np.where(away == 0, 0.0, np.sign(away) * np.inf))


def _there(random: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which draws there are, dims (draw): a missing one is NaN throughout."""
    return np.asarray(~np.isnan(random).all(axis=tuple(range(1, random.ndim))))


def _members(lesions: Sequence[NeuronSet], draws: Sequence[Sequence[NeuronSet]]) -> dict[str, xr.Variable]:
    """Return layer and neuron of each member of the lesions and of what they are held against, -1 for no more."""
    n_member, n_draw = max(map(len, lesions), default=0), max(map(len, draws), default=0)
    own = np.full((2, len(lesions), n_member), -1, np.int64)
    others = np.full((2, n_draw, len(lesions), n_member), -1, np.int64)
    for i, (lesion, sets) in enumerate(zip(lesions, draws, strict=True)):
        own[:, i, : len(lesion)] = np.transpose(lesion)
        for k, one in enumerate(sets):
            others[:, k, i, : len(one)] = np.transpose(one)
    dims = ("lesion", "member")
    found = {name: xr.Variable(dims, own[k]) for k, name in enumerate(("member_layer", "member_neuron"))}
    names = ("random_layer", "random_neuron")
    return found | {name: xr.Variable(("draw", *dims), others[k]) for k, name in enumerate(names)}


def _intact(sums: xr.Dataset) -> dict[str, xr.Variable]:
    """Return the intact model's losses and the counts, by concept and group, and over all tokens."""
    n, total = sums["n_token"].values, sums["intact_sum"].values
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / n
    dims, shape = ("concept", "group", "prediction"), (-1, 2, len(PREDICTIONS))
    at = PREDICTIONS.index("next")
    return {
        "intact_loss": xr.Variable(dims, mean[:-1].reshape(shape)[:, ::-1]),
        "n_token": xr.Variable(dims, n[:-1].reshape(shape)[:, ::-1]),
        "intact_loss_overall": xr.Variable((), mean[-1, at]),
        "n_token_overall": xr.Variable((), n[-1, at]),
    }

"""All neurons together: tests over idioms, the neurons that are called, and how sets of neurons overlap."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ... import schema
from ...statistics.sign_flip import fewest_units
from .active_counts import active_counts
from .controls import CONTRASTS
from .evidence import Floats, Measured, evidence, within_idiom
from .measure import FEWEST, group_edges
from .overlap import overlaps, rate_elsewhere
from .verdict import verdict

DRAWS = 9999
_BY_NEURON = ("auroc_macro", "auroc_macro_low", "auroc_macro_high", "tau2", "p_value", "p_fwer", "q_value",
              "breadth_lower_bound", "breadth_direction")  # fmt: skip


def conclude_idioms(
    blocks: xr.Dataset, plan: xr.Dataset, *, draws: int = DRAWS, alpha: float = 0.05, seed: int = 0
) -> xr.Dataset:
    """Test every neuron over idioms and name the idiom neurons and phrase neurons.

    Parameters
    ----------
    blocks
        The measurements of all neurons, dims (..., layer, neuron), from `gather_blocks`.
    plan
        The plan they were made by.
    draws
        Sign flips to draw where there are more than 12 idioms.
    alpha
        Error of the family of all neurons, and 1 - coverage of the intervals.
    seed
        Of the drawing.

    Returns
    -------
    ``idioms.zarr``: the variables of `schema.IDIOM_VARIABLES`. An idiom with fewer than 5 idiomatic occurrences or 5
    controls has its `auroc` but is not tested. With fewer tested idioms than `fewest_units(alpha)` (6 at .05) there
    are means and intervals but no p, and `verdict`, an attribute, says why.

    Notes
    -----
    The primary contrast is ``literal`` where enough idioms have literal uses, else ``tail``. A neuron is an **idiom
    neuron** if by it `p_fwer` <= alpha, `breadth_lower_bound` is at least half of the tested idioms in the direction of
    `auroc_macro`, and the t interval over idioms of the contrast ``matched`` excludes .5 in that direction. It is a
    **phrase neuron** if `breadth_lower_bound` is 1.

    `p_fwer` alone says that idiomatic and literal sentences differ on average, not that the neuron knows idioms: on
    MAGPIE a model with shuffled weights has dozens of such neurons. Hence breadth, and a random twin beside it.
    """
    n_idiomatic, n_control = _counts(plan)
    tested = (n_idiomatic >= FEWEST) & (n_control >= FEWEST)
    primary = 0 if tested[0].sum() >= fewest_units(alpha) else 1
    shape = (blocks.sizes["layer"], blocks.sizes["neuron"])
    measured = [_measured(blocks.isel(contrast=k), n_idiomatic, n_control[k]) for k in range(len(CONTRASTS))]
    found = [evidence(each, tested[k], draws=draws, alpha=alpha, seed=seed) for k, each in enumerate(measured)]
    scores = {name: np.stack([each[name] for each in found]) for name in found[0]}
    idiom_neuron = _called(scores, primary, int(tested[primary].sum()), alpha)
    phrase_neuron, phrase_idiom = _phrase_neurons(scores, measured[primary], tested[primary], primary)
    selective = within_idiom(measured[primary].p_above, measured[primary].p_below, alpha)
    result = _dataset(blocks, scores, tested, n_idiomatic, n_control, shape).assign(
        {
            "idiom_neuron": (("layer", "neuron"), idiom_neuron.reshape(shape)),
            "phrase_neuron": (("layer", "neuron"), phrase_neuron.reshape(shape)),
            "phrase_neuron_idiom": (("layer", "neuron"), phrase_idiom.reshape(shape)),
            "collocation_distance": plan["collocation_distance"],
            **active_counts(blocks["n_active_place"].to_numpy(), plan),
            **overlaps(_flat(blocks["is_active"]), _flat(blocks["active_base_rate"]), "active"),
            **overlaps(selective, rate_elsewhere(selective, tested[primary]), "selective"),
        }
    )
    result = schema.attach_attrs(result, schema.IDIOM_VARIABLES)
    result.attrs["primary_contrast"] = CONTRASTS[primary]
    of_primary = result.isel(contrast=primary)
    result.attrs["verdict"] = verdict(of_primary, CONTRASTS[primary], alpha)
    return result


def _measured(blocks: xr.Dataset, n_idiomatic: NDArray[np.int64], n_control: NDArray[np.int64]) -> Measured:
    auroc = blocks["auroc"].isel(readout=0)
    variance, above, below = (_flat(blocks[name]) for name in ("auroc_variance", "p_above", "p_below"))
    return Measured(_flat(auroc), variance, above, below, n_idiomatic, n_control)


def _counts(plan: xr.Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return idiomatic occurrences (idiom) and controls (contrast, idiom) that are used."""
    n = np.diff(group_edges(plan), axis=1)
    return n[0], n[1:]


def _flat(variable: xr.DataArray) -> NDArray[Any]:
    """Return the values with all layers' neurons in a row."""
    values: NDArray[Any] = variable.to_numpy()
    return values.reshape(*values.shape[:-2], -1)


def _called(scores: dict[str, Floats], primary: int, n_idiom: int, alpha: float) -> NDArray[np.bool_]:
    """Return which neurons are idiom neurons; a comparison with NaN is False."""
    matched = CONTRASTS.index("matched")
    direction = np.sign(scores["auroc_macro"][primary] - 0.5)
    beyond = np.where(
        direction > 0, scores["auroc_macro_low"][matched] > 0.5, scores["auroc_macro_high"][matched] < 0.5
    )
    broad = (scores["breadth_lower_bound"][primary] >= n_idiom / 2) & (
        scores["breadth_direction"][primary] == direction
    )
    called: NDArray[np.bool_] = (scores["p_fwer"][primary] <= alpha) & broad & beyond
    return called


def _phrase_neurons(
    scores: dict[str, Floats], measured: Measured, tested: NDArray[np.bool_], primary: int
) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Return which neurons differ at exactly one idiom, as far as can be shown, and at which (-1 for the others)."""
    single = scores["breadth_lower_bound"][primary] == 1
    upward = scores["breadth_direction"][primary] >= 0
    p = np.where(upward, measured.p_above, measured.p_below)
    p = np.where(tested[:, np.newaxis] & ~np.isnan(p), p, np.inf)
    idiom = p.argmin(axis=0) if len(p) else np.zeros(p.shape[1], int)
    return single, np.where(single, idiom, -1).astype(np.int32)


def _dataset(
    blocks: xr.Dataset,
    scores: dict[str, Floats],
    tested: NDArray[np.bool_],
    n_idiomatic: NDArray[np.int64],
    n_control: NDArray[np.int64],
    shape: tuple[int, int],
) -> xr.Dataset:
    by_neuron, by_idiom = ("contrast", "layer", "neuron"), ("contrast", "idiom")
    auroc = blocks["auroc"]
    macro, n_idiom = _macro_of_readouts(auroc.to_numpy(), tested)
    choice = scores["held_out_choice"].astype(np.int64)
    return xr.Dataset(
        {
            "auroc": auroc.isel(readout=0, drop=True),
            "auroc_macro_readout": (("contrast", "readout", "layer", "neuron"), macro),
            "n_idiom_readout": (("contrast", "readout"), n_idiom),
            **{name: (by_neuron, scores[name].reshape(-1, *shape)) for name in _BY_NEURON},
            "n_idiomatic": (by_idiom, np.broadcast_to(n_idiomatic, n_control.shape).copy()),
            "n_control": (by_idiom, n_control),
            "breadth_limit": (("contrast",), scores["breadth_limit"].astype(np.int64)),
            "n_idiom_tested": (("contrast",), tested.sum(axis=1)),
            "auroc_held_out": (by_idiom, scores["auroc_held_out"]),
            "held_out_layer": (by_idiom, np.where(choice < 0, -1, choice // shape[1])),
            "held_out_neuron": (by_idiom, np.where(choice < 0, -1, choice % shape[1])),
        },
        {**blocks.drop_dims("place").coords, "idiom_other": blocks["idiom"].to_numpy()},
    )


def _macro_of_readouts(auroc: Floats, tested: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.int64]]:
    """Return the mean over tested idioms (contrast, readout, layer, neuron) and over how many (contrast, readout)."""
    macro = np.full((*auroc.shape[:2], *auroc.shape[3:]), np.nan)
    n_idiom = np.zeros(auroc.shape[:2], np.int64)
    for k, r in np.ndindex(n_idiom.shape):
        values = auroc[k, r, tested[k]]
        known = ~np.isnan(values)
        n = known.sum(axis=0)
        macro[k, r] = np.where(n > 0, np.where(known, values, 0).sum(axis=0) / np.maximum(n, 1), np.nan)
        n_idiom[k, r] = n.max(initial=0)
    return macro, n_idiom

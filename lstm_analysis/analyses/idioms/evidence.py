"""What the idioms of one contrast say together of every neuron."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...statistics.held_out import held_out
from ...statistics.multiplicity import benjamini_hochberg
from ...statistics.partial_conjunction import breadth_limit, breadth_of_family
from ...statistics.random_effects import mean_over_units, variance_between
from ...statistics.rank_sum import smallest_variance
from ...statistics.sign_flip import fewest_units, sign_flip

Floats = NDArray[np.float64]


class Measured(NamedTuple):
    """One contrast at the final word: dims (idiom, neuron), counts (idiom), all layers' neurons in a row."""

    auroc: Floats
    variance: Floats
    p_above: Floats
    p_below: Floats
    n_idiomatic: NDArray[np.int64]
    n_control: NDArray[np.int64]


def evidence(
    measured: Measured, tested: NDArray[np.bool_], *, draws: int, alpha: float, seed: int
) -> dict[str, Floats]:
    """Return the scores of a contrast by name, dims (neuron), those of held-out idioms (idiom).

    Parameters
    ----------
    measured
        Of all idioms.
    tested
        Idioms with enough occurrences and controls, dims (idiom).
    draws, alpha, seed
        See `conclude_idioms`.

    Returns
    -------
    `auroc_macro` over the tested idioms, its t interval and `tau2`; with `fewest_units` idioms or more also `p_value`
    (t), `p_fwer` (sign flip, max-T), `q_value` and `breadth_lower_bound`, else these are NaN. `breadth_limit` is the
    largest `breadth_lower_bound` that the counts allow.
    """
    effects = measured.auroc[tested] - 0.5
    n_idiom, n_neuron = effects.shape
    counts = zip(measured.n_idiomatic[tested].tolist(), measured.n_control[tested].tolist(), strict=True)
    floor = np.array([smallest_variance(float(n1), float(n0)) for n1, n0 in counts])
    mean = mean_over_units(effects, alpha, floor)
    nothing = np.full(n_neuron, np.nan)
    found = {
        "auroc_macro": mean.mean + 0.5,
        "auroc_macro_low": np.maximum(0, mean.low + 0.5),
        "auroc_macro_high": np.minimum(1, mean.high + 0.5),
        "tau2": variance_between(effects, measured.variance[tested]),
        **{name: nothing for name in ("p_value", "p_fwer", "q_value", "breadth_lower_bound", "breadth_direction")},
    }
    there = ~np.isnan(effects).any(axis=0) & (n_idiom > 0)
    limit = breadth_limit(measured.n_idiomatic[tested], measured.n_control[tested], int(there.sum()), alpha)
    left_out, chosen = np.full(len(tested), np.nan), np.full(len(tested), -1.0)
    if n_idiom >= fewest_units(alpha):
        breadth = breadth_of_family(measured.p_above[tested], measured.p_below[tested], alpha)
        found["p_value"] = mean.p_value
        found["p_fwer"] = sign_flip(effects, draws=draws, seed=seed).p_fwer
        found["q_value"] = benjamini_hochberg(mean.p_value)
        found["breadth_lower_bound"] = np.where(there, breadth.lower_bound, np.nan)
        found["breadth_direction"] = np.where(there, breadth.direction, np.nan)
        out = held_out(effects)
        left_out[tested], chosen[tested] = out.effect + 0.5, out.neuron
    return {**found, "breadth_limit": np.array(limit), "auroc_held_out": left_out, "held_out_choice": chosen}


def within_idiom(p_above: Floats, p_below: Floats, alpha: float) -> NDArray[np.bool_]:
    """Return whether a neuron differs in an idiom at alpha over all neurons, either way, dims (idiom, neuron)."""
    n_neuron = max(1, int((~np.isnan(p_above)).any(axis=0).sum()))
    return np.fmin(p_above, p_below) <= alpha / (2 * n_neuron)

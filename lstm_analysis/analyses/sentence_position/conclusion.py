"""What needs all neurons: p-values for looking at many, and which neurons are called cliff neurons."""

import numpy as np
import xarray as xr

from ...schema import attach_attrs
from ...statistics.multiplicity import benjamini_hochberg, max_t_p, pooled_p

TESTS = ("cliff_r_current", "level_r_current", "level_partial_r_previous")
MIN_CLIFF_SD, MIN_R2 = 0.5, 0.8
MIN_ETA2 = 0.15
"""Floor of ``eta2_type_adjusted``. Random neurons hold an echo of the end symbol, which fades exponentially too. It was
chosen on 14 planted and 4 random models, where of 3,378 neurons those that met all else reached .11; on 12 and 6 fresh
ones, of 3,924 neurons, they reached .13, in a model of shuffled weights."""
NOT_TESTED = -1


def conclude_positions(measured: xr.Dataset, eta2: xr.DataArray, eta2_type_adjusted: xr.DataArray) -> xr.Dataset:
    """Return ``sentence_position.zarr`` of a run with stored states.

    Parameters
    ----------
    measured
        Results of `measure_positions` put together, dims (layer, neuron) and sentence_position, draw,
        sentence_length_bin.
    eta2
        Share of variance between positions, dims (layer, neuron); see `tuning_from_summary`.
    eta2_type_adjusted
        The same after type effects, dims (layer, neuron).

    Returns
    -------
    All variables of ``measured`` but the draws, the two shares, and

    - for each test ``_p_fwer``: p adjusted by max-T over all neurons, and ``_q``: Benjamini and Hochberg's q over all
      neurons, on p-values from the draws of all neurons pooled.
    - ``cliff_neuron`` (layer, neuron): 1 for a neuron that drops, or jumps, at boundaries and works its way back within
      the sentence, whatever the words: the interval of ``cliff_mean`` excludes 0 and its size is at least .5
      ``value_sd``; the curve, on h or on arctanh(h), is an exponential (r2 >= .8) that has a tau and goes back to where
      the cliff came from (amplitude and cliff of the same sign); ``eta2_type_adjusted`` >= .15. 0 otherwise; -1 where
      there are no boundaries, or the neuron is absent or constant.
    """
    found = measured.drop_vars([name for name in measured.data_vars if str(name).endswith("_z_draw")])
    for name in TESTS:
        z = abs(measured[f"{name}_z"].transpose("layer", "neuron").values)
        draws = abs(measured[f"{name}_z_draw"].transpose("draw", "layer", "neuron").values)
        maxima = np.nan_to_num(draws).max(axis=(1, 2))
        found[f"{name}_p_fwer"] = (("layer", "neuron"), max_t_p(z, maxima))
        found[f"{name}_q"] = (("layer", "neuron"), benjamini_hochberg(pooled_p(z, draws)))
    found = found.assign(eta2=eta2, eta2_type_adjusted=eta2_type_adjusted)
    return attach_attrs(found.assign(cliff_neuron=cliff_neuron(found)))


def cliff_neuron(found: xr.Dataset) -> xr.DataArray:
    """Return which neurons are called, dims (layer, neuron), int8; the rule is that of `conclude_positions`."""
    excluded = (found["cliff_mean_low"] > 0) | (found["cliff_mean_high"] < 0)
    large = abs(found["cliff_mean"]) >= MIN_CLIFF_SD * found["value_sd"]
    curved = xr.zeros_like(excluded)
    for suffix in ("", "_arctanh"):
        back = found[f"amplitude{suffix}"] * found["cliff_mean"] > 0
        curved |= back & (found[f"r2{suffix}"] >= MIN_R2)
    beyond_words = found["eta2_type_adjusted"] >= MIN_ETA2
    tested = found["cliff_mean"].notnull() & (found["value_sd"] > 0)
    return (excluded & large & curved & beyond_words).astype(np.int8).where(tested, np.int8(NOT_TESTED))

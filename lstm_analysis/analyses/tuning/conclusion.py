"""What needs all neurons: p-values for looking at many, and which neurons are called graded."""

import numpy as np
import xarray as xr

from ...schema import GRADED_TUNING, attach_attrs
from ...statistics.multiplicity import benjamini_hochberg, max_t_p
from ...statistics.z_counts import counted_p

MIN_ETA2, MIN_R = 0.7, 0.6
NOT_TESTED = -1
_EACH = ("variable", "layer", "neuron")


def conclude_tuning(measured: xr.Dataset, shares: xr.Dataset, alpha: float) -> xr.Dataset:
    """Return ``tuning.zarr`` of a run with stored states.

    Parameters
    ----------
    measured
        Results of `measure_tuning` put together, dims (layer, neuron) in the place of neuron.
    shares
        A result of `graded_shares`.
    alpha
        Level of the test.

    Returns
    -------
    Both but the draws, and (variable, layer, neuron)

    - ``p_fwer``: p of r adjusted by max-T over all neurons; ``q_value``: Benjamini and Hochberg's q over all variables
      and neurons, on p-values from the draws of all neurons of a variable pooled.
    - ``graded_neuron``: 1 for a neuron that follows the value step by step, whatever the words: p_fwer <= alpha,
      abs(r) >= `MIN_R` and ``eta2_type_adjusted`` >= `MIN_ETA2`. 0 otherwise; -1 where r has no p, or the neuron is
      decided by its words.
    """
    z = measured["z"].transpose(*_EACH).values
    flat = z.reshape(len(z), -1)
    maxima = measured["z_maximum"].transpose("draw", "variable").values
    fwer = np.stack([max_t_p(np.abs(flat[i]), maxima[:, i]) for i in range(len(flat))])
    q = benjamini_hochberg(counted_p(flat, measured["z_count"].transpose("variable", "z_bin").values))
    found = measured.drop_vars(["z", "z_maximum", "z_count"])
    found = shares.assign(found.data_vars).assign(
        p_fwer=(_EACH, fwer.reshape(z.shape)), q_value=(_EACH, q.reshape(z.shape))
    )
    return attach_attrs(found.assign(graded_neuron=graded_neuron(found, alpha)), GRADED_TUNING)


def graded_neuron(found: xr.Dataset, alpha: float) -> xr.DataArray:
    """Return which neurons are called, dims (variable, layer, neuron), int8; the rule is that of `conclude_tuning`."""
    large = (abs(found["r"]) >= MIN_R) & (found["eta2_type_adjusted"] >= MIN_ETA2)
    tested = found["p_fwer"].notnull() & found["eta2_type_adjusted"].notnull()
    called = large & (found["p_fwer"] <= alpha)
    return called.astype(np.int8).where(tested, np.int8(NOT_TESTED)).transpose(*_EACH)

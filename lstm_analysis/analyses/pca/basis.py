"""The principal components of the states of each layer, and of all layers together."""

import numpy as np
import scipy.linalg
import xarray as xr
from numpy.typing import NDArray

N_COMPONENT = 50
TIE = 1e-6
"""Loadings that differ by a smaller share are equal in size when the sign of a component is fixed."""


def principal_components(
    covariance: NDArray[np.float64], mean: NDArray[np.float64], n_component: int = N_COMPONENT
) -> xr.Dataset:
    """Return the principal components of states, centred and not scaled.

    Parameters
    ----------
    covariance
        Of every two neurons over all tokens, divisor n - 1, dims (state_neuron, state_neuron): layers one after the
        other, as `fixed_point.covariance` gives it.
    mean
        Mean state, dims (layer, neuron); NaN for a neuron that its layer does not have.
    n_component
        Components to keep at most, of each space.

    Returns
    -------
    ``space`` is ``layer 0``, ``layer 1`` ... and, of models with several layers, ``all layers``.

    - ``loading`` (space, component, layer, neuron): vectors of unit length, NaN for neurons outside the space. The
      loading that is largest in size is positive, of equal ones the first.
    - ``explained_variance``, ``explained_variance_ratio`` (space, component), largest first
    - ``total_variance``, ``n_neuron`` (space), and ``participation_ratio`` (space): (sum of all variances)^2 / sum of
      their squares, the number of directions that the variance is spread over
    - ``state_mean`` (layer, neuron)

    Components past the rank of the covariance are NaN.

    References
    ----------
    Jolliffe, I. T. (2002). Principal Component Analysis, 2nd ed. Springer.
    Gao, P. et al. (2017). A theory of multineuronal dimensionality, dynamics and measurement. bioRxiv 214262.
    """
    n_layer = len(mean)
    names = [f"layer {layer}" for layer in range(n_layer)] + ["all layers"] * (n_layer > 1)
    present = ~np.isnan(mean)
    inside = [present & (np.arange(n_layer) == layer)[:, None] for layer in range(n_layer)] + [present] * (n_layer > 1)
    n_kept = min(n_component, max(int(part.sum()) for part in inside))
    loading = np.full((len(names), n_kept, *mean.shape), np.nan)
    variance = np.full((len(names), n_kept), np.nan)
    total, spread = np.full(len(names), np.nan), np.full(len(names), np.nan)
    for s, part in enumerate(inside):
        chosen = np.flatnonzero(part)
        block = covariance[np.ix_(chosen, chosen)]
        if len(chosen) == 0 or np.isnan(block).any():
            continue
        total[s] = np.trace(block)
        squares = float((block * block).sum())
        spread[s] = total[s] ** 2 / squares if squares > 0 else np.nan
        values, vectors = _largest(block, n_kept)
        variance[s, : len(values)] = values
        loading[s, : len(values), part] = vectors
    ratio = np.divide(variance, total[:, None], out=np.full(variance.shape, np.nan), where=total[:, None] > 0)
    return xr.Dataset(
        {
            "loading": (("space", "component", "layer", "neuron"), loading),
            "explained_variance": (("space", "component"), variance),
            "explained_variance_ratio": (("space", "component"), ratio),
            "total_variance": ("space", total),
            "participation_ratio": ("space", spread),
            "n_neuron": ("space", np.array([int(part.sum()) for part in inside])),
            "state_mean": (("layer", "neuron"), mean),
        },
        {"space": np.array(names, dtype=object)},
    )


def project(
    loading: xr.DataArray, vectors: NDArray[np.float64], neuron: NDArray[np.integer] | None = None
) -> NDArray[np.float64]:
    """Return the scores of vectors on components, dims (space, unit, component).

    Parameters
    ----------
    loading
        Dims (space, component, layer, neuron), NaN outside a space.
    vectors
        Centred, or differences: dims (unit, state_neuron), layers one after the other. Absent neurons are 0 or NaN.
    neuron
        Which neurons these are, if they are not all; the others count as 0. Dims (state_neuron).

    Returns
    -------
    NaN for components that a space does not have.
    """
    flat = loading.values.reshape(*loading.shape[:2], -1)
    known = ~np.isnan(flat).all(axis=2)
    chosen = flat if neuron is None else flat[:, :, neuron]
    scores = np.einsum("un,skn->suk", np.nan_to_num(vectors), np.nan_to_num(chosen), optimize=True)
    return np.where(known[:, None, :], scores, np.nan)


def _largest(block: NDArray[np.float64], n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the largest variances and their directions, dims (component) and (neuron, component), signs fixed."""
    size = len(block)
    values, vectors = scipy.linalg.eigh(block, subset_by_index=(max(0, size - n), size - 1))
    values, vectors = values[::-1], vectors[:, ::-1]
    real = values > size * np.finfo(np.float64).eps * max(values[0], 0.0)
    values, vectors = values[real], vectors[:, real]
    height = np.abs(vectors)
    first = (height >= (1 - TIE) * height.max(axis=0)).argmax(axis=0) if vectors.size else np.empty(0, np.int64)
    return values, vectors * np.sign(vectors[first, np.arange(len(values))])

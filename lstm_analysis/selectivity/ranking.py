"""Ranked neurons as data frames."""

import numpy as np
import pandas as pd
import xarray as xr

from ..errors import UserError, nearest
from .measures import MEASURES, Measure
from .presence import is_present


def rank_neurons(
    scores: xr.Dataset, by: str = "auroc", *, concept: str, n: int | None = 10, layer: int | None = None
) -> pd.DataFrame:
    """Return the neurons most selective for a concept, best first.

    A measure with two signs ranks by the distance from its neutral value, so that a neuron that goes down for the
    concept is found as well; the others rank from the highest score down. Equal scores rank by layer and neuron. A
    neuron without a score is not ranked.

    Parameters
    ----------
    scores
        A result of `measure`.
    by
        The measure to rank by.
    concept
        The concept.
    n
        Number of neurons; ``None`` for all.
    layer
        Only neurons of this layer.

    Returns
    -------
    Columns ``layer, neuron, sign``, then the other ones of `neuron_table`. ``sign`` is 1 where the neuron goes up for
    the concept and -1 where it goes down: that of ``by``, or, if ``by`` has no sign, of the first measure in ``scores``
    that has; 0 where there is none or where the score is neutral.

    Raises
    ------
    UserError
        If ``scores`` lacks the measure, the concept or the layer.
    """
    descriptor = _known_measure(scores, by)
    concepts = [str(name) for name in scores.concept.values]
    if concept not in concepts:
        raise UserError(f"unknown concept {concept!r}; {nearest(concept, concepts)}")
    table = neuron_table(scores.isel(concept=[concepts.index(concept)])).drop(columns="concept")
    if layer is not None:
        if layer not in set(table["layer"]):
            raise UserError(f"There is no layer {layer}; the scores have the layers {sorted(set(table['layer']))}.")
        table = table[table["layer"] == layer]
    table.insert(2, "sign", _sign(table, by))
    distance = (table[by] - (descriptor.neutral or 0)).abs() if descriptor.two_signed else table[by]
    order = distance.dropna().sort_values(ascending=False, kind="stable").index
    return table.loc[order[:n]].reset_index(drop=True)


def neuron_table(scores: xr.Dataset) -> pd.DataFrame:
    """Return all scores as a long table.

    Parameters
    ----------
    scores
        A result of `measure`.

    Returns
    -------
    A row for each concept, layer and neuron that `is_present`, in this order; columns ``concept, layer, neuron``, each
    variable of dims (concept, layer, neuron), (concept) or (layer, neuron), and ``<count>_<group>`` for each count by
    group.
    """
    dims = ["concept", "layer", "neuron"]
    columns = {name: column for name, column in _columns(scores).items() if set(column.dims) <= set(dims)}
    index = xr.Dataset(coords={dim: scores[dim].variable for dim in dims})
    table = xr.Dataset({name: column.variable for name, column in columns.items()}).assign_coords(index.coords)
    filled = table.broadcast_like(index.assign(every=(dims, np.empty([scores.sizes[dim] for dim in dims]))))
    present = np.broadcast_to(is_present(scores), [scores.sizes[dim] for dim in dims]).ravel()
    return filled.to_dataframe(dim_order=dims).reset_index()[present].reset_index(drop=True)


def _columns(scores: xr.Dataset) -> dict[str, xr.DataArray]:
    """Return the variables, those by group as one for each group."""
    columns: dict[str, xr.DataArray] = {}
    for name, variable in scores.data_vars.items():
        if "group" in variable.dims:
            columns |= {f"{name}_{group}": variable.sel(group=group) for group in scores.group.values}
        else:
            columns[str(name)] = variable
    return columns


def _known_measure(scores: xr.Dataset, by: str) -> Measure:
    known = [name for name in MEASURES if name in scores]
    if by not in known:
        raise UserError(f"cannot rank by {by!r}, which is no measure in these scores; {nearest(by, known)}")
    return MEASURES[by]


def _sign(table: pd.DataFrame, by: str) -> "pd.Series[int]":
    signed = [name for name in (by, *MEASURES) if name in table and MEASURES[name].two_signed]
    if not signed:
        return pd.Series(0, index=table.index)
    score = table[signed[0]] - (MEASURES[signed[0]].neutral or 0)
    return pd.Series(np.sign(score.fillna(0)), index=table.index).astype(int)

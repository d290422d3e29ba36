"""Ranked neurons as data frames."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ..errors import UserError, nearest
from .presence import is_present
from .rankable import RANKABLE, Rankable

DIMS = ("concept", "layer", "neuron")


def rank_neurons(
    scores: xr.Dataset,
    by: str | None = None,
    *,
    concept: str | None = None,
    n: int | None = 10,
    layer: int | None = None,
    sign: int | None = None,
    q: float | None = None,
    group_duplicates: bool = True,
) -> pd.DataFrame:
    """Return the neurons most selective for a concept, or most bound to the place in the sentence, best first.

    A score with two signs ranks by the distance from its neutral value, so that a neuron that goes down for the
    concept is found as well; the others rank from the highest score down. Equal scores rank by layer and neuron. A
    neuron without a score is not ranked.

    Parameters
    ----------
    scores
        Scores of concepts, such as a result of `measure` or a run's ``selectivity``; or scores without the dim
        ``concept``, such as a run's ``sentence_position``. With ``duplicate_of`` (layer, neuron) it says which neurons
        are one finding: those of the same number; a negative one or NaN is that of no group.
    by
        The score to rank by, a name in `RANKABLE`; by default the first of them that there is.
    concept
        The concept; needed if there are any.
    n
        Number of rows; ``None`` for all.
    layer
        Only neurons of this layer.
    sign
        1: only neurons that go up for the concept; -1: only those that go down.
    q
        Only neurons with ``q_value`` at most this.
    group_duplicates
        Whether only the best of neurons that are one finding has a row.

    Returns
    -------
    Columns ``layer, neuron, sign``, with groups ``duplicates`` (the others of the group in the whole model, such as
    ``1:37, 1:205``, whether they pass the filters or not), then the other ones of `neuron_table`. ``sign`` is 1 where
    the neuron goes up for the concept and -1 where it goes down: that of ``by``, or, if ``by`` has no sign, of the
    first score that has; 0 where there is none or where the score is neutral.

    Raises
    ------
    UserError
        If ``scores`` lacks the score, the concept, the layer or q-values, or ``sign`` is none.
    """
    name, rankable = _known_score(scores, by)
    one = _of_concept(scores, concept)
    table = neuron_table(one).drop(columns="concept", errors="ignore")
    table.insert(2, "sign", _sign(table, name))
    every = table
    if layer is not None:
        if layer not in set(table["layer"]):
            raise UserError(f"There is no layer {layer}; the scores have the layers {sorted(set(table['layer']))}.")
        table = table[table["layer"] == layer]
    table = table[_wanted(table, sign, q)]
    distance = (table[name] - (rankable.neutral or 0)).abs() if rankable.two_signed else table[name]
    order = distance.dropna().sort_values(ascending=False, kind="stable").index
    ranked = table.loc[order]
    if group_duplicates and "duplicate_of" in table:
        ranked = _first_of_groups(ranked, every, n)
    return ranked[:n].reset_index(drop=True)


def position_scores(tuning: xr.Dataset, scores: xr.Dataset) -> xr.Dataset:
    """Return what is known of the sentence position in a form to rank by.

    Parameters
    ----------
    tuning
        A run's ``sentence_position``.
    scores
        Its ``selectivity``, which says which neurons there are and which do the same.
    """
    return tuning.assign({name: scores[name] for name in ("duplicate_of", "value_min") if name in scores})


def neuron_table(scores: xr.Dataset) -> pd.DataFrame:
    """Return all scores as a long table.

    Parameters
    ----------
    scores
        A result of `measure`, or scores without the dim ``concept``.

    Returns
    -------
    A row for each concept, layer and neuron that `is_present`, in this order; columns ``concept, layer, neuron``, each
    variable of dims (concept, layer, neuron) or some of them, and ``<count>_<group>`` for each count by group.
    """
    dims = [dim for dim in DIMS if dim in scores.dims]
    sizes = [scores.sizes[dim] for dim in dims]
    rows = np.flatnonzero(np.broadcast_to(is_present(scores).values, sizes))
    index = {dim: scores[dim].variable for dim in dims}
    columns = {name: column for name, column in _columns(scores).items() if set(column.dims) <= set(dims)}
    return pd.DataFrame({name: _spread(column, dims, sizes)[rows] for name, column in (index | columns).items()})


def _spread(column: xr.Variable, dims: list[str], sizes: list[int]) -> NDArray[Any]:
    """Return a column with a value for each element of the dims, the last one running fastest."""
    ordered = column.transpose(*(dim for dim in dims if dim in column.dims)).values
    shape = [column.sizes.get(dim, 1) for dim in dims]
    return np.broadcast_to(ordered.reshape(shape), sizes).reshape(-1)


def _columns(scores: xr.Dataset) -> dict[str, xr.Variable]:
    """Return the variables, those by group as one for each group."""
    columns: dict[str, xr.Variable] = {}
    for name in scores.data_vars:
        variable = scores.variables[name]
        if "group" in variable.dims:
            groups = scores["group"].values.tolist()
            columns |= {f"{name}_{group}": variable.isel(group=i) for i, group in enumerate(groups)}
        else:
            columns[str(name)] = variable
    return columns


def _known_score(scores: xr.Dataset, by: str | None) -> tuple[str, Rankable]:
    known = [name for name in RANKABLE if name in scores and {"layer", "neuron"} <= set(scores[name].dims)]
    if by is None and known:
        by = known[0]
    if by not in known:
        raise UserError(f"cannot rank by {by!r}, which is no measure in these scores; {nearest(str(by), known)}")
    return str(by), RANKABLE[str(by)]


def _of_concept(scores: xr.Dataset, concept: str | None) -> xr.Dataset:
    if "concept" not in scores.dims:
        if concept is not None:
            raise UserError(f"These scores are not of concepts: there is no {concept!r} in them; leave concept away.")
        return scores
    concepts = [str(name) for name in scores["concept"].values]
    if concept is None:
        raise UserError(f"Name the concept to rank neurons for; {nearest('', concepts)}")
    if concept not in concepts:
        raise UserError(f"unknown concept {concept!r}; {nearest(concept, concepts)}")
    return scores.isel(concept=[concepts.index(concept)])


def _sign(table: pd.DataFrame, by: str) -> "pd.Series[int]":
    signed = [name for name in (by, *RANKABLE) if name in table and RANKABLE[name].two_signed]
    if not signed:
        return pd.Series(0, index=table.index)
    score = table[signed[0]] - (RANKABLE[signed[0]].neutral or 0)
    return pd.Series(np.sign(score.fillna(0)), index=table.index).astype(int)


def _wanted(table: pd.DataFrame, sign: int | None, q: float | None) -> "pd.Series[bool]":
    wanted = pd.Series(True, index=table.index)
    if sign is not None:
        if sign not in (1, -1):
            raise UserError(f"sign is {sign!r}; it is 1 (up for the concept) or -1 (down), or None for both.")
        wanted &= table["sign"] == sign
    if q is not None:
        if "q_value" not in table:
            raise UserError(
                "These scores have no q_value, so neurons cannot be chosen by it: no null distribution was computed. "
                "Leave q away, or run the study with selectivity.draws."
            )
        wanted &= table["q_value"] <= q
    return wanted


def _first_of_groups(ranked: pd.DataFrame, every: pd.DataFrame, n: int | None) -> pd.DataFrame:
    """Return the best row of each group, and in the column ``duplicates`` the neurons that it stands for."""
    group = ranked["duplicate_of"].fillna(-1)
    best = ranked[~(group.duplicated() & (group >= 0))][:n]
    shown = every[every["duplicate_of"].isin(best["duplicate_of"]) & (every["duplicate_of"] >= 0)]
    members: dict[Any, list[tuple[int, int]]] = {}
    for layer, neuron, number in zip(shown["layer"], shown["neuron"], shown["duplicate_of"], strict=True):
        members.setdefault(number, []).append((layer, neuron))
    duplicates = [
        ", ".join(f"{a}:{b}" for a, b in members.get(number, []) if (a, b) != (layer, neuron))
        for layer, neuron, number in zip(best["layer"], best["neuron"], best["duplicate_of"], strict=True)
    ]
    best = best.drop(columns="duplicate_of")
    best.insert(3, "duplicates", duplicates)
    return best

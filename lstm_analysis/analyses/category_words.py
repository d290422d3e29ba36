"""Which words of a category carry what a neuron does."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..statistics.strata import match_types
from ..statistics.type_membership import find_members
from ..statistics.type_table import TABLE_DIMS, TypeTable, read_type_table

N_MEMBER = 100


def category_words(tables: xr.Dataset, types: Sequence[str], shown: xr.Dataset, sign: NDArray[np.int8]) -> xr.Dataset:
    """Return the member words of categories with their effects on chosen neurons, the strongest first.

    Parameters
    ----------
    tables
        The type tables of a summary.
    types
        Surface forms of the corpus.
    shown
        ``shown_layer, shown_neuron`` (concept, shown): neurons for each category, -1 for none.
    sign
        Direction of each neuron, dims (concept, layer, neuron): words that go its way come first.

    Returns
    -------
    Dims (concept, shown, member), at most 100 words (``n_type_member`` says how many there are): ``member_type``, the
    surface form; ``member_effect``, the type effect minus the mean of the matched words of the same stratum (sd), whose
    mean over all members is ``type_smd``; ``member_n_token``. Words without match have no effect (NaN) and come last.
    ``""``, NaN and 0 where there is no neuron or no more word.
    """
    layer, neuron = shown.shown_layer.values, shown.shown_neuron.values
    asked = np.zeros(sign.shape[1:], dtype=bool)
    asked[layer[layer >= 0], neuron[layer >= 0]] = True
    arrays = {name: tables[name].transpose(*dims).values for name, dims in TABLE_DIMS.items() if name in tables}
    table = read_type_table(arrays, asked)
    shape = (*layer.shape, N_MEMBER)
    name = np.full(shape, "", dtype=object)
    effect, n_token = np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)
    for concept, rank in zip(*np.nonzero(layer >= 0), strict=True):
        here = (layer[concept, rank], neuron[concept, rank])
        column = int(np.flatnonzero(table.neuron == here[0] * sign.shape[2] + here[1])[0])
        row, found = _members(table, concept, column, int(sign[concept, here[0], here[1]]))
        filled = (concept, rank, slice(len(row)))
        name[filled] = [str(types[i]) for i in table.type_id[row]]
        effect[filled], n_token[filled] = found, table.n_token[row]
    dims = ("concept", "shown", "member")
    return xr.Dataset(
        {
            "member_type": (dims, name.astype(np.str_)),
            "member_effect": (dims, effect),
            "member_n_token": (dims, n_token),
        }
    )


def _members(table: TypeTable, concept: int, column: int, sign: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the first members of a category in the direction of a neuron, and their effects."""
    members = find_members(table.target[concept], table.labelled[concept])
    matching = match_types(table.classes, members.member, members.usable)
    effect = table.effect[:, column]
    stratum = matching.stratum
    other = (stratum >= 0) & ~matching.member
    mean = np.bincount(stratum[other], weights=effect[other]) / np.bincount(stratum[other])
    row = np.flatnonzero(members.member)
    matched = matching.member[row]
    difference = np.where(matched, effect[row] - mean[stratum[row]], np.nan)
    order = np.argsort(np.where(matched, -sign * difference, np.inf), kind="stable")[:N_MEMBER]
    return row[order], difference[order]

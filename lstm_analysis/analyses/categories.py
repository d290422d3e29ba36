"""Semantic categories: which neurons are called, which words carry it, and what categories share."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import schema
from ..errors import UserError
from .category_overlap import category_overlap
from .category_words import category_words

SMD_FROM, BREADTH_FROM = 0.5, 0.5
N_TOP = 20
N_SHOWN = 5
HALVES = ("odd", "even")
NEEDED = ("type_smd", "breadth", "p_fwer_type", "type_smd_odd", "type_smd_even")
_BESIDE = ("n_type_member", "n_type_matched", "n_type_unmatched", "few_types", "type_null", "type_strata")
_DIMS = ("concept", "layer", "neuron")


def categories(scores: xr.Dataset, tables: xr.Dataset, types: Sequence[str], alpha: float = 0.05) -> xr.Dataset:
    r"""Return what neurons say of categories of words.

    A neuron is *called* for a category if p_fwer_type <= alpha, \|type_smd\| >= .5 and breadth >= .5: it is surprising
    among all neurons, large, and borne by most of the words, not by one of them.

    Parameters
    ----------
    scores
        Scores over words: `NEEDED`, dims (concept, layer, neuron), and the counts beside them.
    tables
        The type tables that the scores were made from.
    types
        Surface forms of the corpus, its variable ``type``.
    alpha
        Level of the family-wise error over neurons, for each category by itself.

    Returns
    -------
    ``called`` (concept, layer, neuron), int8: 1 called, 0 not, -1 not tested. ``sign`` (concept, layer, neuron), int8:
    1 where the neuron goes up for the words, -1 where down, 0 where undefined. ``n_called, n_tested`` (concept).

    What two categories share (`category_overlap`), of the neurons called and of the 20 with the largest \|type_smd\|;
    ``neuron_set`` is ``called`` or ``top``: ``set_size`` (neuron_set, concept) and ``overlap_n, overlap_n_same_sign,
    overlap_jaccard, overlap_lift`` (neuron_set, concept, concept_other).

    Held-out words (half, concept), ``half`` being ``odd`` or ``even`` rank by frequency: ``held_out_layer,
    held_out_neuron``, the neuron with the largest \|type_smd\| on the words of this half, -1 if undefined;
    ``held_out_chosen_smd``, its type_smd on them, which the choice flatters, and ``held_out_smd``, on the words of the
    other half, which it does not.

    The words (concept, shown) of the called neurons with the largest \|type_smd\|, up to 5, or of the strongest one if
    none is called: ``shown_layer, shown_neuron``, -1 for no more, and (concept, shown, member) what `category_words`
    returns.

    The counts of the scores, ``type_null`` and ``type_strata``, dims (concept).

    Raises
    ------
    UserError
        If the scores lack a variable, or are of other concepts or neurons than the tables.
    """
    _check(scores, tables)
    smd, breadth, p, odd, even = (scores[name].transpose(*_DIMS).values for name in NEEDED)
    called = np.where(np.isnan(p), -1, (p <= alpha) & (np.abs(smd) >= SMD_FROM) & (breadth >= BREADTH_FROM))
    sign = np.sign(np.nan_to_num(smd)).astype(np.int8)
    result = xr.Dataset(
        {
            "called": (_DIMS, called.astype(np.int8)),
            "sign": (_DIMS, sign),
            "n_called": (("concept",), (called == 1).sum(axis=(1, 2))),
            "n_tested": (("concept",), (called >= 0).sum(axis=(1, 2))),
        }
    )
    shown = _shown(smd, called == 1)
    parts = [_overlaps(smd, called, sign), _held_out(odd, even), shown, category_words(tables, types, shown, sign)]
    coords = {name: scores.coords[name] for name in (*_DIMS, "source") if name in scores.coords}
    other = {"concept_other": scores.concept.values} if "concept" in coords else {}
    beside = scores[[name for name in _BESIDE if name in scores]].drop_vars(list(scores.coords), errors="ignore")
    return schema.attach_attrs(xr.merge([result, beside, *parts]).assign_coords(coords | other))


def _check(scores: xr.Dataset, tables: xr.Dataset) -> None:
    missing = [name for name in NEEDED if name not in scores]
    if missing:
        raise UserError(
            f"The scores lack {', '.join(missing)}; categories need scores over words, made by type_scores."
        )
    for dim in _DIMS:
        if scores.sizes[dim] != tables.sizes[dim] or not scores[dim].equals(tables[dim]):
            raise UserError(
                f"The scores and the type tables differ in {dim!r}: {scores.sizes[dim]} against {tables.sizes[dim]}, "
                "or other names; use the tables that the scores were made from."
            )


def _strongest(smd: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Return the neurons with the largest size, dims (concept, n), equal ones in their order; -1 for no more."""
    flat = np.abs(smd.reshape(len(smd), -1))
    order = np.argsort(-np.where(np.isnan(flat), -1.0, flat), axis=1, kind="stable")[:, :n]
    order[np.isnan(np.take_along_axis(flat, order, axis=1))] = -1
    return np.pad(order, ((0, 0), (0, n - order.shape[1])), constant_values=-1)


def _place(flat: NDArray[np.int64], n_neuron: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return layer and neuron of places among all neurons; -1 stays -1."""
    return np.where(flat < 0, -1, flat // n_neuron), np.where(flat < 0, -1, flat % n_neuron)


def _overlaps(smd: NDArray[np.float64], called: NDArray[np.int8], sign: NDArray[np.int8]) -> xr.Dataset:
    n_concept = len(smd)
    finite = ~np.isnan(smd.reshape(n_concept, -1))
    top = np.zeros(finite.shape, dtype=bool)
    strongest = _strongest(smd, N_TOP)
    row, rank = np.nonzero(strongest >= 0)
    top[row, strongest[row, rank]] = True
    flat, up = called.reshape(n_concept, -1), sign.reshape(n_concept, -1)
    sets = [category_overlap(flat == 1, up, flat >= 0), category_overlap(top, up, finite)]
    return xr.concat(sets, dim="neuron_set").assign_coords(neuron_set=["called", "top"])


def _held_out(odd: NDArray[np.float64], even: NDArray[np.float64]) -> xr.Dataset:
    dims, rows = ("half", "concept"), np.arange(len(odd))
    best = np.stack([_strongest(half, 1)[:, 0] for half in (odd, even)])
    layer, neuron = _place(best, odd.shape[2])
    chosen, kept = (
        [half.reshape(len(odd), -1)[rows, place] for half, place in zip(order, best, strict=True)]
        for order in ((odd, even), (even, odd))
    )
    return xr.Dataset(
        {
            "held_out_layer": (dims, layer),
            "held_out_neuron": (dims, neuron),
            "held_out_chosen_smd": (dims, np.where(best < 0, np.nan, chosen)),
            "held_out_smd": (dims, np.where(best < 0, np.nan, kept)),
        },
        coords={"half": list(HALVES)},
    )


def _shown(smd: NDArray[np.float64], called: NDArray[np.bool_]) -> xr.Dataset:
    strongest, best_called = _strongest(smd, N_SHOWN), _strongest(np.where(called, smd, np.nan), N_SHOWN)
    strongest[:, 1:] = -1
    layer, neuron = _place(np.where((best_called[:, :1] >= 0), best_called, strongest), smd.shape[2])
    dims = ("concept", "shown")
    return xr.Dataset({"shown_layer": (dims, layer), "shown_neuron": (dims, neuron)})

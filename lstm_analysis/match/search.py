"""A search over bits, and its result as a dataset."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import schema
from .agreement import mask_of_all
from .bits import Bits
from .native import Groups, Matches, Pattern, find_places, overlapping
from .null import draw_spans, null_jaccard, p_values
from .threshold import Sides


class Selected(NamedTuple):
    """A selected neuron, its place among the layers and neurons that are searched, and the side on which it is on."""

    layer: int
    neuron: int
    sign: int


def as_selected(signs: xr.DataArray) -> list[Selected]:
    """Return the selected neurons of a result of `select_neurons`."""
    values = signs.values.reshape(-1, signs.sizes["neuron"])
    return [Selected(int(i), int(j), int(values[i, j])) for i, j in np.argwhere(values)]


def native_pattern(
    bits: Bits,
    selected: Sequence[Selected],
    left: int,
    right: int,
    sides: Sides,
    layer: int | None = None,
    phrase_length: int = 0,
) -> Pattern:
    """Return what a native search looks for among the neurons of all layers, or of one."""
    conjuncts = sorted((int(one.sign < 0), one.layer, one.neuron) for one in selected)
    return Pattern(conjuncts, left, right, mask_of_all(bits, layer, sides == "up"), phrase_length)


def search_native(
    bits: Bits,
    pattern: Pattern,
    span: tuple[int, int] | None,
    group_start: NDArray[np.int64] | None,
    n_results: int,
    draws: int,
    seed: int,
) -> xr.Dataset:
    """Return the native matches of a pattern, and how well random spans are matched.

    Parameters
    ----------
    bits, pattern
        What is searched, and for what.
    span
        Where the pattern comes from; ``None``: from nowhere, so there is no null distribution.
    group_start
        First token of each document, of which each gives one match; ``None``: they are not grouped.
    n_results
        Most matches.
    draws, seed
        Random spans, and their seed.
    """
    groups = Groups(group_start, span)
    matches = find_places(bits, pattern, n_results, groups)
    is_query = np.zeros(len(matches.start), bool) if span is None else overlapping(matches.start, matches.stop, span)
    found = _as_dataset(matches, len(pattern.conjuncts), bits.n_time).assign(is_query=("match", is_query))
    found["jaccard_complete_above"] = matches.complete_above
    if span is not None and draws:
        found = found.assign(_null(bits, pattern, span, groups, matches.jaccard, is_query, draws, seed))
    attached: xr.Dataset = schema.attach_attrs(found, schema.MATCHES)
    return attached


def _null(
    bits: Bits,
    pattern: Pattern,
    span: tuple[int, int],
    groups: Groups,
    jaccard: NDArray[np.float64],
    is_query: NDArray[np.bool_],
    draws: int,
    seed: int,
) -> xr.Dataset:
    """Return `p_value` and `null_jaccard` (match), and what the random spans were."""
    start, n_selected = draw_spans(bits, pattern, span, draws, np.random.default_rng(seed))
    others = np.flatnonzero(~is_query)
    null = null_jaccard(bits, pattern, start, span[1] - span[0], len(others), groups)
    p, median = np.full((2, len(jaccard)), np.nan)
    if len(null):
        p[others], median[others] = p_values(jaccard[others], null), np.median(null, axis=0)
    ends = (n_selected.min(), n_selected.max()) if len(null) else (0, 0)
    found = {"p_value": ("match", p), "null_jaccard": ("match", median), "n_draw": len(null)}
    return xr.Dataset(found | dict(zip(("null_n_selected_low", "null_n_selected_high"), ends, strict=True)))


def _as_dataset(matches: Matches, n_selected: int, n_time: int) -> xr.Dataset:
    columns = {
        "start": matches.start,
        "length": matches.stop - matches.start,
        "jaccard": matches.jaccard,
        "n_missing": n_selected - matches.n_shared,
        "n_union": matches.n_union,
        "n_shared": matches.n_shared,
    }
    return xr.Dataset({name: ("match", column) for name, column in columns.items()} | {"n_time_searched": n_time})

"""Where else in a corpus the neurons of a span are on together."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import schema
from ..errors import UsageError, one_of
from .bits import pack_states
from .lstmvis import Constraints, Query, lstmvis_matches
from .search import Selected, as_selected, native_pattern, search_native
from .selection import Threshold, as_levels, count_by_threshold, none_selected, select_neurons
from .states import Transform, as_states
from .threshold import Sides, cutoffs, raw_cutoff

Mode = Literal["native", "lstmvis"]
N_DRAW = 99
Neurons = Sequence[int] | Sequence[tuple[int, int]]


def find_matches(
    states: xr.DataArray | NDArray[np.floating],
    span: tuple[int, int] | None = None,
    neurons: Neurons | None = None,
    threshold: Threshold = 0.3,
    mode: Mode = "native",
    left: int = 1,
    right: int = 0,
    sides: Sides | None = None,
    transform: Transform | None = None,
    layer: int | None = None,
    query: Query = "fast",
    phrase_length: int = 0,
    constrain_left: bool = False,
    constrain_right: bool = False,
    n_results: int = 50,
    draws: int | None = None,
    seed: int = 0,
) -> xr.Dataset:
    """Find the places of a corpus at which the neurons that a span selects are on together.

    ``mode="native"`` searches all of the corpus. A place is a run of tokens, one or more, at each of which so and so
    many of the selected neurons C are on, as long as it can be made. A are all neurons that the selection rule selects
    there, with the same flanks; places are ranked by J = |A and C| / |A or C|, those that overlap a better one are left
    out, and each document (the coordinate ``document``, if the states have it) gives one match beside the span itself.

    ``p_value`` of the match of rank r is (b + 1) / (R + 1): b of R random spans, of the same length and selecting as
    many neurons (or, where these are too few, nearly as many), have a match of rank r with the same J or a larger one.
    If the span is itself a random one, p <= alpha has a probability of at most alpha.

    ``mode="lstmvis"`` gives what the server of LSTMVis gives, its limits included: candidates are runs of two tokens or
    more, the first thousand (``fast``) or ten thousand (``precise``), and ``fast`` looks only at the first 500,000
    tokens (`n_time_searched` says how many were).

    Parameters
    ----------
    states
        Dims (time, neuron) or (time, layer, neuron), in memory or lazy. A bit for each value and side is held in
        memory.
    span
        First token, and the token after the last: the neurons are those that `select_neurons` selects there.
    neurons
        Or the neurons themselves: numbers, or (layer, neuron). They are looked for upwards.
    threshold
        Of all neurons, or one for each (native only).
    left, right
        Tokens of the flanks in which they must be off: of the span, and (native) of each match.
    sides
        See `Sides`; by default ``both`` for a span in native mode, else ``up``.
    transform
        What is done with states before they are compared: ``tanh`` or ``none``; by default ``tanh`` for what is named
        ``cell_state``, and in LSTMVis mode, whose matching always compares the raw state with arctanh(threshold).
    layer
        Of states with layers the one to look at; by default all (LSTMVis mode: needs one).
    query, phrase_length, constrain_left, constrain_right
        LSTMVis' own options: how many candidates, the length of a run (0: any; in native mode too), whether neurons
        must be off before and after a run.
    n_results
        Most matches.
    draws, seed
        Random spans of the null distribution (native, with a span; 0: none; by default 99), and their seed.

    Returns
    -------
    Dims (match), best first: `start`, `length`, `jaccard`, `n_missing` (selected neurons that are not on), `n_union`,
    `n_shared`; dims (selected): `selected_layer`, `selected_neuron`, `selected_sign`; `n_time_searched`. LSTMVis mode
    also `length_histogram` and `length_histogram_strict` (run_length): lengths of all candidates, and of those at
    which no neuron is missing. Native mode also `is_query`, `document`, `jaccard_complete_above` and with draws
    `p_value`, `null_jaccard` (median of the random spans' matches of that rank; both NaN for the span itself),
    `n_draw`, `null_n_selected_low` and `null_n_selected_high`.

    Raises
    ------
    UserError
        If a dim, option, neuron or span is impossible, or the span selects no neuron.

    References
    ----------
    Strobelt et al. (2018), LSTMVis, IEEE TVCG 24(1).

    Examples
    --------
    >>> states = np.zeros((12, 3), np.float32)
    >>> states[2:4] = states[8:10] = [0.9, 0.9, 0.0]
    >>> found = find_matches(states, span=(2, 4), draws=0)
    >>> found.start.values.tolist(), found.length.values.tolist(), found.jaccard.values.tolist()
    ([2, 8], [2, 2], [1.0, 1.0])
    """
    states = as_states(states)
    check_options(mode, span, neurons, n_results, draws)
    states, threshold = _of_layer(states, threshold, layer, mode)
    sides = sides or ("both" if mode == "native" and span is not None else "up")
    transform = transform or ("tanh" if mode == "lstmvis" or states.name == "cell_state" else "none")
    levels = as_levels(threshold, states, sides)
    rule: dict[str, Any] = {"left": left, "right": right, "sides": sides, "transform": transform}
    selected = _selected(states, span, neurons, levels, rule)
    if mode == "lstmvis":
        if levels.ndim:
            raise UsageError("LSTMVis mode has one threshold for all neurons; give a single number.")
        raw = pack_states(states, np.asarray(raw_cutoff(float(levels))), "up")
        constraints, chosen = Constraints(constrain_left, constrain_right), [one.neuron for one in selected]
        found = lstmvis_matches(raw, 0, chosen, query, phrase_length, constraints, n_results)
    else:
        bits = pack_states(states, cutoffs(levels, np.promote_types(states.dtype, np.float32)), sides, transform)
        pattern = native_pattern(bits, selected, left, right, sides, None, phrase_length)
        draws = N_DRAW if draws is None else draws
        found = search_native(bits, pattern, span, _document_starts(states), n_results, draws, seed)
        if "document" in states.coords:
            found["document"] = ("match", states["document"].values[found["start"].values])
    return with_selected(found, selected, states)


def check_options(
    mode: str, span: tuple[int, int] | None, neurons: Neurons | None, n_results: int, draws: int | None = None
) -> None:
    """Refuse options that are impossible or do not go together.

    Raises
    ------
    UsageError
        Saying what to give.
    """
    if mode not in get_args(Mode):
        raise UsageError(f"mode is {mode!r}; {one_of(str(mode), get_args(Mode))}")
    if (span is None) == (neurons is None):
        raise UsageError("Give either a span, whose neurons are looked for, or neurons.")
    if n_results < 1 or (draws is not None and draws < 0):
        raise UsageError(f"n_results is {n_results} and draws is {draws}; give 1 or more, and 0 or more.")


def _of_layer(
    states: xr.DataArray, threshold: Threshold, layer: int | None, mode: Mode
) -> tuple[xr.DataArray, Threshold]:
    """Return the states and thresholds of the layer asked for."""
    if "layer" not in states.dims:
        return states, threshold
    n_layer = states.sizes["layer"]
    if layer is None and mode == "lstmvis" and n_layer > 1:
        raise UsageError(f"LSTMVis mode looks at one layer; give layer=0 to {n_layer - 1}.")
    if layer is None:
        return states, threshold
    check_layer(layer, n_layer)
    if isinstance(threshold, xr.DataArray) and "layer" in threshold.dims:
        threshold = threshold.isel(layer=layer)
    chosen = states.isel(layer=[layer])
    return chosen if "layer" in states.coords else chosen.assign_coords(layer=[layer]), threshold


def check_layer(layer: int, n_layer: int) -> None:
    """Refuse a layer that is not there.

    Raises
    ------
    UsageError
        Naming those that are.
    """
    if not 0 <= layer < n_layer:
        raise UsageError(f"There is no layer {layer}: layers are counted from 0 to {n_layer - 1}.")


def _selected(
    states: xr.DataArray,
    span: tuple[int, int] | None,
    neurons: Neurons | None,
    levels: NDArray[np.float64],
    rule: dict[str, Any],
) -> list[Selected]:
    """Return the neurons that a span selects, or those that are given."""
    if span is None:
        return _given(neurons or (), states)
    selected = as_selected(select_neurons(states, span, levels, **rule))
    if not selected:
        told = float(levels) if not levels.ndim else levels
        raise none_selected(span, told, count_by_threshold(states, span, **rule))
    return selected


def _given(neurons: Neurons, states: xr.DataArray) -> list[Selected]:
    """Return neurons given as numbers, or as (layer, neuron), by their places in the states."""
    n_layer, n_neuron = states.sizes.get("layer", 1), states.sizes["neuron"]
    layers = states["layer"].values.tolist() if "layer" in states.coords and "layer" in states.dims else range(n_layer)
    found = []
    for one in neurons:
        layer, neuron = (layers[0], int(one)) if isinstance(one, int | np.integer) else map(int, one)
        if isinstance(one, int | np.integer) and n_layer > 1:
            raise UsageError(f"The states have {n_layer} layers; give neurons as (layer, neuron), or layer=.")
        if layer not in layers or not 0 <= neuron < n_neuron:
            raise UsageError(f"There is no neuron {layer}:{neuron}: the layers searched have {n_neuron} neurons each.")
        found.append(Selected(list(layers).index(layer), neuron, 1))
    if not found or len(set(found)) < len(found):
        raise UsageError("Give one neuron or more, each once.")
    return found


def _document_starts(states: xr.DataArray) -> NDArray[np.int64] | None:
    """Return the first token of each document, ``None`` where the states do not say."""
    if "document" not in states.coords or states["document"].dims != ("time",):
        return None
    document = states["document"].values
    return np.flatnonzero(np.diff(document, prepend=document[:1] - 1)).astype(np.int64)


def with_selected(found: xr.Dataset, selected: Sequence[Selected], states: xr.DataArray) -> xr.Dataset:
    """Return matches with the neurons that were looked for, named as the states name them."""
    layer = states.coords.get("layer")
    names = [int(layer.values.reshape(-1)[one.layer]) if layer is not None else one.layer for one in selected]
    columns = {
        "selected_layer": names,
        "selected_neuron": [one.neuron for one in selected],
        "selected_sign": np.array([one.sign for one in selected], np.int8),
    }
    whole = found.assign({name: ("selected", column) for name, column in columns.items()})
    attached: xr.Dataset = schema.attach_attrs(whole, schema.MATCHES)
    return attached

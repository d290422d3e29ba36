"""Matching in a run: phrases and spans, their neurons, their matches, and what single neurons do.

Every function takes a `Run` and gives a dataset in memory; nothing but the index of bits (``matches/``) is written.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from .. import schema
from ..errors import UsageError
from .alike import LAGS, correlate, on_together
from .bit_index import Source, open_index
from .bits import Bits
from .contexts import find_neuron_contexts
from .find import N_DRAW, Mode, check_layer, check_options, with_selected
from .lstmvis import Constraints, Query, lstmvis_matches
from .native import overlapping
from .of_states import States, StoredStates, stored_states
from .phrase import find_phrase
from .search import as_selected, native_pattern, search_native
from .selection import count_by_threshold, none_selected, select_neurons
from .span_ranks import rank_at_spans
from .threshold import Sides, check_threshold, raw_cutoff, smallest_on
from .words import N_WORD, align

if TYPE_CHECKING:
    from distributed import Client

    from ..run import Run

MOST_OCCURRENCES = 10_000
"""Of a phrase, whose texts are held in memory."""


def find_text(run: "Run", phrase: str, n_word: int = N_WORD, n: int = MOST_OCCURRENCES) -> xr.Dataset:
    """Return where a phrase stands, whatever the case of its words, inside one sentence.

    Parameters
    ----------
    run, phrase
        The run, and words with blanks between them.
    n_word
        Tokens shown on each side.
    n
        Most occurrences, the first ones.

    Returns
    -------
    Dims (occurrence): `start`, `stop` (half-open on ``time``) and the columns of `align`. `n_occurrence`: how many
    there are in all.

    Raises
    ------
    UserError
        If it stands nowhere, with the nearest phrases that do.
    """
    start, stop = find_phrase(run.corpus, phrase)
    where = xr.Dataset({"start": ("occurrence", start[:n]), "stop": ("occurrence", stop[:n])})
    return where.merge(align(run, start[:n], stop[:n], n_word, "occurrence")).assign(n_occurrence=len(start))


def selected_at(
    run: "Run",
    start: int,
    stop: int,
    layer: int | None = None,
    threshold: float = 0.3,
    source: States = "hidden",
    left: int = 1,
    right: int = 0,
    sides: Sides = "both",
) -> xr.DataArray:
    """Return which neurons a span selects: `select_neurons` on a run, dims (layer, neuron), 1, -1 or 0.

    Only the span and its flanks are read. With ``layer`` the result has that layer alone. No neuron selected is no
    error here.

    Raises
    ------
    UserError
        If the span, layer, threshold or source is impossible, or the run has no such states.
    """
    states = stored_states(run, source)
    array = _of_layer(states, layer)
    return select_neurons(array, (start, stop), threshold, left, right, sides, states.transform)


def match_span(
    run: "Run",
    start: int,
    stop: int,
    layer: int | None = None,
    threshold: float = 0.3,
    source: States = "hidden",
    left: int = 1,
    right: int = 0,
    mode: Mode = "native",
    n: int = 50,
    sides: Sides | None = None,
    phrase_length: int = 0,
    query: Query = "fast",
    draws: int = N_DRAW,
    seed: int = 0,
    n_word: int = N_WORD,
    client: "Client | None" = None,
) -> xr.Dataset:
    """Return the places at which the neurons that a span selects are on together, with their text.

    Parameters
    ----------
    run
        A run with stored states. The first search with a source and threshold makes the index of bits beside it (some
        seconds a million tokens); later ones map it into memory.
    start, stop
        The span, half-open on ``time``.
    layer
        The layer to look at; ``None``: all (LSTMVis mode: the last).
    threshold, source, left, right, sides
        The selection rule, see `select_neurons` and `States`; ``sides`` by default ``both`` (LSTMVis mode: ``up``).
    mode, query, phrase_length
        See `find_matches`. In LSTMVis mode neurons must be off beside a match on the sides that have a flank, and a raw
        state is compared with arctanh(threshold), whatever the source.
    n
        Most matches.
    draws, seed
        Random spans of the null distribution of native mode, 0 for none (quicker), and their seed.
    n_word
        Tokens shown on each side.
    client
        A Dask client whose workers make the index.

    Returns
    -------
    As of `find_matches`, dims (match), (selected), with the columns of `align` beside each match.

    Raises
    ------
    UserError
        As `selected_at`, and if no neuron is selected: then with how many other thresholds would select.
    """
    check_options(mode, (start, stop), None, n, draws)
    states = stored_states(run, source)
    if mode == "lstmvis" and layer is None:
        layer = len(states.layer_sizes) - 1
    rule = sides or ("up" if mode == "lstmvis" else "both")
    array = _of_layer(states, layer)
    signs = select_neurons(array, (start, stop), threshold, left, right, rule, states.transform)
    selected = as_selected(signs)
    if not selected:
        counts = count_by_threshold(array, (start, stop), left, right, rule, states.transform)
        raise none_selected((start, stop), threshold, counts)
    if mode == "lstmvis":
        bits = _raw_bits(states, threshold, client)
        neurons, constraints = [one.neuron for one in selected], Constraints(left > 0, right > 0)
        found = lstmvis_matches(bits, int(layer or 0), neurons, query, phrase_length, constraints, n)
        first = found["start"].values
        is_query = overlapping(first, first + found["length"].values, (start, stop))
        found = found.assign(is_query=("match", is_query))
    else:
        bits = bits_of(states, threshold, rule, client)
        placed = [one._replace(layer=one.layer if layer is None else layer) for one in selected]
        pattern = native_pattern(bits, placed, left, right, rule, layer, phrase_length)
        documents = run.corpus["document_start"].values.astype(np.int64)
        found = search_native(bits, pattern, (start, stop), documents, n, draws, seed)
    first = found["start"].values
    found = with_selected(found, selected, array).merge(align(run, first, first + found["length"].values, n_word))
    attached: xr.Dataset = schema.attach_attrs(found, schema.MATCHES)
    return attached


def bits_of(states: StoredStates, threshold: float, sides: Sides = "both", client: "Client | None" = None) -> Bits:
    """Return the bits of a run's states: the index beside the run, which is made first if it is not there.

    For ``up`` they may have the other side as well.
    """
    check_threshold(threshold, sides)
    kind = np.promote_types(states.array.dtype, np.float32)
    kept: Sides = "both" if sides == "up" and threshold > 0 else sides  # one index serves both
    source = Source(states.variable, states.transform == "tanh", smallest_on(threshold, kind), kept)
    return open_index(states.run.path, states.store, source, client)


def _raw_bits(states: StoredStates, threshold: float, client: "Client | None") -> Bits:
    """Return the bits that LSTMVis' server compares."""
    source = Source(states.variable, False, raw_cutoff(threshold), "up")
    return open_index(states.run.path, states.store, source, client)


def neurons_at(
    run: "Run", spans: Sequence[tuple[int, int]], source: States = "hidden", client: "Client | None" = None
) -> xr.Dataset:
    """Return how high or low each neuron is at some spans, against all its values; see `rank_at_spans`.

    Reads all states once.
    """
    return rank_at_spans(stored_states(run, source).reader, spans, client)


def neurons_alike(
    run: "Run",
    layer: int,
    neuron: int,
    threshold: float = 0.3,
    source: States = "hidden",
    lags: Sequence[int] = LAGS,
    client: "Client | None" = None,
) -> xr.Dataset:
    """Return how much each neuron does the same as one; see `correlate` and `on_together`.

    Reads all states once, and the index of bits.

    Returns
    -------
    `correlation` (lag, layer, neuron); `correlation_best, lag_best` (layer, neuron): that of the lag at which it is
    largest in size; `jaccard_on, jaccard_opposite` (layer, neuron); `n_pair` (lag).
    """
    states = stored_states(run, source)
    states.check_neuron(layer, neuron)
    check_threshold(threshold, "both")
    if 0 not in lags:
        raise UsageError(f"The lags {tuple(lags)} need 0, the same token, among them.")
    found = correlate(states.reader, layer, neuron, lags, client)
    best = abs(found["correlation"]).fillna(-1.0).argmax("lag")
    found["correlation_best"] = found["correlation"].isel(lag=best).reset_coords(drop=True)
    found["lag_best"] = found["lag"].isel(lag=best).reset_coords(drop=True)
    return found.merge(on_together(bits_of(states, threshold, "both", client), layer, neuron))


def neuron_contexts(
    run: "Run", layer: int, neuron: int, n: int = 8, source: States = "hidden", n_word: int = N_WORD
) -> xr.Dataset:
    """Return the tokens at which a neuron is highest, lowest and in the middle; see `find_neuron_contexts`.

    Returns
    -------
    Dims (part, rank); `part` is ``highest``, ``middle`` or ``lowest``. The text columns of `align` are empty where a
    list is shorter than ``n``.
    """
    states = stored_states(run, source)
    states.check_neuron(layer, neuron)
    if n < 1:
        raise UsageError(f"n is {n}; a list has 1 token or more.")
    found = find_neuron_contexts(states.reader, layer, neuron, n)
    time = found["context_time"].values.reshape(-1)
    there = time >= 0
    text = align(run, time[there], time[there] + 1, n_word, "token")
    shape = found["context_time"].shape
    for name, column in text.data_vars.items():
        whole = np.full(len(time), -1 if column.dtype.kind == "i" else "", column.dtype)
        whole[there] = column.values
        found[str(name)] = (("part", "rank"), whole.reshape(shape))
    return found


def _of_layer(states: StoredStates, layer: int | None) -> xr.DataArray:
    """Return the stored array, of one layer or all, with the layers' numbers."""
    n_layer = states.array.sizes["layer"]
    array = states.array.reset_coords(drop=True).drop_vars(["layer", "time"], errors="ignore")
    array = array.assign_coords(layer=np.arange(n_layer))
    if layer is None:
        return array
    check_layer(layer, n_layer)
    return array.isel(layer=[layer])


__all__ = [
    "bits_of", "find_text", "match_span", "neuron_contexts", "neurons_alike", "neurons_at", "selected_at",
]  # fmt: skip

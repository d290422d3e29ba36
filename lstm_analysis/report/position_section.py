"""The section on sentence position: cliff neurons, and what the strongest one does in a passage."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from bokeh.plotting import figure
from numpy.typing import NDArray

from ..analyses.sentence_position import boundary_table
from ..selectivity import position_scores, rank_neurons
from .cliff_figure import N_TRACE, trace_figure
from .material import Material
from .numerals import neuron_name
from .passages import text_column, visible

N_NEURON, N_BOUNDARY = 8, 10
SPAN = 4_000
"""Tokens of the passage that boundaries are tabled from."""
SCORES = ("cliff_mean", "tau", "baseline", "amplitude", "r2", "eta2", "eta2_type_adjusted", "short_rise")
TESTS = {
    "cliff_r_current": "cliff, with the sentence just ended",
    "level_r_current": "level after it, with the sentence just ended",
    "level_partial_r_previous": "level after it, with the sentence before that",
}
REASONS = {
    1: "too few positions", 2: "constant", 3: "flat within its noise", 4: "over within a token",
    5: "no end within the sentence",
}  # fmt: skip


@dataclass(frozen=True)
class PositionNeuron:
    """A neuron with its scores by name, whether it is called, and why it has no tau (empty if it has)."""

    layer: int
    neuron: int
    called: bool
    scores: dict[str, float]
    duplicates: str
    no_tau: str

    @property
    def name(self) -> str:
        """Written ``layer:neuron``."""
        return neuron_name(self.layer, self.neuron)


@dataclass(frozen=True)
class Example:
    """A passage: its document, its first token, and the boundaries of the strongest neuron in it."""

    document: str
    start: int
    boundaries: tuple[dict[str, float], ...]


@dataclass(frozen=True)
class PositionSection:
    """What there is to show. ``missing`` says why there are no boundaries, empty if there are."""

    missing: str
    note: str
    neurons: tuple[PositionNeuron, ...]
    n_called: int
    n_called_twin: int | None
    counts: dict[str, int]
    example: Example | None
    why_no_example: str

    @property
    def best(self) -> PositionNeuron | None:
        """The strongest neuron."""
        return self.neurons[0] if self.neurons else None


def position_section(material: Material) -> PositionSection | None:
    """Return what the section shows; ``None`` if the study leaves the analysis out.

    Parameters
    ----------
    material
        The run.
    """
    tuning = material.tuning
    if tuning is None:
        return None
    if "cliff_mean" not in tuning:
        why = "selectivity.draws: 0" if not material.draws else f"store: {material.study['store']['activations']}"
        return PositionSection(why, "", (), 0, None, {}, None, "")
    ranked = strongest(material, tuning)
    neurons = position_neurons(tuning, ranked)
    twin = material.of_twin.tuning
    counts = ("n_boundary", "n_boundary_found", "n_boundary_current", "n_boundary_previous", "n_boundary_short")
    example, why = _example(material, neurons[0]) if neurons else (None, "no neuron has a cliff")
    note = str(tuning.attrs.get("note", ""))
    return PositionSection(
        missing="" if neurons else note or "no boundary was measured",
        note=note,
        neurons=neurons,
        n_called=int((tuning["cliff_neuron"] == 1).sum()),
        n_called_twin=None if twin is None or "cliff_neuron" not in twin else int((twin["cliff_neuron"] == 1).sum()),
        counts={name: int(tuning[name].values.ravel()[0]) for name in counts if name in tuning},
        example=example,
        why_no_example=why,
    )


def strongest(material: Material, tuning: xr.Dataset) -> pd.DataFrame:
    """Return the called neurons, or if there are none all, by ``cliff_mean``, duplicates as one; at most 8."""
    table = rank_neurons(position_scores(tuning, material.scores), "cliff_mean", n=None)
    called = table[table["cliff_neuron"] == 1]
    return (called if len(called) else table)[:N_NEURON]


def position_neurons(tuning: xr.Dataset, ranked: pd.DataFrame) -> tuple[PositionNeuron, ...]:
    """Return ranked neurons with all that is known of them at sentence ends; without fits and cliffs less is.

    Parameters
    ----------
    tuning
        A run's ``sentence_position``.
    ranked
        A result of `rank_neurons`.
    """
    columns = [ranked["layer"], ranked["neuron"], ranked.get("duplicates", [""] * len(ranked))]
    return tuple(_neuron(tuning, *place) for place in zip(*columns, strict=True))


def _neuron(tuning: xr.Dataset, layer: int, neuron: int, duplicates: str) -> PositionNeuron:
    one = tuning.isel(layer=layer, neuron=neuron)
    names = [f"{name}{end}" for name in (*SCORES, *TESTS) for end in ("", "_low", "_high", "_p", "_p_fwer", "_q")]
    scores = {name: float(one[name].item()) for name in names if name in one}
    called = "cliff_neuron" in one and bool(one["cliff_neuron"].item() == 1)
    reason = REASONS.get(int(one["fit_reason"].item()) if "fit_reason" in one else -1, "not fitted")
    no_tau = "" if np.isfinite(scores.get("tau", np.nan)) else reason
    return PositionNeuron(int(layer), int(neuron), called, scores, duplicates, no_tau)


def _example(material: Material, best: PositionNeuron) -> tuple[Example | None, str]:
    """Return the boundaries of a neuron in a passage, or why there are none."""
    if material.states is None:
        return None, "states are not stored"
    start, stop = example_passage(material)
    values = material.states.isel(layer=best.layer, neuron=best.neuron)
    has_end = material.facts["corpus"].get("end_of_sentence") is not None
    table = boundary_table(values, material.corpus, start, stop, n_boundary=N_BOUNDARY, end_symbol=has_end)
    place = int(np.searchsorted(_starts(material), start))
    document = str(material.corpus["document_name"].values[place])
    if not len(table):
        return None, f"the document {document} holds no two whole sentences"
    rows = tuple({str(name): float(value) for name, value in row.items()} for row in table.to_dict("records"))
    return Example(document, start, rows), ""


def example_passage(material: Material) -> tuple[int, int]:
    """Return where the example begins and stops: the start of the document in the middle of the corpus."""
    n_time = material.corpus.sizes["time"]
    starts = np.append(_starts(material), n_time)
    middle = int(np.searchsorted(starts[:-1], n_time // 2, side="right")) - 1
    start, end = int(starts[middle]), int(starts[middle + 1])
    return start, min(end, start + SPAN)


def _starts(material: Material) -> NDArray[np.int64]:
    """Return the first token of each document."""
    starts: NDArray[np.int64] = material.corpus["document_start"].compute(scheduler="synchronous").values
    return starts


def example_trace(material: Material, best: PositionNeuron) -> figure:
    """Return the strongest neuron over a part of the example's passage; needs stored states.

    The part is the first that begins with a sentence and holds 3 sentence ends, else that with most of them.
    """
    assert material.states is not None
    start, stop = example_passage(material)
    column = text_column(material)
    names = [column, "sentence_position", "sentence_length"]
    corpus = material.corpus[names].isel(time=slice(start, stop)).compute(scheduler="synchronous")
    is_end = corpus["sentence_position"].values == corpus["sentence_length"].values - 1
    first = _first_with_ends(is_end)
    part = slice(first, first + N_TRACE)
    table, show = ("type", str) if column == "type_id" else ("token_name", visible)
    words = [show(text) for text in material.corpus[table].values[corpus[column].values[part]]]
    time = slice(start + first, start + first + len(words))
    state = material.states.isel(time=time, layer=best.layer, neuron=best.neuron).compute(scheduler="synchronous")
    return trace_figure(state.values, words, is_end[part], start + first, best.name)


def _first_with_ends(is_end: NDArray[np.bool_], n_end: int = 3) -> int:
    """Return the first token of the part of a passage to show, which begins with a sentence."""
    first = np.append(0, np.flatnonzero(is_end[:-1]) + 1)
    ends = np.append(0, is_end.cumsum())
    n = ends[np.minimum(first + N_TRACE, len(is_end))] - ends[first]
    enough = np.flatnonzero(n >= n_end)
    return int(first[enough[0]] if len(enough) else first[n.argmax()])

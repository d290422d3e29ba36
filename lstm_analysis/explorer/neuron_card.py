"""What the card of a neuron says: its scores for every concept, its values, the passages where it is extreme."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..analyses.lesion import hurt
from ..analyses.periodicity import PERIODIC, SENTENCE_LOCKED
from ..report.duplicates import others_like
from ..report.numerals import chance, neuron_name, number
from ..report.passages import OFFSETS, Passage, around, passage, read_words
from ..selectivity import leading_measure, neuron_table
from .holdings import Holdings
from .stretch import Neuron

COLUMNS = ("p_value", "p_fwer", "q_value", "type_smd", "breadth")
N_BAR = 60
N_HURT = 3
"""Concepts that are named of those that a lesion hurts."""


@dataclass(frozen=True)
class Distribution:
    """How the values of a neuron are distributed: ends of bars and the share of tokens in each."""

    edge: NDArray[np.float64]
    share: NDArray[np.float64]
    n_token: int


def selectivity_of(holdings: Holdings, neuron: Neuron) -> pd.DataFrame:
    """Return the scores of a neuron for every concept: those with ``p_fwer`` at most alpha first, then the others.

    Either go by the distance from the measure's neutral value: of concepts with few tokens alone that would bring the
    rarest to the top, by chance.

    Returns
    -------
    Columns ``concept, source``, the leading measure with its interval, p and q where there are any, counts of target
    tokens.
    """
    assert holdings.scores is not None
    measure = leading_measure(holdings.scores)
    one = holdings.scores.isel(layer=[neuron[0]], neuron=[neuron[1]])
    table = neuron_table(one)
    if table.empty:
        return table
    table.insert(1, "source", holdings.sources)
    names = [measure, f"{measure}_low", f"{measure}_high", *COLUMNS, "n_token_target", "n_type_target"]
    table = table[["concept", "source", *(name for name in names if name in table)]]
    middle = 0.5 if measure == "auroc" else 0.0
    found = table["p_fwer"] <= holdings.alpha if "p_fwer" in table else pd.Series(False, table.index)
    order = np.lexsort((-(table[measure] - middle).abs().fillna(-1.0), ~found))
    return table.iloc[order].reset_index(drop=True)


def distribution(holdings: Holdings, neuron: Neuron) -> Distribution | None:
    """Return how the values of a neuron are distributed over the tokens; ``None`` without the one-pass sums.

    Counts between the edges of the stored histogram are taken to be spread evenly, so a bar is exact to the tokens of
    the two bins it ends in.
    """
    summary = holdings.summary
    if summary is None or "histogram" not in summary:
        return None
    n_token = summary["n_token"].sum("group").values
    concept = int(n_token.argmax())
    place = {"layer": neuron[0], "neuron": neuron[1]}
    counts = summary["histogram"].isel({"concept": concept, **place}).transpose("group", "bin").values.sum(axis=0)
    low, high = (float(summary[name].isel(place).item()) for name in ("value_min", "value_max"))
    if not high > low:
        return None
    inner = summary["bin_edge"].isel(place).values.astype(float).clip(low, high)
    edge = np.linspace(low, high, N_BAR + 1)
    places, upto = np.concatenate([[low], inner, [high]]), np.concatenate([[0], counts.cumsum()])
    last = np.append(np.flatnonzero(np.diff(places) > 0), len(places) - 1)  # of equal edges the one above all of them
    cumulated = np.interp(edge, places[last], upto[last])
    return Distribution(edge, np.diff(cumulated) / counts.sum(), int(counts.sum()))


def passages_of(holdings: Holdings, neuron: Neuron) -> Mapping[str, tuple[Passage, ...]]:
    """Return the passages where a neuron is highest and lowest, at most one a document; none without contexts."""
    material = holdings.material
    if material is None:
        return {}
    one = material.contexts.isel(layer=neuron[0], neuron=neuron[1]).sel(offset=OFFSETS)
    times = one["context_time"].transpose("extreme", "rank").values
    words = read_words(material, around(times[times >= 0], holdings.n_token), [0])
    values = one["context_value"].transpose("extreme", "rank", "offset").values
    found = {}
    for extreme, at, around_it in zip(one["extreme"].values.tolist(), times, values, strict=True):
        kept = [(int(time), value) for time, value in zip(at, around_it, strict=True) if time >= 0]
        found[str(extreme)] = tuple(passage(material, words, 0, time, value) for time, value in kept)
    return {name: found[name] for name in ("highest", "lowest")}


def facts_of(holdings: Holdings, neuron: Neuron) -> list[str]:
    """Return what is known of a neuron in a few words each."""
    facts = []
    place = {"layer": neuron[0], "neuron": neuron[1]}
    scores = holdings.scores
    if scores is not None and "value_min" in scores:
        low, high = (scores[name].isel(place).item() for name in ("value_min", "value_max"))
        facts.append(f"h from {number(low, 3)} to {number(high, 3)}")
    tuning = holdings.tuning
    if tuning is not None and "cliff_neuron" in tuning and tuning["cliff_neuron"].isel(place).item() == 1:
        facts.append("called a cliff neuron")
    idioms = holdings.idioms
    if idioms is not None:
        if idioms["idiom_neuron"].isel(place).item():
            facts.append("called an idiom neuron")
        if idioms["phrase_neuron"].isel(place).item():
            name = idioms["idiom"].values[int(idioms["phrase_neuron_idiom"].isel(place).item())]
            facts.append(f"a phrase neuron ({name})")
    facts += _analysed(holdings, neuron)
    if holdings.categories is not None:
        called = np.flatnonzero(holdings.categories["called"].isel(place).values == 1)
        if len(called):
            facts.append("called for " + ", ".join(holdings.concepts[i] for i in called.tolist()))
    return [*facts, *losses_of(holdings, neuron)]


def _analysed(holdings: Holdings, neuron: Neuron) -> list[str]:
    place, facts = {"layer": neuron[0], "neuron": neuron[1]}, []
    graded, rhythm = holdings.graded, holdings.periodicity
    if graded is not None and "graded_neuron" in graded:
        called = graded["variable"].values[graded["graded_neuron"].isel(place).values == 1].tolist()
        facts += ["called a graded neuron for " + ", ".join(map(str, called))] if called else []
    if rhythm is not None:
        said = {PERIODIC: "periodic", SENTENCE_LOCKED: "locked to the sentences"}.get(int(rhythm["rhythm"].isel(place)))
        facts += [f"{said}, {number(float(rhythm['period'].isel(place)), 1)} tokens"] if said else []
    return facts


def losses_of(holdings: Holdings, neuron: Neuron) -> list[str]:
    """Return what the model loses without a neuron; nothing if it was not taken out by itself."""
    lesion, name = holdings.lesion, neuron_name(*neuron)
    if lesion is None or name not in lesion["lesion"].values:
        return []
    one = lesion.sel(lesion=name, prediction="next")
    overall, p = number(float(one["delta_loss_overall"]), 4, signed=True), chance(float(one["p_overall"]))
    found = [f"without it the model loses {overall} nats a token (p {p} against random neurons)"]
    hurts = np.flatnonzero(hurt(lesion, holdings.alpha)[lesion["lesion"].values.tolist().index(name)])
    for k in hurts[np.argsort(-one["delta_loss"].values[hurts], kind="stable")][:N_HURT].tolist():
        more = number(float(one["delta_loss"][k]), 4, signed=True)
        found.append(f"{more} after tokens of {one['concept'].values[k]} above controls")
    return found


def duplicates_of(holdings: Holdings, neuron: Neuron) -> tuple[str, ...]:
    """Return the neurons that do the same up to sign (|r| > .95)."""
    if holdings.scores is None or "duplicate_of" not in holdings.scores:
        return ()
    return others_like(holdings.scores["duplicate_of"].transpose("layer", "neuron").values, *neuron)


def neighbours(holdings: Holdings, neuron: Neuron) -> tuple[str, str]:
    """Return the names of the neurons before and after one, round and round the model."""
    every = [(layer, i) for layer, size in enumerate(holdings.layer_sizes) for i in range(size)]
    at = every.index(neuron)
    return neuron_name(*every[at - 1]), neuron_name(*every[(at + 1) % len(every)])

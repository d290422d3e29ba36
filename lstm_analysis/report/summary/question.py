"""A question to single neurons: asked of the model, its twin and other models alike, it gives an answer."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..material import Material, Replicate
from .answer import Answer, Bar, Measure, Reached
from .losses import loss_of
from .reading import Network, Place, Reading, alike, in_place_of, named, place_of

Lacking = tuple[Measure, str] | None
Drawn = Callable[[Reading], Reading]


@dataclass(frozen=True)
class Question:
    """What an analysis asks of every neuron.

    Parameters
    ----------
    group, name, kind, anchor, concept
        As of `Answer`; ``source`` is that of the concept.
    read
        The scores of a network, ``None`` where it was not asked.
    say
        A sentence about a neuron: what it does if it is called, else what it lacks.
    since
        Variable of the training dynamics that has the epoch, dims (layer, neuron) or with the concept.
    lacking
        Of a reading in which nothing is called the score that falls short and its variable, which is drawn in place of
        the leading one; ``None`` where that falls short itself.
    note
        What is said of all neurons, and of the twin's if it was asked; empty for nothing.
    """

    group: str
    name: str
    kind: str
    anchor: str
    read: Callable[[Network], Reading | None]
    say: Callable[[Reading, Place], str]
    concept: str = ""
    source: str = ""
    since: str = ""
    lacking: Callable[[Reading], Lacking] = lambda _: None
    note: Callable[[Reading, Reading | None], str] = lambda *_: ""


def answer_of(question: Question, material: Material) -> Answer | None:
    """Return the answer of a run; ``None`` if no neuron has a score.

    Parameters
    ----------
    question
        What is asked.
    material
        The run.
    """
    own = question.read(material)
    place = None if own is None else own.strongest()
    if own is None or place is None:
        return None
    twin = None if material.twin is None else question.read(material.twin)
    note = question.note(own, twin)
    drawn = _drawn(None if own.n_called else question.lacking(own))
    shown = drawn(own)
    in_twin = None if twin is None else _reached("random twin", drawn(twin))
    others = tuple(_in_replicate(question, drawn, replicate, place) for replicate in material.replicates)
    p = float(own.p[place])
    return Answer(
        group=question.group,
        name=question.name,
        kind=question.kind,
        anchor=question.anchor,
        concept=question.concept,
        found=own.n_called > 0,
        neuron=named(place),
        text=question.say(own, place),
        also=_others(own, material.scores),
        alike=alike(material.scores, place),
        n_called=own.n_called,
        bar=_bar(shown, place, in_twin, others),
        p=p,
        twin=in_twin,
        replicates=others,
        dots=_dots(shown, place, material.alpha, in_twin, others),
        loss=loss_of(material, own.in_order() or [place], question.concept),
        since=_since(material.training_dynamics, question, place),
        notes=(note,) if note else (),
    )


def _drawn(lacking: Lacking) -> Drawn:
    return (lambda reading: reading) if lacking is None else lambda reading: in_place_of(reading, *lacking)


def _reached(name: str, reading: Reading) -> Reached:
    """Return the neuron of another network that is farthest from neutral, called or not, and how many are called."""
    place = reading.farthest()
    score = float("nan") if place is None else float(reading.score[place])
    return Reached(name, named(place), score, reading.n_called)


def _in_replicate(question: Question, drawn: Drawn, replicate: Replicate, place: Place) -> Reached:
    """Return what another model reaches, and its neuron most like one of the model's own."""
    reading = question.read(replicate)
    matched, r = "", float("nan")
    if replicate.matched is not None:
        best = replicate.matched.isel(rank=0, layer=place[0], neuron=place[1])
        layer, neuron = int(best["best_layer"]), int(best["best_neuron"])
        matched, r = (named((layer, neuron)), float(best["r"])) if layer >= 0 else ("", r)
    if reading is None:
        return Reached(replicate.name, "", float("nan"), 0, asked=False, matched=matched, r=r)
    reading = drawn(reading)
    strongest = reading.strongest()
    score = float("nan") if strongest is None else float(reading.score[strongest])
    return Reached(replicate.name, named(strongest), score, reading.n_called, matched=matched, r=r)


def _others(own: Reading, scores: xr.Dataset) -> tuple[str, ...]:
    """Return the called neurons after the first, duplicates as one."""
    shown: list[str] = []
    same: set[str] = set()
    for place in own.in_order():
        if named(place) not in same:
            shown.append(named(place))
            same |= {named(place), *alike(scores, place)}
    return tuple(shown[1:])


def _bar(own: Reading, place: Place, twin: Reached | None, others: tuple[Reached, ...]) -> Bar:
    return Bar(
        own.measure,
        float(own.score[place]),
        float(own.low[place]),
        float(own.high[place]),
        float("nan") if twin is None else twin.score,
        tuple(one.score for one in others),
    )


def _dots(
    own: Reading, place: Place, alpha: float, twin: Reached | None, others: tuple[Reached, ...]
) -> tuple[bool | None, ...]:
    score, p = float(own.score[place]), float(own.p[place])
    beyond = None if twin is None else own.measure.is_beyond(score, twin.score)
    return (None if np.isnan(p) else p <= alpha, beyond, in_each(others))


def in_each(others: tuple[Reached, ...]) -> bool | None:
    """Return whether each other model has one called; ``None`` if that is not known.

    >>> in_each((Reached("a", "0:1", 0.5, 0), Reached("b", "", 0.0, 0, asked=False)))
    False
    """
    if any(one.asked and not one.n_called for one in others):
        return False
    return True if others and all(one.asked for one in others) else None


def _since(dynamics: xr.Dataset | None, question: Question, place: Place) -> float:
    """Return the epoch since which it is so, NaN if that is not known."""
    if dynamics is None or question.since not in dynamics:
        return float("nan")
    one = dynamics[question.since]
    if "concept" in one.dims:
        at = place_of(dynamics, question.concept, question.source)
        one = one.isel(concept=[] if at is None else [at])
    if "variable" in one.dims:
        one = one.isel(variable=np.flatnonzero(one["variable"].values == question.name))
    known = one.isel(layer=place[0], neuron=place[1]).values.ravel()
    return float(known[0]) if len(known) else float("nan")

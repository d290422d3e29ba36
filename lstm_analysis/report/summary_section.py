"""The one-page summary: what was found, how sure that is, what is lost without it, what was not found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from .material import Material, Replicate
from .summary.answer import Answer
from .summary.concepts import category_questions, token_questions
from .summary.lesions import lesion_answer
from .summary.neurons import neuron_questions
from .summary.question import answer_of
from .summary.sets import set_answers

MOST = 8
"""Answers of either kind that are shown."""
GROUPS = (
    "position", "categories", "tokens", "idioms", "graded", "phrases", "periodicity", "components", "probes",
    "matching", "lesions",
)  # fmt: skip
"""Kinds of questions in the order of the summary."""
ASKED = {
    "tuning": ("position", "neurons that follow the place in the sentence"),
    "categories": ("categories", "neurons called for categories of words"),
    "idioms": ("idioms", "idiom neurons"),
    "graded": ("graded", "neurons that follow graded variables"),
    "matches": ("phrases", "where phrases come again"),
    "periodicity": ("periodicity", "periodic neurons"),
    "pca": ("components", "sets of words in the space of all neurons"),
    "probes": ("probes", "sets of words in a few neurons"),
    "neuron_matching": ("matching", "neurons that do the same"),
}
"""For each analysis, by its field of `Analysed`, its kind of question, and what it looks for."""


@dataclass(frozen=True)
class OtherModel:
    """Another trained model: the median |r| of the neurons with its most like ones, and with rotated layers."""

    name: str
    r: float
    r_rotated: float


@dataclass(frozen=True)
class Summary:
    """What the summary shows.

    Parameters
    ----------
    found, missed
        Answers to show, of what was found and of what was looked for and was not.
    names_found, names_missed
        What all of them, shown or not, are of.
    n_lesioned, n_used
        Found neurons that were taken out, and those that cost more than random ones, overall or at their concept.
    unasked
        What was not looked for.
    impossible
        What was asked and could not be decided, with the reason.
    models
        Other trained models.
    """

    found: tuple[Answer, ...]
    missed: tuple[Answer, ...]
    names_found: tuple[str, ...]
    names_missed: tuple[str, ...]
    n_lesioned: int
    n_used: int
    unasked: tuple[str, ...]
    impossible: tuple[tuple[str, str], ...]
    models: tuple[OtherModel, ...]


def summary_section(material: Material) -> Summary:
    """Return the summary of a run.

    Parameters
    ----------
    material
        The run.
    """
    by_tokens, undecided = token_questions(material)
    questions = [*neuron_questions(material), *category_questions(material), *by_tokens]
    answers = [answer_of(question, material) for question in questions]
    answers += [*set_answers(material), lesion_answer(material)]
    given = [one for one in answers if one is not None]
    found, missed = ([one for one in given if one.found is which] for which in (True, False))
    lost = [one.loss for one in found if one.loss is not None]
    used = [loss for loss in lost if loss.p <= material.alpha or (loss.concept is not None and loss.concept.hurt)]
    return Summary(
        found=choose(found),
        missed=choose(missed),
        names_found=tuple(_with_count(one) for one in in_order(found)),
        names_missed=tuple(one.name for one in in_order(missed)),
        n_lesioned=len({loss.neuron for loss in lost}),
        n_used=len({loss.neuron for loss in used}),
        unasked=_unasked(material),
        impossible=_impossible(material, {one.group for one in given}, undecided),
        models=tuple(_model(one) for one in material.replicates),
    )


def _with_count(answer: Answer) -> str:
    """Return what an answer is of, and how many neurons."""
    n = answer.n_called
    return f"{answer.name} ({n:,} neuron{'' if n == 1 else 's'})" if answer.neuron else answer.name


def in_order(answers: Iterable[Answer]) -> list[Answer]:
    """Return answers by kind of question, of a kind the surest and strongest first."""
    return sorted(answers, key=lambda one: (GROUPS.index(one.group), tuple(-value for value in one.strength)))


def choose(answers: Sequence[Answer], most: int = MOST) -> tuple[Answer, ...]:
    """Return the answers to show: of each kind of question the first one, then the second ones, and so on.

    Parameters
    ----------
    answers
        All answers.
    most
        How many are shown.
    """
    ordered = in_order(answers)
    columns = [[one for one in ordered if one.group == group] for group in GROUPS]
    by_turns = [one for turn in zip_longest(*columns) for one in turn if one is not None]
    return tuple(in_order(by_turns[:most]))


def _unasked(material: Material) -> tuple[str, ...]:
    """Return what the study did not look for."""
    fields = [said for field, (_, said) in ASKED.items() if getattr(material, field) is None]
    beside = {
        "what an untrained network reaches": material.twin is None,
        "other trained models": not material.replicates,
        "what is lost without a neuron": material.lesion is None,
        "since when in training": material.training_dynamics is None,
    }
    return (*fields, *(said for said, missing in beside.items() if missing))


def _impossible(material: Material, answered: set[str], undecided: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return what was asked without an answer, and why."""
    why = "too little to test it on"
    if material.states is None:
        why = f"store: {material.study['store']['activations']}"
    if not material.draws:
        why = "selectivity.draws: 0"
    fields = {said for field, (group, said) in ASKED.items() if getattr(material, field) is not None
              and group not in answered}  # fmt: skip
    found = [(said, why) for _, said in ASKED.values() if said in fields]
    if not material.draws:
        found += [("tests of concepts", "selectivity.draws: 0")]
    return (*found, *((name, "no random twin to hold it against") for name in undecided))


def _model(replicate: Replicate) -> OtherModel:
    matched = replicate.matched
    if matched is None:
        return OtherModel(replicate.name, float("nan"), float("nan"))
    best = np.abs(matched["r"].isel(rank=0).values.astype(np.float64))
    return OtherModel(replicate.name, _median(best), _median(matched["r_rotated"].values.astype(np.float64)))


def _median(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")

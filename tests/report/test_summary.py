"""What the summary says: the numbers of the datasets, by slow loops, of the model and of those beside it."""

import math
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from reference_summary import QUESTIONS, answers, at, farthest, scores_of

from lstm_analysis.report.material import Material
from lstm_analysis.report.summary.answer import Bar, Measure
from lstm_analysis.report.summary_section import Summary, summary_section


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_answer_has_the_numbers_of_the_strongest_called_neuron(beside: Material, question: str) -> None:
    one, (neutral, two_sided) = answers(beside)[question], QUESTIONS[question]
    score, called, p = scores_of(beside, question)
    assert called.any()
    assert one.found
    assert one.n_called == int(called.sum())
    assert one.neuron == farthest(score, called, neutral, two_sided)
    assert one.bar is not None
    assert one.bar.score == at(score, one.neuron)
    np.testing.assert_equal(one.p, math.nan if p is None else at(p, one.neuron))
    assert one.dots[0] is (None if p is None else at(p, one.neuron) <= 0.05)


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_twin_and_other_models_are_judged_by_the_same_score(beside: Material, question: str) -> None:
    one, (neutral, two_sided) = answers(beside)[question], QUESTIONS[question]
    assert beside.twin is not None
    fields = {name: getattr(beside.twin, name) for name in ("tuning", "categories", "idioms", "graded", "periodicity")}
    score, called, _ = scores_of(replace(beside, scores=beside.twin.scores, **fields), question)
    best = farthest(score, score.notnull(), neutral, two_sided)
    assert one.twin is not None
    assert (one.twin.strongest, one.twin.n_called) == (best, int(called.sum()))
    assert one.twin.score == at(score, best)
    assert one.bar is not None
    own, other = one.bar.score - neutral, one.twin.score - neutral
    assert one.dots[1] is (abs(own) > abs(other) if two_sided else own > other)
    same, without = one.replicates
    assert same.asked
    assert same.score == at(score, farthest(score, called, neutral, two_sided))
    layer, neuron = map(int, one.neuron.split(":"))
    assert (same.matched, same.r) == (f"{1 - layer}:{(neuron + 1) % 7}", 0.5 + layer / 10 + neuron / 100)
    assert (without.asked, without.matched) == (False, "")
    assert one.dots[2] is None  # one of them was not asked


def test_every_other_model_has_to_have_one(beside: Material) -> None:
    same, without = beside.replicates
    asked = replace(beside, replicates=(same, replace(same, name="again")))
    assert answers(asked)["Place in the sentence"].dots[2] is True
    assert same.tuning is not None
    none = replace(same, tuning=same.tuning.assign(cliff_neuron=0 * same.tuning["cliff_neuron"]))
    missing = replace(beside, replicates=(same, none))
    assert answers(missing)["Place in the sentence"].dots[2] is False
    assert answers(replace(missing, replicates=(none, without)))["Place in the sentence"].dots[2] is False


def test_without_twin_and_others_it_is_not_known(beside: Material) -> None:
    found = summary_section(replace(beside, twin=None, replicates=()))
    assert {one.dots[1:] for one in (*found.found, *found.missed)} == {(None, None)}
    assert {"what an untrained network reaches", "other trained models"} <= set(found.unasked)


def test_epochs_come_from_the_training_dynamics(beside: Material) -> None:
    name = answers(beside)["Place in the sentence"].neuron
    layer, neuron = map(int, name.split(":"))
    since = np.full((2, 7), np.nan)
    since[layer, neuron] = 2.5
    dynamics = xr.Dataset({"cliff_since": (("layer", "neuron"), since)})
    assert answers(replace(beside, training_dynamics=dynamics))["Place in the sentence"].since == 2.5
    assert math.isnan(answers(beside)["Place in the sentence"].since)


def test_a_picture_is_drawn_by_the_distance_from_neutral() -> None:
    bar = Bar(Measure("auroc", neutral=0.5, two_sided=True, reach=0.5), 0.1, 0.05, 0.15, 0.8, (0.7, math.nan))
    assert bar.end == 0.5
    assert bar.at(bar.score, 100) == 80
    assert bar.at(bar.twin, 100) == 60
    assert bar.ends(100) == (70, 90)
    assert bar.known == [0.7]
    assert (bar.axis(0), bar.axis(bar.end)) == ("0.5", "1")
    one_sided = Bar(Measure("eta2", least=0.15, reach=0.1), -0.02, twin=-0.3)
    assert one_sided.at(-0.02, 100) == 0
    assert one_sided.end == pytest.approx(0.165)


def test_names_of_all_findings_stand_first(beside: Material) -> None:
    found: Summary = summary_section(beside)
    assert len(found.found) <= 8
    assert len(found.names_found) >= len(found.found)
    assert f"Place in the sentence ({answers(beside)['Place in the sentence'].n_called} neurons)" in found.names_found
    (one, other) = found.models
    assert (one.name, one.r_rotated) == ("seed <1>", 0.25)
    assert one.r == pytest.approx(np.median([0.5 + layer / 10 + n / 100 for layer in (0, 1) for n in range(7)]))
    assert math.isnan(other.r)

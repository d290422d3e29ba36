"""What the summary says: the numbers of the datasets, by slow loops, and calls as the analyses make them."""

import math
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from fake_run import NASTY

from lstm_analysis.report.material import Material, Replicate
from lstm_analysis.report.summary.answer import Answer, Bar, Measure
from lstm_analysis.report.summary.concepts import token_questions
from lstm_analysis.report.summary_section import Summary, summary_section


@pytest.fixture(scope="module")
def among_others(whole: Material) -> Material:
    """The run beside two other models: one with the twin's results, and one without analyses."""
    assert whole.twin is not None
    twin = whole.twin
    fields = {name: getattr(twin, name) for name in ("tuning", "categories", "idioms", "graded", "periodicity")}
    same = Replicate("seed <1>", scores=twin.scores, matched=matched(whole.scores), **fields)
    return replace(whole, replicates=(same, Replicate("other", scores=twin.scores, matched=None)))


def matched(scores: xr.Dataset) -> xr.Dataset:
    """Each neuron is most like the next one of the other layer."""
    layer, neuron = np.indices((scores.sizes["layer"], scores.sizes["neuron"]))
    dims = ("rank", "layer", "neuron")
    columns = {
        "best_layer": 1 - layer, "best_neuron": (neuron + 1) % neuron.shape[1], "r": 0.5 + layer / 10 + neuron / 100,
    }  # fmt: skip
    best = {name: (dims, values[np.newaxis]) for name, values in columns.items()}
    return xr.Dataset(best | {"r_rotated": (dims[1:], np.full(layer.shape, 0.25))})


def answers(material: Material) -> dict[str, Answer]:
    """All answers that are shown, by name."""
    found = summary_section(material)
    return {one.name: one for one in (*found.found, *found.missed)}


def index_of_category(material: Material) -> int:
    assert material.categories is not None
    (index,) = np.flatnonzero(material.categories["n_tested"].values > 0)
    return int(index)


def farthest(score: xr.DataArray, allowed: xr.DataArray, neutral: float = 0.0, two_sided: bool = True) -> str:
    """Return the neuron farthest from neutral, one by one."""
    best, name, values, may = -math.inf, "", score.values.tolist(), allowed.values.tolist()
    for layer in range(2):
        for neuron in range(7):
            away = values[layer][neuron] - neutral
            size = abs(away) if two_sided else away
            if may[layer][neuron] and size > best:
                best, name = size, f"{layer}:{neuron}"
    return name


def at(values: xr.DataArray, name: str) -> float:
    layer, neuron = map(int, name.split(":"))
    return float(values.values[layer, neuron])


def scores_of(material: Material, question: str) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray | None]:
    """Return score, calls and p of a question, of the model."""
    if question == "Place in the sentence":
        assert material.tuning is not None
        return material.tuning["eta2_type_adjusted"], material.tuning["cliff_neuron"] == 1, None
    if question == "Idioms":
        assert material.idioms is not None
        one = material.idioms.sel(contrast=material.idioms.attrs["primary_contrast"])
        return one["auroc_macro"], one["idiom_neuron"], one["p_fwer"]
    if question == "Periods":
        assert material.periodicity is not None
        one = material.periodicity
        return one["line_fraction"].where(one["rhythm"] != 2), one["rhythm"] == 1, one["p_fwer"]
    if question == "brace_depth":
        assert material.graded is not None
        one = material.graded.sel(variable=question)
        return one["eta2_type_adjusted"], one["graded_neuron"] == 1, one["p_fwer"]
    assert material.categories is not None
    k = index_of_category(material)
    one = material.scores.isel(concept=k)
    return one["type_smd"], material.categories["called"].isel(concept=k) == 1, one["p_fwer_type"]


QUESTIONS = {
    "Place in the sentence": (0.0, False), "Idioms": (0.5, True), "Periods": (0.0, False), "brace_depth": (0.0, False),
    NASTY: (0.0, True),
}  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_answer_has_the_numbers_of_the_strongest_called_neuron(among_others: Material, question: str) -> None:
    one, (neutral, two_sided) = answers(among_others)[question], QUESTIONS[question]
    score, called, p = scores_of(among_others, question)
    assert called.any()
    assert one.found
    assert one.n_called == int(called.sum())
    assert one.neuron == farthest(score, called, neutral, two_sided)
    assert one.bar is not None
    assert one.bar.score == at(score, one.neuron)
    np.testing.assert_equal(one.p, math.nan if p is None else at(p, one.neuron))
    assert one.dots[0] is (None if p is None else at(p, one.neuron) <= 0.05)


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_twin_and_other_models_are_judged_by_the_same_score(among_others: Material, question: str) -> None:
    one, (neutral, two_sided) = answers(among_others)[question], QUESTIONS[question]
    assert among_others.twin is not None
    fields = {
        name: getattr(among_others.twin, name) for name in ("tuning", "categories", "idioms", "graded", "periodicity")
    }
    score, called, _ = scores_of(replace(among_others, scores=among_others.twin.scores, **fields), question)
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


def test_every_other_model_has_to_have_one(among_others: Material) -> None:
    same, without = among_others.replicates
    asked = replace(among_others, replicates=(same, replace(same, name="again")))
    assert answers(asked)["Place in the sentence"].dots[2] is True
    assert same.tuning is not None
    none = replace(same, tuning=same.tuning.assign(cliff_neuron=0 * same.tuning["cliff_neuron"]))
    missing = replace(among_others, replicates=(same, none))
    assert answers(missing)["Place in the sentence"].dots[2] is False
    assert answers(replace(missing, replicates=(none, without)))["Place in the sentence"].dots[2] is False


def planted_category(among_others: Material, smd: float, breadth: float, p: float, called: int) -> Material:
    """A category in which 1:2 has these scores, and all others hardly any."""
    assert among_others.categories is not None
    scores, categories, k = (
        among_others.scores.copy(deep=True),
        among_others.categories.copy(deep=True),
        index_of_category(among_others),
    )
    for name, small, value in (("type_smd", 0.1, smd), ("breadth", 0.05, breadth), ("p_fwer_type", 1.0, p)):
        values = scores[name].values
        values[k] = np.where(np.isnan(values[k]), np.nan, small)
        values[k, 1, 2] = value
    categories["called"].values[k] = 0
    categories["called"].values[k, 1, 2] = called
    assert scores["type_smd"].dims == ("concept", "layer", "neuron")
    return replace(among_others, scores=scores, categories=categories)


def test_a_called_neuron_is_found_with_its_words(among_others: Material) -> None:
    one = answers(planted_category(among_others, -1.1, 0.625, 0.01, 1))[NASTY]
    assert (one.found, one.neuron, one.n_called, one.also) == (True, "1:2", 1, ())
    n_word = 8 - 1  # one of them has no match
    assert one.text.startswith(
        f"is lower at its words than at matched ones: −1.10 sd, and tells 62 % of its {n_word} words from 95 % of the "
        "others; on each half of the words "
    )
    assert one.dots[0] is True


@pytest.mark.parametrize(
    ("smd", "breadth", "p", "lacks"),
    [
        (1.06, 0.26, 0.01, "+1.06 sd, tells 26 % of its 7 words from 95 % of the others (50 % asked for); no neuron"),
        (1.06, 0.49996, 0.01, "+1.06 sd, tells 49.996 % of its 7 words"),
        (0.3, 0.6, 0.01, "+0.30 sd (0.5 asked for), tells 60 % of its 7 words from 95 % of the others"),
        (1.06, 0.6, 0.2, "from 95 % of the others, chance over all neurons may do as much"),
    ],
)
def test_what_is_not_called_says_what_it_lacks(
    among_others: Material, smd: float, breadth: float, p: float, lacks: str
) -> None:
    planted = planted_category(among_others, smd, breadth, p, 0)
    one = answers(planted)[NASTY]
    assert (one.found, one.neuron, one.p) == (False, "1:2", p)
    assert one.text.startswith("separates its words most: ")
    assert lacks in one.text
    assert one.bar is not None
    is_words = smd < 0.5  # the effect falls short, so it is drawn; else the share of the words
    assert one.bar.score == (smd if is_words else breadth)
    assert one.bar.measure.name == ("type_smd" if is_words else "breadth")
    assert among_others.twin is not None
    of_twin = among_others.twin.scores["type_smd" if is_words else "breadth"].isel(
        concept=index_of_category(among_others)
    )
    assert one.bar.twin == pytest.approx(at(of_twin, farthest(of_twin, of_twin.notnull(), two_sided=is_words)))


def test_a_neuron_that_the_twin_has_too_is_not_beyond_it(among_others: Material) -> None:
    planted = planted_category(among_others, 1.1, 0.6, 0.01, 1)
    assert planted.twin is not None
    also = replace(planted.twin, scores=planted.scores, categories=planted.categories)
    one = answers(replace(planted, twin=also))[NASTY]
    assert (one.found, one.dots[1]) == (True, False)
    assert one.twin is not None
    assert (one.twin.n_called, one.twin.score) == (1, 1.1)


def test_without_twin_and_others_it_is_not_known(among_others: Material) -> None:
    found = summary_section(replace(among_others, twin=None, replicates=()))
    assert {one.dots[1:] for one in (*found.found, *found.missed)} == {(None, None)}
    assert {"what an untrained network reaches", "other trained models"} <= set(found.unasked)


def token_concept(among_others: Material) -> tuple[Material, int]:
    """The concept of the first tokens with enough types."""
    k = among_others.scores["concept"].values.tolist().index("first 3 tokens")
    n_type = among_others.scores["n_type"].copy(deep=True)
    n_type[{"concept": k}] = 50
    return replace(among_others, scores=among_others.scores.assign(n_type=n_type)), k


@pytest.mark.parametrize(("auroc", "p", "found"), [(0.05, 0.01, True), (0.05, 0.2, False), (0.8, 0.01, False)])
def test_a_concept_by_tokens_has_to_pass_the_twin(among_others: Material, auroc: float, p: float, found: bool) -> None:
    material, k = token_concept(among_others)
    assert material.twin is not None
    scores, twin = material.scores.copy(deep=True), material.twin.scores.copy(deep=True)
    scores["auroc"].values[k], twin["auroc"].values[k] = 0.5, 0.5
    scores["auroc"].values[k, 0, 3], scores["p_fwer"].values[k, 0, 3], twin["auroc"].values[k, 1, 1] = auroc, p, 0.85
    planted = replace(material, scores=scores, twin=replace(material.twin, scores=twin), replicates=())
    one = answers(planted)["first 3 tokens"]
    assert (one.found, one.neuron, one.p) == (found, "0:3", p)
    assert one.dots[:2] == (p <= 0.05, auroc == 0.05)
    assert ("lower at its tokens than elsewhere: auroc 0.050" in one.text) is found
    assert ("a neuron as far from neutral" in one.text) is (auroc == 0.8)
    assert ("chance over all neurons" in one.text) is (p == 0.2)


def test_concepts_of_few_words_and_idioms_are_no_questions(among_others: Material) -> None:
    material, _ = token_concept(among_others)
    assert [one.name for one in token_questions(material)[0]] == ["first 3 tokens"]
    assert token_questions(among_others) == ([], [])
    assert token_questions(replace(material, twin=None)) == ([], ["first 3 tokens"])
    undecided = summary_section(replace(material, twin=None)).impossible
    assert ("first 3 tokens", "no random twin to hold it against") in undecided


def with_loss(among_others: Material, p: float) -> Material:
    """The strongest cliff neuron is the one that was taken out in the first lesion."""
    name = answers(among_others)["Place in the sentence"].neuron
    assert among_others.lesion is not None
    lesion = among_others.lesion.copy(deep=True)
    lesion["member_layer"].values[0, 0], lesion["member_neuron"].values[0, 0] = map(int, name.split(":"))
    lesion["p_overall"].values[0] = p
    return replace(among_others, lesion=lesion)


@pytest.mark.parametrize("p", [0.02, 0.2])
def test_losses_are_those_of_the_neuron_alone(among_others: Material, p: float) -> None:
    material = with_loss(among_others, p)
    one = answers(material)["Place in the sentence"]
    assert material.lesion is not None
    assert one.loss is not None
    assert (one.loss.neuron, one.loss.p, one.loss.n_random, one.loss.concept) == (one.neuron, p, 25, None)
    assert one.loss.overall == float(material.lesion["delta_loss_overall"][0])
    assert one.loss.se == float(material.lesion["delta_loss_overall_se"][0])
    random = sorted(material.lesion["random_delta_loss_overall"].values[:, 0].tolist())
    assert one.loss.low == pytest.approx(random[1] + 0.2 * (random[2] - random[1]))
    assert one.loss.high == pytest.approx(random[22] + 0.8 * (random[23] - random[22]))
    found = summary_section(material)
    assert found.n_lesioned >= 1
    assert found.n_used - summary_section(with_loss(among_others, 0.9)).n_used == (p <= 0.05)


def test_the_loss_at_a_concept_stands_beside_its_neuron(among_others: Material) -> None:
    material = planted_category(among_others, 1.1, 0.6, 0.01, 1)
    assert material.lesion is not None
    lesion = material.lesion.copy(deep=True)
    k = index_of_category(among_others)
    at_lesion = {"lesion": 1, "concept": k, "prediction": 1}  # the lesion of 1:2, the loss of the next token
    lesion["delta_loss"][at_lesion], lesion["p_fwer"][at_lesion] = 0.3, 0.04
    loss = answers(replace(material, lesion=lesion))[NASTY].loss
    assert loss is not None
    assert loss.concept is not None
    assert (loss.neuron, loss.concept.loss, loss.concept.p_fwer, loss.concept.hurt) == ("1:2", 0.3, 0.04, True)
    one = lesion.isel(at_lesion)
    assert loss.concept.se == float(one["delta_loss_se"])
    assert loss.concept.random == float(np.median(one["random_delta_loss"].values))
    lesion["p_fwer"][at_lesion] = 0.06
    spared = answers(replace(material, lesion=lesion))[NASTY].loss
    assert spared is not None
    assert spared.concept is not None
    assert not spared.concept.hurt


def test_epochs_come_from_the_training_dynamics(among_others: Material) -> None:
    name = answers(among_others)["Place in the sentence"].neuron
    layer, neuron = map(int, name.split(":"))
    since = np.full((2, 7), np.nan)
    since[layer, neuron] = 2.5
    dynamics = xr.Dataset({"cliff_since": (("layer", "neuron"), since)})
    assert answers(replace(among_others, training_dynamics=dynamics))["Place in the sentence"].since == 2.5
    assert math.isnan(answers(among_others)["Place in the sentence"].since)


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


def test_names_of_all_findings_stand_first(among_others: Material) -> None:
    found: Summary = summary_section(among_others)
    assert len(found.found) <= 8
    assert len(found.names_found) >= len(found.found)
    assert (
        f"Place in the sentence ({answers(among_others)['Place in the sentence'].n_called} neurons)"
        in found.names_found
    )
    (one, other) = found.models
    assert (one.name, one.r_rotated) == ("seed <1>", 0.25)
    assert one.r == pytest.approx(np.median([0.5 + layer / 10 + n / 100 for layer in (0, 1) for n in range(7)]))
    assert math.isnan(other.r)

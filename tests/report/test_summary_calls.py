"""What the summary finds, and what it says is lacking: planted scores, in the model and in its twin, and lesions."""

from dataclasses import replace

import numpy as np
import pytest
from fake_run import NASTY
from reference_summary import answers, at, farthest, index_of_category

from lstm_analysis.report.material import Material
from lstm_analysis.report.summary.concepts import token_questions
from lstm_analysis.report.summary_section import summary_section


def planted_category(beside: Material, smd: float, breadth: float, p: float, called: int) -> Material:
    """A category in which 1:2 has these scores, and all others hardly any."""
    assert beside.categories is not None
    scores, categories, k = (
        beside.scores.copy(deep=True),
        beside.categories.copy(deep=True),
        index_of_category(beside),
    )
    for name, small, value in (("type_smd", 0.1, smd), ("breadth", 0.05, breadth), ("p_fwer_type", 1.0, p)):
        values = scores[name].values
        values[k] = np.where(np.isnan(values[k]), np.nan, small)
        values[k, 1, 2] = value
    categories["called"].values[k] = 0
    categories["called"].values[k, 1, 2] = called
    assert scores["type_smd"].dims == ("concept", "layer", "neuron")
    return replace(beside, scores=scores, categories=categories)


def test_a_called_neuron_is_found_with_its_words(beside: Material) -> None:
    one = answers(planted_category(beside, -1.1, 0.625, 0.01, 1))[NASTY]
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
    beside: Material, smd: float, breadth: float, p: float, lacks: str
) -> None:
    planted = planted_category(beside, smd, breadth, p, 0)
    one = answers(planted)[NASTY]
    assert (one.found, one.neuron, one.p) == (False, "1:2", p)
    assert one.text.startswith("separates its words most: ")
    assert lacks in one.text
    assert one.bar is not None
    is_words = smd < 0.5  # the effect falls short, so it is drawn; else the share of the words
    assert one.bar.score == (smd if is_words else breadth)
    assert one.bar.measure.name == ("type_smd" if is_words else "breadth")
    assert beside.twin is not None
    of_twin = beside.twin.scores["type_smd" if is_words else "breadth"].isel(concept=index_of_category(beside))
    assert one.bar.twin == pytest.approx(at(of_twin, farthest(of_twin, of_twin.notnull(), two_sided=is_words)))


def test_a_neuron_that_the_twin_has_too_is_not_beyond_it(beside: Material) -> None:
    planted = planted_category(beside, 1.1, 0.6, 0.01, 1)
    assert planted.twin is not None
    also = replace(planted.twin, scores=planted.scores, categories=planted.categories)
    one = answers(replace(planted, twin=also))[NASTY]
    assert (one.found, one.dots[1]) == (True, False)
    assert one.twin is not None
    assert (one.twin.n_called, one.twin.score) == (1, 1.1)


def token_concept(beside: Material) -> tuple[Material, int]:
    """The concept of the first tokens with enough types."""
    k = beside.scores["concept"].values.tolist().index("first 3 tokens")
    n_type = beside.scores["n_type"].copy(deep=True)
    n_type[{"concept": k}] = 50
    return replace(beside, scores=beside.scores.assign(n_type=n_type)), k


@pytest.mark.parametrize(("auroc", "p", "found"), [(0.05, 0.01, True), (0.05, 0.2, False), (0.8, 0.01, False)])
def test_a_concept_by_tokens_has_to_pass_the_twin(beside: Material, auroc: float, p: float, found: bool) -> None:
    material, k = token_concept(beside)
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


def test_concepts_of_few_words_and_idioms_are_no_questions(beside: Material) -> None:
    material, _ = token_concept(beside)
    assert [one.name for one in token_questions(material)[0]] == ["first 3 tokens"]
    assert token_questions(beside) == ([], [])
    assert token_questions(replace(material, twin=None)) == ([], ["first 3 tokens"])
    undecided = summary_section(replace(material, twin=None)).impossible
    assert ("first 3 tokens", "no random twin to hold it against") in undecided


def with_loss(beside: Material, p: float) -> Material:
    """The strongest cliff neuron is the one that was taken out in the first lesion."""
    name = answers(beside)["Place in the sentence"].neuron
    assert beside.lesion is not None
    lesion = beside.lesion.copy(deep=True)
    lesion["member_layer"].values[0, 0], lesion["member_neuron"].values[0, 0] = map(int, name.split(":"))
    lesion["p_overall"].values[0] = p
    return replace(beside, lesion=lesion)


@pytest.mark.parametrize("p", [0.02, 0.2])
def test_losses_are_those_of_the_neuron_alone(beside: Material, p: float) -> None:
    material = with_loss(beside, p)
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
    assert found.n_used - summary_section(with_loss(beside, 0.9)).n_used == (p <= 0.05)


def test_the_loss_at_a_concept_stands_beside_its_neuron(beside: Material) -> None:
    material = planted_category(beside, 1.1, 0.6, 0.01, 1)
    assert material.lesion is not None
    lesion = material.lesion.copy(deep=True)
    k = index_of_category(beside)
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

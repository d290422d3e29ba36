"""What the summary says of sets of words, phrases, neurons that do the same, and lesions: the numbers of the stores."""

import math
from dataclasses import replace

import numpy as np
import pytest
from fake_run import NASTY
from reference_summary import answers

from lstm_analysis.report.material import Material


@pytest.mark.parametrize("p", [0.01, 0.3])
def test_components_tell_the_best_accuracy_and_the_twins_of_the_same_set(beside: Material, p: float) -> None:
    assert beside.pca is not None
    assert beside.twin is not None
    assert beside.twin.pca is not None
    (k,) = np.flatnonzero((beside.pca["untold"] == "").values)
    pca = beside.pca.copy(deep=True)
    pca["p_fwer"].values[k] = p
    other = replace(beside.replicates[0], pca=beside.twin.pca)
    one = answers(replace(beside, pca=pca, replicates=(other,)))["Sets of words in all neurons"]
    best, of_twin = (max(found["accuracy"].values[k].ravel().tolist()) for found in (pca, beside.twin.pca))
    assert (one.found, one.n_called, one.p) == (p <= 0.05, int(p <= 0.05), p)
    assert one.bar is not None
    assert (one.bar.score, one.bar.twin, one.bar.others) == (best, of_twin, (of_twin,))
    found_there = bool(beside.twin.pca["p_fwer"].values[k] <= 0.05)
    assert one.dots == (p <= 0.05, best > of_twin, found_there)
    assert one.text.startswith("1 of 1 set of words is told" if p <= 0.05 else "0 of 1 set of words are told")
    assert f"best {NASTY}, accuracy at words left out {best:.2f} (.5 by chance)" in one.text


@pytest.mark.parametrize("p", [0.048, 0.3])
def test_probes_tell_of_one_neuron(beside: Material, p: float) -> None:
    assert beside.probes is not None
    assert beside.twin is not None
    assert beside.twin.probes is not None
    (k,) = np.flatnonzero((beside.probes["untold"] == "").values)
    probes = beside.probes.copy(deep=True)
    probes["probe_p"].values[k] = [p, 0.01, 0.01, 0.01]
    one = answers(replace(beside, probes=probes))["Sets of words in few neurons"]
    auroc = probes["probe_auroc"].values[k]
    assert (one.found, one.p) == (p <= 0.05, p)
    assert one.bar is not None
    assert (one.bar.score, one.bar.twin) == (auroc[0], beside.twin.probes["probe_auroc"].values[k, 0])
    share = probes["chosen_share"].values[k, 0, 0]
    assert f"auroc {auroc[0]:.2f} (" in one.text
    assert "neuron?neuron=0:0" in one.text  # that which the probe of one neuron chose
    assert f"in {100 * share:.0f} % of the folds; 8 neurons {auroc[-1]:.2f}, random sets " in one.text
    assert NASTY not in one.text  # the text has links, so that it is escaped already
    assert [(other.asked, other.n_called) for other in one.replicates] == [(False, 0), (False, 0)]


@pytest.mark.parametrize("p", [0.01, 0.3])
def test_phrases_are_judged_by_their_best_match_beside_themselves(beside: Material, p: float) -> None:
    assert beside.matches is not None
    matches = beside.matches.copy(deep=True)
    matches["is_query"].values[0, :2] = True, False
    matches["p_value"].values[0], matches["jaccard"].values[0] = 0.001, 0.9
    matches["p_value"].values[0, 1], matches["jaccard"].values[0, 1] = p, 0.625
    one = answers(replace(beside, matches=matches))["Phrases"]
    assert (one.found, one.p) == (p <= 0.05, p)
    assert one.bar is not None
    assert one.bar.score == 0.625
    assert "1 phrase" in one.text  # the two others stand nowhere, or select nothing
    assert "best match of in <b>the</b> red: jaccard 0.62" in one.text


def test_duplicates_and_the_pair_most_alike(beside: Material) -> None:
    assert beside.neuron_matching is not None
    assert beside.twin is not None
    assert beside.twin.neuron_matching is not None
    found, twin = beside.neuron_matching, beside.twin.neuron_matching
    one = answers(beside)["Neurons that do the same"]
    assert (one.found, one.n_called) == (True, 2)  # 0:0 and 0:6
    assert (one.p, one.dots[0]) == (pytest.approx(math.nan, nan_ok=True), None)
    assert one.bar is not None
    assert one.bar.score == pytest.approx(1, abs=1e-6)
    assert one.bar.twin == pytest.approx(float(np.nanmax(np.abs(twin["r"].values[0]))))
    assert "neuron?neuron=0:0" in one.text
    assert "neuron?neuron=0:6" in one.text
    family = found["family"].values
    n_family = len({number for number in family.ravel().tolist() if number >= 0})
    assert f"{n_family} famil" in one.text
    alone = found.assign(duplicate=0 * found["duplicate"] - 1)
    assert not answers(replace(beside, neuron_matching=alone))["Neurons that do the same"].found
    many = found.assign(r_rotated=found["r_rotated"] * np.nan)
    assert "Neurons that do the same" not in answers(replace(beside, neuron_matching=many))


def test_lesions_are_found_where_a_concept_is_hurt(beside: Material) -> None:
    assert beside.lesion is not None
    names = beside.lesion["concept"].values
    lesion = beside.lesion.copy(deep=True)
    lesion["random_delta_loss"][:] = np.linspace(-0.01, 0.01, 25)[:, None, None, None]
    lesion["delta_loss"][{"lesion": 1, "concept": 1, "prediction": 1}] = 0.3
    lesion["delta_loss_se"][{"lesion": 1, "concept": 1, "prediction": 1}] = 0.0125
    lesion["n_token"][{"concept": 1}] = 321
    one = answers(replace(beside, lesion=lesion))["Lesions"]
    n_selective = int(lesion["selective"].sum())
    by_chance = 0.05 * (3 + n_selective)
    beyond = 1 - math.exp(-by_chance) * (1 + by_chance)  # two or more where so many are expected
    assert (one.found, one.n_called) == (True, 2)
    assert one.p == pytest.approx(beyond)
    assert one.dots == (True, None, None)
    said = f"where chance makes up to {by_chance:.1f};".replace(" 0.", " .")
    assert f"2 of 3 lesions cost a concept more than random neurons do, {said}" in one.text.replace(" 0.", " .")
    assert f">1:2</a>, {names[1]} (321 tokens) lose +0.3000 ± 0.0125 nats a token above its controls" in one.text
    lesion["delta_loss_se"][{"lesion": 1, "concept": 1, "prediction": 1}] = np.nan  # one token has no error
    assert f">0:1</a>, {names[0]} (" in answers(replace(beside, lesion=lesion))["Lesions"].text


def test_no_concept_hurt_names_the_largest_loss(beside: Material) -> None:
    assert beside.lesion is not None
    lesion = beside.lesion.copy(deep=True)
    lesion["p_value"][:], lesion["p_fwer"][:] = 0.5, 0.9
    lesion["delta_loss_overall"][:], lesion["p_overall"][:] = [0.001, 0.02, 0.01], [0.9, 0.2, 0.9]
    lesion["delta_loss_overall_se"][:] = 0.005
    lesion["random_delta_loss_overall"][:] = np.linspace(0, 0.024, 25)[:, None]
    one = answers(replace(beside, lesion=lesion))["Lesions"]
    assert (one.found, one.n_called, one.dots) == (False, 0, (None, None, None))
    assert "none of 3 lesions costs a concept more than random neurons do" in one.text
    assert ">1:2</a>: +0.0200 ± 0.0050 nats a token (p .200; random neurons +0.0012 to +0.0228)" in one.text

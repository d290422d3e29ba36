"""The finished program on planted truth: it finds what was written into the weights, and calls nothing else.

A noise neuron knows no concept, but it knows words, and a concept is a handful of words: by chance alone some noise
neurons separate them. `chance_bound` says how far that can go; a planted neuron stands clear of it.
"""

import csv
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from numpy.typing import NDArray
from planted import CLOSING, END, N_NEURON, OPENING, TAU, Neuron, Planted, planted_model

from lstm_analysis import study as study_module
from lstm_analysis.config import load_study
from lstm_analysis.inference.checkpoints import save_model
from lstm_analysis.run import Run
from lstm_analysis.study import run_study

CATEGORY, IDIOM, POSITION, BRACKETS = "planted category", "idiom", "first 3 tokens", "brackets"
FOUND = {  # concept: the planted neurons that answer to it, the decoys meant to be taken for them
    CATEGORY: (("category", "category_used", "category_copy"), ("one_word", "frequency")),
    IDIOM: (("idiom",), ("last_word", "frequency")),
    POSITION: (("position",), ()),
    BRACKETS: (("bracket_depth",), ()),
}
FALSE_ALARM = 0.01


@dataclass(frozen=True)
class Found:
    """A planted truth, and the runs of its study with stored states and without."""

    truth: Planted
    runs: dict[str, Run]

    def strength(self, store: str, concept: str) -> NDArray[np.float64]:
        """Return |AUROC - .5| of every neuron, dims (layer, neuron); of a constant neuron 0."""
        strength: NDArray[np.float64] = abs(self.runs[store].selectivity["auroc"].sel(concept=concept) - 0.5).values
        return np.nan_to_num(strength)

    @property
    def forms(self) -> NDArray[np.object_]:
        """The surface form of every token."""
        corpus = self.runs["float32"].corpus
        forms: NDArray[np.object_] = corpus["type"].values[corpus["type_id"].values]
        return forms

    def label(self, concept: str) -> NDArray[np.int8]:
        """The label of every token."""
        label: NDArray[np.int8] = self.runs["float32"].labels["label"].sel(concept=concept).values
        return label

    def chain(self, concept: str) -> set[Neuron]:
        """The neurons that a concept's planted ones are built from or that are built from those."""
        if concept in FOUND:
            return {self.truth.planted[name] for name in FOUND[concept][0]} | set(self.truth.support.values())
        links = {at for name, at in self.truth.support.items() if name.split(" [")[0] == concept}
        return {*links, self.truth.planted["idiom"], self.truth.decoys["last_word"]}


def write_planted_study(folder: Path, truth: Planted) -> Path:
    """Write model, corpus (one TSV file), concept files and study; return the study file."""
    save_model(truth.model, folder / "model.safetensors")
    lines, document = ["# columns = token"], None
    for sentence in truth.sentences:
        lines += [f"# document = {sentence.document}"] * (sentence.document != document)
        lines += [*sentence.tokens, ""]
        document = sentence.document
    (folder / "corpus.tsv").write_text("\n".join(lines))
    (folder / "categories.yaml").write_text(yaml.safe_dump({CATEGORY: list(truth.category)}))
    (folder / "idioms.yaml").write_text(yaml.safe_dump({name: " ".join(w) for name, w in truth.idioms.items()}))
    with (folder / "brackets.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("start", "stop", "concept"), *bracketed(truth)])
    study = {
        "name": "planted",
        "corpus": {"format": "tsv", "path": "corpus.tsv"},
        "model": {"checkpoint": "model.safetensors"},
        "inference": {"shard_tokens": 8192, "states": ["hidden"]},
        "concepts": [
            {"source": "categories", "file": "categories.yaml"},
            {"source": "idioms", "file": "idioms.yaml"},
            {"source": "position", "first": 3},
            {"source": "spans", "file": "brackets.csv"},
        ],
        "selectivity": {"draws": 0, "twin": None},
        "analyses": ["sentence_position"],
    }
    (folder / "planted.yaml").write_text(yaml.safe_dump(study))
    return folder / "planted.yaml"


def bracketed(truth: Planted) -> list[tuple[int, int, str]]:
    """Return the spans inside brackets, from each outermost opening one up to the token before its closing one."""
    tokens = [token for sentence in truth.sentences for token in (*sentence.tokens, END)]
    depth = np.cumsum([(token == OPENING) - (token == CLOSING) for token in tokens])
    edges = np.flatnonzero(np.diff(np.concatenate([[0], depth > 0, [0]]).astype(int)))
    return [(int(start), int(stop), BRACKETS) for start, stop in edges.reshape(-1, 2)]


@pytest.fixture(scope="module", params=[0, pytest.param(1, marks=pytest.mark.slow)])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Found:
    folder, truth = tmp_path_factory.mktemp("planted"), planted_model(request.param)
    path = write_planted_study(folder, truth)
    runs = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_module, "write_report", lambda run: (run.path / "report.html").touch())
        for store in ("float32", "none"):
            runs[store] = run_study(load_study(path, [f"store={store}"]), folder / store, in_process=True)
    return Found(truth, runs)


STORES = pytest.mark.parametrize("store", ["float32", "none"])


def test_the_whole_corpus_was_read(found: Found) -> None:
    tokens = [token for sentence in found.truth.sentences for token in (*sentence.tokens, END)]
    assert found.forms.tolist() == tokens
    assert found.runs["none"].facts["corpus"] == found.runs["float32"].facts["corpus"]
    assert found.runs["float32"].facts["corpus"]["n_document"] == 40


@STORES
@pytest.mark.parametrize("concept", FOUND)
def test_a_planted_neuron_is_on_top_of_its_concept(found: Found, concept: str, store: str) -> None:
    strength, (planted, decoys) = found.strength(store, concept), FOUND[concept]
    for name in planted:
        assert strength[found.truth.planted[name]] == pytest.approx(0.5, abs=1e-12), name
    rivals = {at for at in product(range(2), range(N_NEURON)) if at not in found.chain(concept)}
    assert rivals >= {*(found.truth.decoys[name] for name in decoys), *found.truth.noise}
    margin = 0.005 if concept == IDIOM else 0.2
    assert max(strength[at] for at in rivals) < 0.5 - margin


@STORES
def test_each_single_idiom_is_found_by_its_own_neuron(found: Found, store: str) -> None:
    precision = found.runs[store].selectivity["average_precision"]
    for name in found.truth.idioms:
        own, values = found.truth.support[name], precision.sel(concept=name).values
        assert found.strength(store, name)[own] == pytest.approx(0.5, abs=1e-12)
        assert values[own] == pytest.approx(1, abs=1e-12)
        rest = [values[at] for at in product(range(2), range(N_NEURON)) if at not in found.chain(name)]
        assert np.nanmax(rest) < 0.5


def test_a_decoy_scores_just_what_it_deserves(found: Found) -> None:
    """A switch that is on for more than the concept, or for less, loses half of that share."""
    label, forms, scores = found.label(IDIOM), found.forms, found.runs["float32"].selectivity
    last = np.isin(forms, [words[-1] for words in found.truth.idioms.values()])
    one = forms == found.truth.category[0]
    deserved = {
        (IDIOM, "last_word"): 1 - last[label == 0].mean() / 2,
        (CATEGORY, "one_word"): 0.5 + one[found.label(CATEGORY) == 1].mean() / 2,
    }
    for (concept, decoy), expected in deserved.items():
        layer, neuron = found.truth.decoys[decoy]
        assert float(scores["auroc"].sel(concept=concept)[layer, neuron]) == pytest.approx(expected, abs=1e-12)
        assert float(scores["average_precision"].sel(concept=concept)[layer, neuron]) < 0.6
    for concept in (CATEGORY, IDIOM):
        planted = [found.truth.planted[name] for name in FOUND[concept][0]]
        values = scores["average_precision"].sel(concept=concept).values
        assert min(values[at] for at in planted) == pytest.approx(1, abs=1e-12)


def chance_bound(word: NDArray[np.int32], label: NDArray[np.int8], n_neuron: int) -> float:
    """Return how far from .5 the AUROC of neurons that know words and no concept can be.

    AUROC - .5 is the mean rank of the target's tokens less that of the baseline's, ranks as shares of all tokens. A
    rank is uniform on [0, 1], so the mean rank of a word's tokens is sub-Gaussian with the variance 1/12 of the
    uniform. A noise neuron draws these means without knowing the concept; a word weighs its share w of the group, so
    AUROC - .5 is sub-Gaussian with the variance (sum of w**2 in the target + the same in the baseline) / 12. By the
    union over ``n_neuron`` neurons the bound holds for all of them with probability 1 - FALSE_ALARM.
    """
    shares = [np.bincount(word[label == value]) / (label == value).sum() for value in (0, 1)]
    variance = sum(float((share**2).sum()) for share in shares) / 12
    return float(np.sqrt(2 * variance * np.log(2 * n_neuron / FALSE_ALARM)))


@STORES
@pytest.mark.parametrize("concept", [CATEGORY, IDIOM])
def test_noise_neurons_stay_within_chance(found: Found, concept: str, store: str) -> None:
    noise = np.array([found.strength(store, concept)[at] for at in found.truth.noise])
    word = found.runs[store].corpus["type_id"].values
    bound = chance_bound(word, found.label(concept), len(noise))
    assert len(noise) > 60
    assert 0 < noise.max() < bound < 0.5
    assert np.sqrt((noise**2).mean()) < bound / 3


def test_a_concept_of_a_single_type_proves_little(found: Found) -> None:
    """Why counts stand beside every score: on one word's tokens noise comes close to a perfect AUROC."""
    counts = found.runs["float32"].selectivity["n_type"].sel(group="target")
    for name in found.truth.idioms:
        assert int(counts.sel(concept=name)) == 1
        assert max(found.strength("float32", name)[at] for at in found.truth.noise) > 0.3
    assert int(counts.sel(concept=IDIOM)) == len(found.truth.idioms)
    assert int(counts.sel(concept=CATEGORY)) == len(found.truth.category)


@STORES
def test_the_position_neuron_has_its_curve(found: Found, store: str) -> None:
    curves, at = found.runs[store].sentence_position, found.truth.planted["position"]
    eta2 = curves["eta2"].values
    assert eta2[at] > 0.999
    assert eta2[at] == np.nanmax(eta2)
    assert np.nanmax(eta2[[layer for layer, _ in found.truth.noise], [n for _, n in found.truth.noise]]) < 0.3
    position = curves["sentence_position"].values[(curves["n_token"] > 0).values]
    curve = curves["tuning_mean"][:, at[0], at[1]].values[: len(position)]
    assert len(position) > 20
    assert (np.diff(curve) > 0).all()
    np.testing.assert_allclose(curve, np.tanh(0.9 * (1 - np.exp(-(position + 1) / TAU))), atol=1e-5)


def test_both_ways_to_keep_states_agree(found: Found) -> None:
    stored, none = (found.runs[store].selectivity for store in ("float32", "none"))
    assert not (found.runs["none"].path / "activations.zarr").exists()
    for name in ("auroc", "average_precision"):
        assert float(stored[f"{name}_error_bound"].max()) == 0
        np.testing.assert_array_equal(stored[name].isnull(), none[name].isnull())
        assert float((abs(stored[name] - none[name]) - none[f"{name}_error_bound"]).max()) <= 1e-12
    assert float(abs(stored["auroc"] - none["auroc"]).max()) < 0.005
    for name in ("d_prime", "mean_difference", "mutual_information", "n_token", "n_type", "n_document"):
        np.testing.assert_array_equal(stored[name], none[name], err_msg=name)
    curves = [found.runs[store].sentence_position.drop_attrs() for store in ("float32", "none")]
    xr.testing.assert_identical(*curves)

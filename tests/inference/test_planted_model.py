"""The planted model does by its states what it is meant to do, so that later tests may rely on it."""

from dataclasses import replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import pytest
from planted import END, N_NEURON, TANH_1, TAU, planted_model
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from lstm_analysis.corpus.dataset import corpus_dataset
from lstm_analysis.inference.reader import Stream, StreamReader


class Reading:
    """A planted model and what it did on its corpus, carried over sentences, reset at documents."""

    def __init__(self, seed):
        self.truth = planted_model(seed)
        self.corpus = corpus_dataset(self.truth.sentences, END, None)
        self.forms = self.corpus["type"].values[self.corpus.type_id.values]
        self.document = self.corpus.document.values
        self.ids = self.truth.model.vocabulary.encode(list(self.corpus["type"].values))[self.corpus.type_id.values]
        shape = (len(self.ids), 2, N_NEURON)
        self.hidden, self.cell = np.empty(shape, np.float32), np.empty(shape, np.float32)
        self.surprisal = self.read(self.truth.model, self.hidden, self.cell)
        self.values = {
            name: self.hidden[(slice(None), *neuron)]
            for name, neuron in (self.truth.planted | self.truth.decoys | self.truth.support).items()
        }

    def read(self, model, hidden=None, cell=None):
        edges = [0, *(np.flatnonzero(np.diff(self.document)) + 1), len(self.ids)]
        streams = [Stream(self.ids[a:b], row=a) for a, b in pairwise(edges)]
        surprisal = np.empty(len(self.ids), np.float32)
        states = {name: array for name, array in (("hidden", hidden), ("cell", cell)) if array is not None}
        StreamReader(model).read(streams, states, surprisal)
        return surprisal

    def in_category(self):
        return np.isin(self.forms, self.truth.category)

    def at_final_word(self, idioms=None):
        """Return where an idiom ends."""
        found = np.zeros(len(self.forms), bool)
        for idiom in self.truth.idioms.values() if idioms is None else idioms:
            windows = np.lib.stride_tricks.sliding_window_view(self.forms, len(idiom))
            found[len(idiom) - 1 :] |= (windows == np.array(idiom, object)).all(axis=1)
        return found

    @cached_property
    def ranks(self):
        return rankdata(self.hidden, axis=0)

    def auroc(self, label):
        """Return the AUROC of every neuron, dims (layer, neuron), by the ranks of the targets."""
        n = int(label.sum())
        return (self.ranks[label].sum(0) - n * (n + 1) / 2) / (n * (len(label) - n))


@pytest.fixture(scope="module", params=[0, 1, 2])
def reading(request):
    return Reading(request.param)


def test_the_corpus_is_big_enough_to_test_on(reading):
    assert 25_000 < len(reading.forms) < 50_000
    assert reading.corpus.sizes["document_name"] == 40
    counts = {word: (reading.forms == word).sum() for word in reading.truth.category}
    assert min(counts.values()) >= 5
    for idiom in reading.truth.idioms.values():
        whole = reading.at_final_word([idiom]).sum()
        assert whole >= 20
        assert (reading.forms == idiom[-1]).sum() > 1.5 * whole
        assert (reading.forms == idiom[0]).sum() > 1.5 * whole


def test_category_neurons_are_on_at_its_words_and_nowhere_else(reading):
    label = reading.in_category()
    for name in ("category", "category_used", "category_copy"):
        np.testing.assert_allclose(reading.values[name], np.where(label, TANH_1, 0), atol=1e-6)


def test_the_idiom_neuron_is_on_at_final_words_and_nowhere_else(reading):
    np.testing.assert_allclose(reading.values["idiom"], np.where(reading.at_final_word(), TANH_1, 0), atol=1e-6)


def test_each_idiom_has_a_neuron_of_its_own(reading):
    for name, idiom in reading.truth.idioms.items():
        on = reading.values[name] > 0.5
        np.testing.assert_array_equal(on, reading.at_final_word([idiom]))


def test_decoys_do_what_misleads(reading):
    truth, values = reading.truth, reading.values
    np.testing.assert_array_equal(values["one_word"] > 0.5, reading.forms == truth.category[0])
    np.testing.assert_array_equal(
        values["last_word"] > 0.5, np.isin(reading.forms, [i[-1] for i in truth.idioms.values()])
    )
    rank = {word: i for i, word in enumerate(truth.model.vocabulary.tokens)}
    words = np.array([rank[form] for form in reading.forms])
    ordered = values["frequency"][words > 3][np.argsort(words[words > 3], kind="stable")]
    assert (np.diff(ordered) <= 1e-6).all()
    assert np.ptp(ordered) > 0.5


def test_the_detectors_separate_better_than_any_decoy_or_noise_neuron(reading):
    truth = reading.truth
    others = [*truth.decoys.values(), *truth.noise]
    for label, names in (
        (reading.in_category(), ["category", "category_used", "category_copy"]),
        (reading.at_final_word(), ["idiom"]),
    ):
        found = [roc_auc_score(label, reading.values[name]) for name in names]
        auroc = reading.auroc(label)
        rivals = np.array([auroc[neuron] for neuron in others])
        np.testing.assert_allclose([auroc[truth.planted[name]] for name in names], found, atol=1e-12)
        assert min(found) > 0.99
        assert min(found) > np.maximum(rivals, 1 - rivals).max()
        noise = rivals[len(truth.decoys) :]
        assert np.maximum(noise, 1 - noise).max() < 0.9
    assert roc_auc_score(reading.at_final_word(), reading.values["last_word"]) > 0.95


def test_the_position_neuron_rises_in_the_sentence_and_falls_after_its_end(reading):
    position, h = reading.corpus.sentence_position.values, reading.values["position"]
    c = reading.cell[(slice(None), *reading.truth.planted["position"])]
    np.testing.assert_allclose(c, 0.9 * (1 - np.exp(-(position + 1) / TAU)), atol=1e-5)
    assert (np.diff(h)[np.diff(position) > 0] > 0).all()
    ends = np.flatnonzero(reading.forms == END)[:-1]
    ends = ends[reading.document[ends] == reading.document[ends + 1]]
    assert (h[ends] - h[ends + 1] > 0.1).all()


def test_the_bracket_neuron_counts_depth(reading):
    depth = np.cumsum(np.where(reading.forms == "(", 1, np.where(reading.forms == ")", -1, 0)))
    assert depth.min() == 0
    assert depth.max() >= 2
    np.testing.assert_allclose(reading.values["bracket_depth"], np.tanh(0.5 * depth), atol=1e-5)


def test_noise_neurons_are_alive_and_moderate(reading):
    noise = np.stack([reading.hidden[(slice(None), *neuron)] for neuron in reading.truth.noise], 1)
    assert noise.shape[1] > 60
    assert noise.std(0).min() > 0.02
    assert np.mean(np.abs(noise) > 0.99) < 0.01


def test_the_decoder_uses_what_it_is_meant_to_use(reading):
    """Silencing a neuron's column in the decoder costs bits where the neuron matters, and nothing for the copy."""

    def cost(name):
        decoder = reading.truth.model.decoder
        weight = decoder.weight.clone()
        weight[:, reading.truth.planted[name][1]] = 0
        return reading.read(replace(reading.truth.model, decoder=replace(decoder, weight=weight))) - reading.surprisal

    after_category = np.append(False, reading.in_category()[:-1])
    assert np.nanmean(cost("category_used")[after_category]) > 0.5
    assert np.nanmean(cost("position")) > 0.02
    assert np.nanmax(np.abs(cost("category_copy"))) == 0


def test_the_same_seed_gives_the_same_and_another_seed_another():
    first, again, other = planted_model(3), planted_model(3), planted_model(4)
    assert first.model.digest == again.model.digest != other.model.digest
    assert first.sentences == again.sentences
    assert first.idioms == again.idioms
    assert first.category != other.category
    names = {**first.planted, **first.decoys, **first.support}
    assert len(set(names.values())) == len(names)
    assert len(first.noise) == 2 * N_NEURON - len(names)

"""The finished program on planted truth over the epochs of a training: neurons are dated to when they were planted."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
import xarray as xr
from planted import N_NEURON, Neuron, Planted, planted_model
from test_planted import CATEGORY, write_planted_study

from lstm_analysis import study as study_module
from lstm_analysis.analyses.training_dynamics import AtEpoch, training_dynamics
from lstm_analysis.config import load_study
from lstm_analysis.inference.checkpoints import save_model
from lstm_analysis.inference.model import LanguageModel
from lstm_analysis.run import Run
from lstm_analysis.study import run_study

N_SENTENCE = 480
SINCE = {"category": 1.0, "category_used": 2.0, "category_copy": 2.0, "one_word": 1.0, "frequency": 1.0}
"""Planted neurons and decoys by the epoch in which they appear; all other ones that are no noise appear in the last."""
SETTINGS = (
    "store=none",
    "selectivity={draws: 199, twin: null, measures: [auroc]}",
    "analyses=[categories, sentence_position]",
    "concepts=[{source: categories, file: categories.yaml}]",
)


def before(model: LanguageModel, neurons: Iterable[Neuron], rng: np.random.Generator) -> LanguageModel:
    """Return the model with random weights in the place of those of some neurons."""
    layers = list(model.layers)
    for layer, neuron in neurons:
        old = layers[layer]
        rows = neuron + N_NEURON * np.arange(4)
        input_, recurrent, bias = (tensor.clone() for tensor in (old.weight_input, old.weight_recurrent, old.bias))
        for tensor in (input_, recurrent, bias):
            tensor[rows] = torch.as_tensor(rng.normal(0, 0.7, tensor[rows].shape), dtype=torch.float32)
        layers[layer] = replace(old, weight_input=input_, weight_recurrent=recurrent, bias=bias)
    return replace(model, layers=tuple(layers))


@dataclass(frozen=True)
class Trained:
    """A planted truth, and the training dynamics in which its neurons appear."""

    truth: Planted
    found: xr.Dataset


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder, whole = tmp_path_factory.mktemp("dynamics"), planted_model(0)
    truth = replace(whole, sentences=whole.sentences[:N_SENTENCE])
    path, rng = write_planted_study(folder, truth), np.random.default_rng(0)
    neurons = truth.planted | truth.decoys | truth.support
    at = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_module, "write_report", lambda run: (run.path / "report.html").touch())
        for epoch in (0.0, 1.0, 2.0):
            late = [neuron for name, neuron in neurons.items() if SINCE.get(name, 2.0) > epoch]
            save_model(before(truth.model, late, rng), folder / "model.safetensors")
            run = run_study(load_study(path, SETTINGS), folder / f"{epoch:g}", in_process=True)
            at.append(of_run(run, epoch))
    return Trained(truth, training_dynamics(at, 0.05, same_start=True))


def of_run(run: Run, epoch: float) -> AtEpoch:
    return AtEpoch(
        epoch=epoch, scores=run.selectivity, categories=run.categories, sentence_position=run.sentence_position
    )


def test_planted_neurons_are_dated_to_the_epoch_they_appear_in(trained: Trained) -> None:
    found = trained.found.sel(concept=CATEGORY)
    for name in ("category", "category_used", "category_copy"):
        one = found.isel(dict(zip(("layer", "neuron"), trained.truth.planted[name], strict=True)))
        for since in ("selective_since", "half_since", "called_since"):
            assert float(one[since]) == SINCE[name], (name, since)


def test_decoys_and_noise_are_not_dated(trained: Trained) -> None:
    found, truth = trained.found.sel(concept=CATEGORY), trained.truth
    planted = {truth.planted[name] for name in ("category", "category_used", "category_copy")}
    for since in ("selective_since", "called_since"):
        dated = {(int(layer), int(neuron)) for layer, neuron in np.argwhere(found[since].notnull().values)}
        assert dated == planted, since
    assert found["n_called"].values.tolist() == found["n_selective"].values.tolist() == [0, 1, 3]


def test_the_position_s_share_appears_with_its_neuron(trained: Trained) -> None:
    at = dict(zip(("layer", "neuron"), trained.truth.planted["position"], strict=True))
    share = trained.found["eta2"].isel(at).values
    assert share[2] > 0.9
    assert share[:2].max() < 0.5


def test_words_left_out_show_the_gain_that_was_not_chosen(trained: Trained) -> None:
    held_out = np.abs(trained.found["held_out_smd"].sel(concept=CATEGORY).values)
    assert (held_out[:, 2] > 5 * held_out[:, 0]).all()

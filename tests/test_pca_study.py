"""Studies with pca and probes: the same bits however the corpus is cut, gone on where stopped, paid by who asks."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from planted import Planted, planted_model
from sklearn.decomposition import PCA
from test_planted import CATEGORY, write_planted_study
from test_tested_study import counting
from tiny import digests, write_study

from lstm_analysis import inputs, tasks
from lstm_analysis import study as study_module
from lstm_analysis.config import load_study
from lstm_analysis.dry_run import describe_plan
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.fixed_point import GRAM_SCALE
from lstm_analysis.inputs import fingerprints, trained_model
from lstm_analysis.memory_plan import gram_bytes, worker_bytes
from lstm_analysis.run import Run
from lstm_analysis.schema import PCA_VARIABLES, PROBE_VARIABLES
from lstm_analysis.stages import work
from lstm_analysis.store_config import StoreConfig
from lstm_analysis.study import run_study
from lstm_analysis.tasks import words

pytestmark = pytest.mark.slow
ASKED = (
    "selectivity={draws: 99, twin: null, measures: [d_prime]}",
    "analyses=[pca, probes]",
    "corpus.limit_tokens=9000",
    "inference.shard_tokens=1024",
)
OTHER = "other words"


@pytest.fixture(scope="module")
def truth() -> Planted:
    return planted_model(0)


@pytest.fixture(scope="module")
def study_file(truth: Planted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The planted study with a second list of words, which no neuron knows."""
    path = write_planted_study(tmp_path_factory.mktemp("pca"), truth)
    free = sorted(set(truth.model.vocabulary.tokens[4:]) - set(truth.category))
    lists = {CATEGORY: list(truth.category), OTHER: free[::9]}
    (path.parent / "categories.yaml").write_text(yaml.safe_dump(lists))
    few = {name: " ".join(words) for name, words in list(truth.idioms.items())[:2]}
    (path.parent / "idioms.yaml").write_text(yaml.safe_dump(few))
    study = yaml.safe_load(path.read_text())
    study["concepts"].pop()  # brackets, whose spans go on where the corpus ends
    path.write_text(yaml.safe_dump(study))
    return path


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "probe_words", partial(words.probe_words, n_control=3))
        patch.setattr(study_module, "write_report", lambda run: (run.path / "report.html").touch())
        yield


@pytest.fixture(scope="module")
def stored(study_file: Path) -> Run:
    return run_study(load_study(study_file, ASKED), study_file.parent / "stored", in_process=True)


def test_components_are_scikit_learn_s_of_the_quantised_states(stored: Run) -> None:
    states = stored.activations["hidden_state"].values.astype(np.float64)
    whole = np.rint(states * GRAM_SCALE) / GRAM_SCALE
    found = stored.pca
    assert found["n_token"].item() == len(states)
    for s, values in enumerate((whole[:, 0], whole[:, 1], whole.reshape(len(whole), -1))):
        expected = PCA(5, svd_solver="full").fit(values)
        one = found.isel(space=s, component=slice(0, 5))
        np.testing.assert_allclose(one["explained_variance"], expected.explained_variance_, rtol=1e-10)
        np.testing.assert_allclose(one["explained_variance_ratio"], expected.explained_variance_ratio_, rtol=1e-10)
        loading = one["loading"].values.reshape(5, -1)
        agreement = np.abs((loading[:, ~np.isnan(loading[0])] * expected.components_).sum(axis=1))
        np.testing.assert_allclose(agreement, 1, atol=1e-10)


def test_no_states_kept_and_many_shards_give_the_same_bits(stored: Run, study_file: Path) -> None:
    none = run_study(
        load_study(study_file, [*ASKED, "store=none"]),
        study_file.parent / "none", in_process=True,
    )  # fmt: skip
    assert not (none.path / "activations.zarr").exists()
    xr.testing.assert_identical(none.probes.drop_attrs(deep=False), stored.probes.drop_attrs(deep=False))
    names = list(none.pca.data_vars)
    xr.testing.assert_identical(none.pca.drop_attrs(deep=False), stored.pca[names].drop_attrs(deep=False))
    assert set(stored.pca.data_vars) - set(names) >= {"occurrence_score", "idiom_accuracy", "n_idiom_separated"}


def test_the_planted_category_is_told_apart_and_its_neurons_chosen(stored: Run, truth: Planted) -> None:
    told, probes = stored.pca.sel(concept=CATEGORY), stored.probes.sel(concept=CATEGORY)
    assert told["untold"].item() == probes["untold"].item() == ""
    assert told["p_fwer"].item() == 0.01
    assert told["accuracy"].max().item() > 0.9
    first = (int(probes["chosen_layer"][0, 0]), int(probes["chosen_neuron"][0, 0]))
    assert first in {truth.planted[name] for name in ("category", "category_used", "category_copy")}
    assert probes["probe_auroc"].values[0] == 1
    assert probes["probe_selectivity"].values[0] > 0.35
    names = stored.pca["concept"].values
    (first_of_pair,), (second_of_pair,) = (names[stored.pca[f"pair_{k}"].values] for k in ("first", "second"))
    assert {first_of_pair, second_of_pair} == {CATEGORY, OTHER}
    assert stored.pca["pair_accuracy"].max().item() > 0.9


def test_a_list_of_words_that_no_neuron_knows_is_not(stored: Run) -> None:
    told, probes = stored.pca.sel(concept=OTHER), stored.probes.sel(concept=OTHER)
    assert told["p_fwer"].item() > 0.02
    assert probes["probe_auroc"].values[0] < 0.7
    assert probes["probe_selectivity"].values[0] < 0.2


def test_concepts_that_words_do_not_decide_say_why(stored: Run) -> None:
    for found in (stored.pca, stored.probes):
        reasons = found["untold"].sel(concept=["first 3 tokens", "idiom"]).values
        assert all("not decided by its words" in text for text in reasons)
        assert found["n_type_member"].sel(concept="idiom").item() == 0
    assert np.isnan(stored.pca["accuracy"].sel(concept="first 3 tokens")).all()
    assert (stored.probes["chosen_layer"].sel(concept="idiom") == -1).all()


def test_stores_hold_what_the_vocabulary_says(stored: Run) -> None:
    for found, table in ((stored.pca, PCA_VARIABLES), (stored.probes, PROBE_VARIABLES)):
        for name, variable in found.data_vars.items():
            expected = table[str(name)]
            assert variable.dims == expected.dims, name
            assert variable.attrs["long_name"] == expected.meaning
            if expected.dtype != "str":
                assert variable.dtype == expected.dtype, name
                low, high = expected.limits
                assert low is None or not (variable < low - 1e-12).any(), name
                assert high is None or not (variable > high + 1e-12).any(), name


def test_occurrences_of_idioms_have_scores(stored: Run, truth: Planted) -> None:
    found = stored.pca
    time, states = found["occurrence_time"].values, stored.activations["hidden_state"].values
    centred = states[time].astype(np.float64) - found["state_mean"].values
    component = found["loading"].sel(space="layer 1").values[:3, 1]
    score = found["occurrence_score"].sel(space="layer 1").values[:, :3]
    np.testing.assert_allclose(score, centred[:, 1] @ component.T, atol=1e-12)
    names = found["idiom"].values[found["occurrence_idiom"].values]
    words = stored.corpus["type"].values[stored.corpus["type_id"].values[time]]
    assert [truth.idioms[name][-1] for name in names] == words.tolist()


@pytest.mark.parametrize("name", ["probe_concept", "separate_concept"])
def test_concepts_that_are_done_are_not_done_again(
    stored: Run, study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shutil.copytree(stored.path, tmp_path / "run")
    for product in ("pca.zarr", "probes.zarr"):
        shutil.rmtree(tmp_path / "run" / product)
    study, task = load_study(study_file, ASKED), getattr(tasks, name)
    first: list[object] = []
    second: list[object] = []
    monkeypatch.setattr(tasks, name, counting(task, first, 1))
    with pytest.raises(UserError, match="stopped"):
        run_study(study, tmp_path / "run", in_process=True)
    monkeypatch.setattr(tasks, name, counting(task, second, 1))
    run = run_study(study, tmp_path / "run", in_process=True)
    assert (len(first), len(second)) == (1, 1)
    assert first != second
    assert digests(run.path) == digests(stored.path)


def test_a_corpus_of_three_tokens_has_a_basis_and_no_set(tmp_path: Path) -> None:
    file = write_study(tmp_path, analyses=["pca", "probes"], selectivity={"draws": 19, "alpha": 0.05, "twin": None})
    run = run_study(load_study(file, ["corpus.limit_tokens=3"]), tmp_path / "run", in_process=True)
    assert run.pca["n_token"].item() <= 3
    assert np.isfinite(run.pca["explained_variance"].values[:, 0]).all()
    assert np.isnan(run.pca["explained_variance"].values[:, 2:]).all()
    assert run.pca.sizes["pair"] == run.pca.sizes["point"] == 0
    assert all("nothing to measure" in text for text in run.probes["untold"].values)
    assert np.isnan(run.probes["probe_auroc"]).all()


def test_who_does_not_ask_does_not_pay(stored: Run, study_file: Path) -> None:
    study = load_study(study_file, ASKED)
    plain, probed = (load_study(study_file, [*ASKED, f"analyses={names}"]) for names in ("[]", "[probes]"))
    model = trained_model(study)
    prints = {
        name: fingerprints(one, model, {}) for name, one in (("pca", study), ("plain", plain), ("probes", probed))
    }
    assert prints["plain"]["summary"] == prints["probes"]["summary"] != prints["pca"]["summary"]
    assert prints["plain"]["labels"] == prints["pca"]["labels"]
    assert not work.needs_gram(plain)
    assert gram_bytes(plain, model) == 0
    assert gram_bytes(study, model) > 8 * 6 * 128**2
    without = [replace(one, store=StoreConfig(activations="none")) for one in (study, plain)]
    assert worker_bytes(without[0], model, 10_000) - worker_bytes(without[1], model, 10_000) == gram_bytes(study, model)
    assert "gram_high" in stored.summary
    assert "memory" in describe_plan(study)


def test_too_many_neurons_are_refused_before_anything_is_started(
    study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "MOST_GRAM_NEURONS", 100)
    message = "products of every two neurons, and the model has 128.*the limit is 100. Take pca out"
    with pytest.raises(UsageError, match=message):
        run_study(load_study(study_file, ASKED), tmp_path / "run", in_process=True)
    assert not (tmp_path / "run").exists()
    inputs.trained_model(load_study(study_file, [*ASKED, "analyses=[probes]"]))

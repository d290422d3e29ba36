"""A study with the analysis neuron_matching: its store, one shard or several, its twin, what it refuses."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tiny import write_model, write_study

import lstm_analysis as la
from lstm_analysis import study as study_module
from lstm_analysis.config import load_study
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.inputs import validate
from lstm_analysis.memory_plan import driver_bytes, worker_bytes
from lstm_analysis.run import Run
from lstm_analysis.study import run_study

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def no_report() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_module, "write_report", lambda run: (run.path / "report.html").touch())
        yield


def study_of(folder: Path, seed: int = 0, **changes: object) -> Path:
    study = {"analyses": ["neuron_matching"], "selectivity": {"draws": 0, "twin": "initial"}, **changes}
    file = write_study(folder, **study)
    write_model(folder / "model.safetensors", seed)
    return file


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """Two random models that read the same text, the first in shards of 128 tokens, both with a twin."""
    folder = tmp_path_factory.mktemp("studies")
    one, two = study_of(folder / "one"), study_of(folder / "two", 5, inference={"shard_tokens": 2000})
    return tuple(  # type: ignore[return-value]
        run_study(load_study(file), file.parent / "run", in_process=True) for file in (one, two)
    )


def test_the_store_holds_pearson_s_r(runs: tuple[Run, Run]) -> None:
    found, hidden = runs[0].neuron_matching, runs[0].activations["hidden_state"].values.astype(np.float64)
    r = np.corrcoef(hidden.reshape(len(hidden), -1).T)
    np.fill_diagonal(r, 0)
    best = np.abs(r).argmax(axis=1)
    at = (found["best_layer"] * 10 + found["best_neuron"]).isel(rank=0)
    assert at.transpose("layer", "neuron").values.ravel().tolist() == best.tolist()
    np.testing.assert_allclose(found["r"].isel(rank=0).values.ravel(), r[np.arange(20), best], atol=1e-5)
    assert int(found["n_token"]) == len(hidden)


def test_the_model_is_held_against_its_twin_whose_states_are_not_kept(runs: tuple[Run, Run]) -> None:
    one, two = runs
    assert one.twin is not None
    r_twin = one.twin.neuron_matching["r_twin"]
    assert r_twin.sizes == {"layer": 2, "neuron": 10}
    assert ((r_twin > 0) & (r_twin < 1)).all()
    found = la.match_neurons(one, two)
    assert found.attrs["baseline"] == "twin"
    np.testing.assert_array_equal(found["r_twin"].values, r_twin.values)
    assert abs(float(found["excess_r"].mean())) < 0.1  # an untrained model is no better matched by another one
    assert found["r_residual"].notnull().all()
    with pytest.raises(UserError, match="random twin, whose states are not kept"):
        la.match_neurons(one, one.twin)


def test_a_study_in_one_shard_finds_the_same(runs: tuple[Run, Run], tmp_path: Path) -> None:
    file = study_of(tmp_path / "long", inference={"shard_tokens": 2000}, selectivity={"draws": 0, "twin": None})
    long = run_study(load_study(file), tmp_path / "run", in_process=True)
    found, expected = long.neuron_matching, runs[0].neuron_matching
    assert set(found) == set(expected)
    for name in expected:  # the states themselves differ by up to 3e-7
        np.testing.assert_allclose(found[name].values, expected[name].values, atol=2e-5)
    assert not (long.path / "blocks").exists()
    assert not (long.path / "plans").exists()


def test_without_states_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neuron_matching reads each neuron"):
        validate(load_study(study_of(tmp_path, store={"activations": "none"})))


def test_its_memory_is_planned(tmp_path: Path) -> None:
    from tiny import load_tiny_model

    file = study_of(tmp_path)
    study, model = load_study(file), load_tiny_model(tmp_path)
    without = load_study(study_of(tmp_path / "without", analyses=[]))
    n_token = np.full(100, 10_000)
    assert worker_bytes(study, model, 10**6, n_type=100) >= worker_bytes(without, model, 10**6, n_type=100)
    assert driver_bytes(study, model, 10, 10, n_token) > driver_bytes(without, model, 10, 10, n_token)

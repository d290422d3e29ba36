"""Models beside a study's model: replicates and epochs of training go through the same study."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from command import call, expect_paragraph
from tiny import WORDS, digests, random_tensors, write_study

import lstm_analysis as la
from lstm_analysis import study as study_module
from lstm_analysis.companions import epoch_files, epochs
from lstm_analysis.config import Study, load_study
from lstm_analysis.dry_run import describe_plan
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.inference.checkpoints.safetensors_file import save_weights
from lstm_analysis.inputs import check_model, validate
from lstm_analysis.run import Run
from lstm_analysis.study import run_study
from lstm_analysis.vocabulary import Vocabulary

pytestmark = pytest.mark.slow
COMPARED = ("labels.zarr", "selectivity.zarr", "sentence_position.zarr")
ANALYSES = ["sentence_position", "neuron_matching"]


@pytest.fixture(scope="module", autouse=True)
def no_report() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_module, "write_report", lambda run: (run.path / "report.html").touch())
        yield


def write_checkpoint(path: Path, seed: int, **metadata: str) -> Path:
    """Write a random model that knows all words but the last ``seed``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    words = WORDS[: len(WORDS) - seed]
    vocabulary = Vocabulary(("<unk>", "</s>", *words))
    save_weights(path, random_tensors(seed, len(vocabulary)), vocabulary, metadata, torch.float32)
    return path


def write_all(folder: Path, **changes: object) -> Path:
    """Write a study of a model of three epochs, with two replicates and what was kept of its training."""
    study = {
        "analyses": ANALYSES,
        "selectivity": {"draws": 0, "twin": "initial"},
        "replicates": ["others/second.safetensors", "others/third.safetensors"],
        "epochs": ["kept/*.safetensors"],
        **changes,
    }
    file = write_study(folder, **study)
    write_checkpoint(folder / "model.safetensors", 0, epochs="3")
    for seed, name in enumerate(("second", "third"), start=1):
        write_checkpoint(folder / f"others/{name}.safetensors", seed)
    for name in ("0.5", "1", "3", "10"):  # 3 is the model itself, 10 is later
        write_checkpoint(folder / f"kept/{name}.safetensors", 0)
    return file


def run_alone(folder: Path, model: str) -> Run:
    """Run the same study with another model as its own."""
    study = load_study(folder / "tiny.yaml", [f"model.checkpoint={model}", "replicates=[]", "epochs=[]"])
    return run_study(study, folder / "alone" / Path(model).stem, in_process=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    file = write_all(tmp_path_factory.mktemp("companions"))
    return run_study(load_study(file), file.parent / "run", in_process=True)


def test_each_finds_what_it_finds_as_a_study_s_own_model(run: Run) -> None:
    found = {**{f"others/{name}": one for name, one in run.replicates.items()},
             **{f"kept/{epoch:g}": one for epoch, one in run.epochs.items()}}  # fmt: skip
    assert list(found) == ["others/second", "others/third", "kept/0.5", "kept/1"]
    for name in ("others/third", "kept/0.5"):
        alone = run_alone(run.path.parent, f"{name}.safetensors")
        expected, same = (digests(path, COMPARED) for path in (alone.path, found[name].path))
        assert {file: expected[file] for file in expected if not file.endswith("zarr.json")} == {
            file: same[file]
            for file in same
            if not file.endswith("zarr.json")  # it names the inputs
        }


def test_neurons_of_replicates_are_matched_by_words(run: Run) -> None:
    second = run_alone(run.path.parent, "others/second.safetensors")
    expected = la.match_neurons(run, second)
    found = run.replicates["second"].matched
    assert found is not None
    assert set(found) == set(expected)
    assert found.attrs["baseline"] == "twin"
    for name in expected:
        np.testing.assert_array_equal(found[name].values, expected[name].values)
    assert run.epochs[1.0].matched is None


def test_epochs_are_put_together_with_the_untrained_network_and_the_model(run: Run) -> None:
    found = run.training_dynamics
    assert found["epoch"].values.tolist() == [0, 0.5, 1, 3]
    assert run.twin is not None
    for epoch, one in ((0, run.twin), (0.5, run.epochs[0.5]), (3, run)):
        np.testing.assert_array_equal(found["auroc"].sel(epoch=epoch).values, one.selectivity["auroc"].values)
        eta2 = found["eta2"].sel(epoch=epoch).values
        np.testing.assert_array_equal(eta2, one.sentence_position["eta2"].values)
    assert found["validation_perplexity"].isnull().values.tolist() == [True, True, True, True]


def test_states_of_companions_are_not_kept(run: Run) -> None:
    for one in [*run.replicates.values(), *run.epochs.values()]:
        assert not (one.path / "activations.zarr").exists()
        assert not (one.path / "commits").exists()
        assert one.record["study"].get("replicates") is None
        with pytest.raises(UserError, match="keeps no states: it went through the study of another run"):
            la.match_neurons(run, one)
    assert (run.path / "activations.zarr").exists()


def test_what_is_done_is_not_done_again(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(run.path.parent, tmp_path / "copy")
    study, folder = load_study(tmp_path / "copy/tiny.yaml"), tmp_path / "copy/run"
    record = json.loads((folder / "run.json").read_text())
    expected = digests(folder / "replicates/third", COMPARED)
    del record["stages"]["replicates"]
    (folder / "run.json").write_text(json.dumps(record))
    shutil.rmtree(folder / "replicates/third")  # the program was killed while it read this one
    again, done = study_module.run_stages, []
    monkeypatch.setattr(
        study_module, "run_stages", lambda state, *rest: (done.append(state.inside), again(state, *rest))
    )
    run_study(study, folder, in_process=True)
    assert [name for name in done if name] == ["replicates/third"]
    assert digests(folder / "replicates/third", COMPARED) == expected
    done.clear()
    run_study(study, folder, in_process=True)
    assert done == []


def test_another_replicate_leaves_the_rest(run: Run, tmp_path: Path) -> None:
    shutil.copytree(run.path.parent, tmp_path / "copy")
    file, folder = tmp_path / "copy/tiny.yaml", tmp_path / "copy/run"
    fewer = load_study(file, ["replicates=[others/second.safetensors]"])
    ended = call("run", file, "--output", folder, "--set", "replicates=[others/second.safetensors]")
    expect_paragraph(ended, 1, "replicates")
    before = (folder / "selectivity.zarr/zarr.json").stat().st_mtime_ns
    found = run_study(fewer, folder, in_process=True, force=True)
    assert list(found.replicates) == ["second"]
    assert not (folder / "replicates/third").exists()
    assert (folder / "selectivity.zarr/zarr.json").stat().st_mtime_ns == before


def checked(folder: Path, *settings: str) -> Study:
    study = load_study(folder / "tiny.yaml", settings)
    validate(study)
    check_model(study)
    return study


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["replicates=[nowhere.safetensors]"], r"replicate .*nowhere.safetensors does not exist"),
        (["replicates=[others/second.safetensors, kept/../others/second.safetensors]"], "called 'second'"),
        (["replicates=[model.safetensors, model.safetensors]"], "without repeats"),
        (["replicates=[tiny.yaml]"], "tiny.yaml"),
        (["epochs=[nowhere/*.safetensors]"], "no such file"),
        (["epochs=[others/*.safetensors]"], "does not end in the number"),
        (["epochs=[kept/1.safetensors, kept/../kept/1.safetensors]"], "two checkpoints of epoch 1"),
        (["epochs=[kept/3.safetensors, kept/10.safetensors]"], "or later"),
        (["model.checkpoint=others/second.safetensors"], "does not record after how many epochs"),
    ],
)  # fmt: skip
def test_bad_companions_are_refused_before_anything_is_started(run: Run, settings: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        checked(run.path.parent, *settings)


def test_the_model_can_be_one_of_the_files(run: Run) -> None:
    study = load_study(run.path.parent / "tiny.yaml", ["model.checkpoint=kept/1.safetensors"])
    model = check_model(study)
    assert model is not None
    assert [one.name for one in epochs(study, model)] == ["0.5"]


def test_paths_count_from_the_study_file(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.path.parent.parent)
    study = checked(Path(run.path.parent.name))
    assert epoch_files(study) == {float(name): f"kept/{name}.safetensors" for name in ("0.5", "1", "3", "10")}


def test_the_plan_counts_companions(run: Run) -> None:
    plan = " ".join(describe_plan(load_study(run.path.parent / "tiny.yaml")).split())
    assert "with the random twin, 2 replicates, 2 earlier epochs" in plan

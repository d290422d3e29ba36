"""Inputs and states in an object store: the same values as on this machine, through a server that speaks S3."""

import json
import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
import zarr
from driver import Driver, commits, local
from object_store import SECRET, ObjectStore, object_store
from tiny import STORES, digests, write_study

from lstm_analysis import state_store, store
from lstm_analysis.config import Study, load_study
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.record import Record
from lstm_analysis.run import Run, open_run
from lstm_analysis.study import run_study
from lstm_analysis.train import check_training

SHARD = 220
SCORES = tuple(name for name in STORES if name != "activations.zarr")


@pytest.fixture(scope="module")
def s3() -> Iterator[ObjectStore]:
    with pytest.MonkeyPatch.context() as patch, object_store(patch) as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(tmp_path_factory.mktemp("objects"), inference={"shard_tokens": SHARD}).parent


@pytest.fixture(scope="module")
def here_(folder: Path) -> Run:
    return run_study(load_study(folder / "tiny.yaml"), folder / "local", in_process=True)


@pytest.fixture(scope="module")
def study(folder: Path, s3: ObjectStore) -> Study:
    """The same study with all its inputs in the object store, and its states."""
    for file in (*sorted((folder / "text").iterdir()), *(folder / n for n in ("model.safetensors", "categories.yaml"))):
        s3.write(f"in/{file.name}", file.read_bytes())
    content = yaml.safe_load((folder / "tiny.yaml").read_text())
    content |= {"corpus": {"format": "text", "path": "s3://bucket/in/*.txt"}}
    content |= {"model": {"checkpoint": "s3://bucket/in/model.safetensors"}, "store": {"url": "s3://bucket/states/"}}
    content["concepts"][0]["file"] = "s3://bucket/in/categories.yaml"
    (folder / "remote.yaml").write_text(yaml.safe_dump(content))
    return load_study(folder / "remote.yaml")


def same_states(run: Run, other: Run) -> None:
    xr.testing.assert_identical(run.activations.load().drop_attrs(), other.activations.load().drop_attrs())


def test_a_study_in_the_object_store_gives_the_same_bytes(
    s3: ObjectStore, study: Study, here_: Run, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "lstm_analysis"):
        run = run_study(study, folder / "remote", in_process=True)
    same_states(run, here_)
    values = {name: array.values.tobytes() for name, array in run.summary.variables.items() if array.dtype != object}
    expected = {n: a.values.tobytes() for n, a in here_.summary.variables.items() if a.dtype != object}
    assert values == expected
    assert not (run.path / "activations.zarr").exists()
    assert "s3://bucket/states/remote/activations.zarr" in run.record["stages"]["activations"]["products"]
    text = (run.path / "run.json").read_text() + caplog.text
    assert SECRET not in text
    assert "bucket" in text
    before = commits(run.path)
    assert commits(run_study(study, run.path, in_process=True).path) == before


def test_force_removes_the_states_of_other_inputs(s3: ObjectStore, study: Study, tmp_path: Path) -> None:
    place = "s3://bucket/forced/activations.zarr"
    state_store.create_activations(place, 4, 1, 2, {"hidden_state": "float32"}, 2, "old")
    record = Record(tmp_path, study.as_dict())
    entry = {"state": "done", "fingerprint": "old", "products": [place]}
    record.content["stages"]["activations"] = entry
    assert record.is_done("activations")
    record.save()
    with pytest.raises(UserError, match="holds another study"):
        Record(tmp_path, study.as_dict()).adopt({"activations": "new"}, force=False)
    assert s3.names("forced")
    Record(tmp_path, study.as_dict()).adopt({"activations": "new"}, force=True)
    assert not s3.names("forced")
    assert not record.is_done("activations")


def test_the_states_of_another_run_are_left_alone(s3: ObjectStore, study: Study, folder: Path) -> None:
    place = "s3://bucket/states/taken/activations.zarr"
    state_store.create_activations(place, 4, 1, 2, {"hidden_state": "float32"}, 2, "another")
    names = s3.names("states/taken")
    with pytest.raises(UserError, match="holds the states of another run"):
        run_study(study, folder / "taken", in_process=True)
    assert s3.names("states/taken") == names


def test_a_store_that_was_half_made_is_made_again(s3: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    place = "s3://bucket/half/activations.zarr"
    variables = {"hidden_state": "float32", "surprisal": "float32"}
    real, n_made = zarr.Group.create_array, []

    def fail(self: zarr.Group, *args: object, **options: object) -> object:
        n_made.append(1)
        if len(n_made) == 3:
            raise OSError("gone")
        return real(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(zarr.Group, "create_array", fail)
    with pytest.raises(OSError, match="gone"):
        state_store.create_activations(place, 9, 2, 5, variables, 4, "print")
    monkeypatch.undo()
    assert s3.names("half")
    assert store.read_fingerprint(place) is None
    state_store.create_activations(place, 9, 2, 5, variables, 4, "print")
    assert store.read_fingerprint(place) == "print"
    assert store.read_fingerprint("s3://bucket/half/nothing.zarr") is None


def test_what_a_shard_costs_in_requests(s3: ObjectStore) -> None:
    place = "s3://bucket/cost/activations.zarr"
    variables = {"hidden_state": "float32", "cell_state": "float32", "surprisal": "float32"}
    state_store.create_activations(place, 9, 2, 5, variables, 4, "print")
    values = np.random.default_rng(0).random((4, 2, 5), np.float32)
    s3.count()
    store.write_rows(place, [(4, 8)], 4, {"hidden_state": values, "cell_state": values, "surprisal": values[:, 0, 0]})
    found = s3.count()
    assert found["PUT"] == 3
    assert found["GET"] + found["HEAD"] <= 12
    group = zarr.open_group(place, mode="r")
    s3.count()
    np.testing.assert_array_equal(store.read_rows(group["hidden_state"], [(4, 8)]), values)
    assert sum(s3.count("/c/").values()) <= 2
    assert s3.names("cost/activations.zarr/hidden_state/c") == ["bucket/cost/activations.zarr/hidden_state/c/1/0/0"]


def test_a_write_that_reads_back_differently_is_an_error(s3: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    place = "s3://bucket/torn/activations.zarr"
    state_store.create_activations(place, 4, 1, 2, {"hidden_state": "float32"}, 4, "print")
    from zarr.storage import FsspecStore

    real = FsspecStore.set

    async def torn(self: FsspecStore, key: str, value: object, **options: object) -> None:
        await real(self, key, value, **options)  # type: ignore[arg-type]
        if "/c/" in key:
            await real(self, key, type(value).from_bytes(b"x"))  # type: ignore[attr-defined]

    monkeypatch.setattr(FsspecStore, "set", torn)
    with pytest.raises(OSError, match="reads back differently"):
        store.write_rows(place, [(0, 4)], 4, {"hidden_state": np.ones((4, 1, 2), np.float32)})


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        (["store.url=s3://key:secret@bucket/x"], "store.url"),
        (["corpus.path=https://host/a.txt?X-Amz-Signature=abc"], "corpus.path"),
        (["model.checkpoint=ftp://me:word@host/m.pt"], "model.checkpoint"),
    ],
)
def test_urls_with_credentials_are_refused_and_not_repeated(folder: Path, changes: list[str], key: str) -> None:
    with pytest.raises(UsageError, match=rf"{key} is a \w+:// URL with credentials") as error:
        load_study(folder / "tiny.yaml", changes)
    assert not any(word in str(error.value) for word in ("secret@", "abc", "me:word"))


def test_wrong_places_are_named(folder: Path, s3: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"store.url is '/data', which is no URL"):
        load_study(folder / "tiny.yaml", ["store.url=/data"])
    gone = load_study(folder / "tiny.yaml", ["model.checkpoint=s3://bucket/in/gone.safetensors"])
    with pytest.raises(UsageError, match=r"The checkpoint s3://bucket/in/gone.safetensors does not exist"):
        run_study(gone, folder / "gone", in_process=True)
    broken = s3.write("in/broken.safetensors", b"nothing")
    with pytest.raises(UserError, match=r"s3://bucket/in/broken.safetensors is not a whole safetensors file"):
        run_study(load_study(folder / "tiny.yaml", [f"model.checkpoint={broken}"]), folder / "gone", in_process=True)
    trained = load_study(
        folder / "tiny.yaml", ["model.checkpoint=s3://bucket/m.safetensors", "model.train={epochs: 1}"]
    )
    with pytest.raises(UsageError, match="training writes the checkpoint, its log and its page on this machine"):
        check_training(trained)


def test_a_missing_package_is_told_with_its_install_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", fail)
    study = load_study(folder / "tiny.yaml", ["model.checkpoint=s3://bucket/m.safetensors"])
    with pytest.raises(UsageError, match=r"pip install 'lstm-analysis\[s3\]'"):
        run_study(study, folder / "none", in_process=True)


@pytest.mark.cluster
@pytest.mark.usefixtures("nothing_hangs_and_nothing_stays")
def test_a_killed_run_goes_on_in_the_object_store(study: Study, here_: Run, folder: Path, tmp_path: Path) -> None:
    cluster, run = local(tmp_path, 2), tmp_path / "killed"
    with Driver(folder / "remote.yaml", run, cluster) as first:
        first.wait_for_commits(2)
        os.kill(first.process.pid, signal.SIGKILL)
        first.finish()
    before = commits(run)
    with Driver(folder / "remote.yaml", run, cluster) as second:
        assert second.finish() == 0, second.error
    assert {index: commits(run)[index] for index in before} == before
    assert SECRET not in second.error + (run / "run.json").read_text()
    same_states(open_run(run), here_)
    assert {k: v for k, v in digests(run, SCORES).items() if "/c/" in k} == {
        k: v for k, v in digests(here_.path, SCORES).items() if "/c/" in k
    }
    assert json.loads((run / "run.json").read_text())["stages"]["activations"]["state"] == "done"

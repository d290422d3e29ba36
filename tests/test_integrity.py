"""What was damaged on disk is found by checksums when a run goes on, and made again to the same bytes."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny import SCORES, digests, write_study

from lstm_analysis import store, study
from lstm_analysis.config import load_study
from lstm_analysis.integrity import is_sealed, path_checksum, sealed
from lstm_analysis.run import Run
from lstm_analysis.stages.work import ShardsFailed
from lstm_analysis.study import run_study
from lstm_analysis.tasks import carried

Damage = Callable[[Path], None]


class Stopped(Exception):
    """Stands for whatever ends a program."""


@pytest.fixture(autouse=True)
def short_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "write_report", lambda run: (run.path / "report.html").write_text("short"))


def flip(path: Path) -> None:
    """Change a bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)


def cut(path: Path) -> None:
    """Keep the first half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def largest(path: Path) -> Path:
    """Return the largest file of a folder."""
    return max((file for file in path.rglob("*") if file.is_file()), key=lambda file: (file.stat().st_size, str(file)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a finished run; beside it lies ``stopped``, the same one before the second block of its last analysis."""
    folder = tmp_path_factory.mktemp("integrity")
    config = load_study(write_study(folder, analyses=["sentence_position", "idioms"]), ["selectivity.draws=19"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "write_report", lambda run: (run.path / "report.html").write_text("short"))
        with patch.context() as inner:
            stop_after(inner, "lstm_analysis.stages.columns.write_json", lambda path, _: path.name == "idioms-0-0.json")
            with pytest.raises(Stopped):
                run_study(config, folder / "stopped", in_process=True)
        shutil.copytree(folder / "stopped", folder / "whole")
        return run_study(config, folder / "whole", in_process=True)


def stop_after(patch: pytest.MonkeyPatch, target: str, when: Callable[..., bool]) -> None:
    """Let the program end right after a call of a function for which ``when`` holds."""
    module, name = target.rsplit(".", 1)
    original = getattr(__import__(module, fromlist=[name]), name)

    def stops(*arguments: object) -> object:
        found = original(*arguments)
        if when(*arguments):
            raise Stopped
        return found

    patch.setattr(target, stops)


@pytest.mark.parametrize("harm", [flip, cut], ids=["flipped", "cut"])
def test_every_result_of_a_stopped_run_is_checked(
    whole: Run, harm: Damage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole.path.parent / "stopped", run)
    stores = ["corpus.zarr", "labels.zarr", "summary.zarr", "selectivity.zarr", "contexts.zarr"]
    files = ["model.safetensors", "input_table.safetensors", "neurons.parquet"]
    for path in [*(largest(run / name) for name in stores), *(run / name for name in files)]:
        harm(path)
    for name, number in (("hidden_state", 1), ("cell_state", 2), ("surprisal", 3), ("token_id", 4)):
        if (run / "activations.zarr" / name).exists():
            harm(largest(run / "activations.zarr" / name / "c" / str(number)) if name.endswith("state")
                 else run / "activations.zarr" / name / "c" / str(number))  # fmt: skip
    harm(store.commit_path(run, 6))
    harm(largest(run / "blocks" / "idioms-0-0.zarr"))
    found = run_study(load_study(whole.path.parent / "tiny.yaml", ["selectivity.draws=19"]), run, in_process=True)
    assert digests(found.path) == digests(whole.path)
    again = {Path(record.args[0]).name for record in caplog.records if "is made again" in record.msg}
    assert again == {*stores, "model.safetensors", "neurons.parquet"}
    assert {record.args[0] for record in caplog.records if "are damaged" in record.msg} >= {1, 3, 4, 6}


def test_metadata_of_the_states_are_checked(whole: Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole.path.parent / "stopped", run)
    cut(run / "activations.zarr" / "hidden_state" / "zarr.json")
    run_study(load_study(whole.path.parent / "tiny.yaml", ["selectivity.draws=19"]), run, in_process=True)
    assert digests(run) == digests(whole.path)


def test_a_finished_run_is_mended(whole: Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole.path, run)
    flip(largest(run / "idioms.zarr"))
    run_study(load_study(whole.path.parent / "tiny.yaml", ["selectivity.draws=19"]), run, in_process=True)
    assert digests(run) == digests(whole.path)


@pytest.mark.parametrize("harm", [flip, cut], ids=["flipped", "cut"])
def test_partial_summaries_and_carried_states_are_checked(
    harm: Damage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    study_file = write_study(tmp_path, store="none", inference={"carry": "streams", "streams": 5, "shard_tokens": 64})
    whole = run_study(load_study(study_file), tmp_path / "whole", in_process=True).path
    with monkeypatch.context() as patch:
        stop_after(patch, "lstm_analysis.tasks.reading.write_json", lambda path, _: path.stem == "00000003")
        with pytest.raises(ShardsFailed, match="Stopped"):
            run_study(load_study(study_file), tmp_path / "run", in_process=True)
    run = tmp_path / "run"
    damaged = [*sorted((run / "summaries").glob("[0-9]-*"))[:1], run / "summaries" / "pilot"]
    for path in [*damaged, max((run / "carried").glob("end-*.npy"))]:
        harm(path)
    run_study(load_study(study_file), run, in_process=True)
    assert digests(run, SCORES) == digests(whole, SCORES)
    assert {record.args[0] for record in caplog.records if "is made again" in record.msg} == set(damaged)


def test_a_carried_state_is_what_was_written_or_none(tmp_path: Path) -> None:
    path, state = tmp_path / "carried" / "end-00000001.npy", np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    sum_ = carried.save_state(path, state)
    found = carried.load_state(path)
    assert found is not None
    assert np.array_equal(found, state)
    assert sum_ == store.crc32(state)
    for harm in (flip, cut):
        carried.save_state(path, state)
        harm(path)
        assert carried.load_state(path) is None


def test_a_sealed_record_shows_any_change(tmp_path: Path) -> None:
    record = sealed({"rows": [1, 2], "sum": 0.1})
    assert is_sealed(record)
    assert sealed(record) == record
    assert not is_sealed(record | {"sum": 0.2})
    assert not is_sealed({key: value for key, value in record.items() if key != "rows"})
    (tmp_path / "commits").mkdir()
    store.write_json(store.commit_path(tmp_path, 0), record)
    store.write_json(store.commit_path(tmp_path, 1), record | {"rows": [1, 3]})
    assert store.read_commits(tmp_path) == {0: record}


def test_a_checksum_covers_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "one").write_bytes(b"1")
    first = path_checksum(tmp_path / "a")
    assert path_checksum(tmp_path / "none") is None
    (tmp_path / "a" / "b" / "one").rename(tmp_path / "a" / "b" / "two")
    second = path_checksum(tmp_path / "a")
    flip(tmp_path / "a" / "b" / "two")
    assert len({first, second, path_checksum(tmp_path / "a")}) == 3
    assert path_checksum(tmp_path / "a", "*.json") == 0

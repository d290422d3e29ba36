"""What a study makes of its inputs: files by content, concepts checked before the states, facts of this run only."""

import os
from pathlib import Path

import pytest
from tiny import write_study

from lstm_analysis import study
from lstm_analysis.config import load_study
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.inference.checkpoints import load_model
from lstm_analysis.inference.twin import random_twin
from lstm_analysis.run import Run
from lstm_analysis.study import run_study


@pytest.fixture(autouse=True)
def short_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "write_report", lambda run: (run.path / "report.html").write_text("short"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_study(tmp_path / "tiny", inference={"shard_tokens": 1000}).parent


def again(folder: Path, *settings: str, force: bool = False) -> Run:
    return run_study(load_study(folder / "tiny.yaml", settings), folder / "run", in_process=True, force=force)


def test_files_are_known_by_their_content(folder: Path) -> None:
    again(folder)
    text = folder / "text" / "0.txt"
    os.utime(text, (1, 1))
    again(folder)
    (folder / "moved").mkdir()
    for file in (folder / "text").iterdir():
        file.rename(folder / "moved" / file.name)
    (folder / "text").rmdir()
    (folder / "moved").rename(folder / "text")
    again(folder)
    stamp = text.stat()
    text.write_text(text.read_text().replace("w1 ", "w2 "))
    os.utime(text, (stamp.st_atime + 9, stamp.st_mtime + 9))
    with pytest.raises(UserError, match="the content of a file it names has changed"):
        again(folder)


@pytest.mark.parametrize("store", ["float32", "none"])
def test_force_takes_another_model_of_the_same_vocabulary(folder: Path, store: str) -> None:
    again(folder, f"store={store}")
    with pytest.raises(UserError, match=r'model\.twin was null, is "initial"'):
        again(folder, f"store={store}", "model.twin=initial")
    twin = again(folder, f"store={store}", "model.twin=initial", force=True)
    assert twin.record["stages"]["summary"]["state"] == "done"
    kept = load_model(folder / "run" / "model.safetensors")
    assert kept.digest == random_twin(load_model(folder / "model.safetensors"), 0).digest


def test_a_kernel_that_cannot_run_the_model_does_not_wait_for_the_corpus(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"inference\.kernel fused would keep c in bfloat16"):
        again(folder, "inference.kernel=fused", "inference.precision=bfloat16")
    assert not (folder / "run").exists()


def test_concepts_that_do_not_fit_the_corpus_do_not_wait_for_the_states(folder: Path) -> None:
    with pytest.raises(UserError, match="has no annotation 'pos'"):
        again(folder, "concepts=[{source: part_of_speech}]")
    assert (folder / "run" / "corpus.zarr").exists()
    with pytest.raises(UserError, match="has no annotation 'xpos'"):
        again(folder, "concepts=[{source: part_of_speech, column: xpos}]")
    with pytest.raises(UserError, match="needs a corpus with columns of the structure of code"):
        again(folder, "concepts=[{source: structure}]")
    assert not (folder / "run" / "activations.zarr").exists()


def test_a_concept_without_a_baseline_is_warned_of(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = again(folder, "concepts=[{source: position, first: 99}]")
    assert "the concept 'first 99 tokens' has no baseline token" in caplog.text
    assert bool(run.selectivity.auroc.isnull().all())
    assert int(run.selectivity.n_token.sel(group="baseline").sum()) == 0


def test_an_end_symbol_that_the_model_lacks_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"corpus\.end_of_sentence is '<stop>', which the model's vocabulary lacks"):
        again(folder, "corpus.end_of_sentence=<stop>")


def test_facts_are_those_of_this_run(folder: Path) -> None:
    assert "perplexity" in again(folder).facts["activations"]
    without = again(folder, "inference.surprisal=false", force=True)
    assert "perplexity" not in without.facts["activations"]
    streamed = again(folder, "store=none", force=True)
    assert "activations" not in streamed.facts
    assert "perplexity" in streamed.facts["summary"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("corpus.format=sotu", "remove corpus.path"),
        ("corpus={format: jsonl, path: x.jsonl, sentences: split}", "split is for running text"),
    ],
)
def test_keys_without_a_meaning_are_refused(folder: Path, setting: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        again(folder, setting)

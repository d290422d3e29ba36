"""A whole study: its files, resuming, every way to cut it, and what is refused."""

import dataclasses
import errno
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from sklearn.metrics import average_precision_score, roc_auc_score
from tiny import N_NEURON, STORES, WORDS, digests, load_tiny_model, write_study

from lstm_analysis import store, study, tasks
from lstm_analysis.config import load_study
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.inference.checkpoints import save_model
from lstm_analysis.inference.model import LanguageModel
from lstm_analysis.run import Run, open_run
from lstm_analysis.stages import ANALYSES, ShardsFailed
from lstm_analysis.study import run_study
from lstm_analysis.tables import describe_run
from lstm_analysis.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(tmp_path_factory.mktemp("tiny")).parent


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return run_study(load_study(folder / "tiny.yaml"), folder / "run", in_process=True)


@pytest.fixture(autouse=True)
def short_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the page in the many runs that are not about it; the module's runs have it."""
    monkeypatch.setattr(study, "write_report", lambda run: (run.path / "report.html").write_text("short"))


def again(folder: Path, output: str, *settings: str, force: bool = False) -> Run:
    return run_study(load_study(folder / "tiny.yaml", settings), folder / output, in_process=True, force=force)


def test_the_files_open_with_plain_xarray(run: Run) -> None:
    not_asked_for = {f"{name}.zarr" for name in set(ANALYSES) - set(run.record["study"]["analyses"])}
    for name in [name for name in STORES if name not in not_asked_for]:
        assert len(xr.open_zarr(run.path / name).variables)
    assert run.activations.hidden_state.dims == ("time", "layer", "neuron")
    assert (run.path / "report.html").stat().st_size > 0
    assert not list(run.path.glob(".*"))
    assert not (run.path / "summaries").exists()


def test_every_token_is_there_once(run: Run, folder: Path) -> None:
    words = [word for file in sorted((folder / "text").iterdir()) for word in file.read_text().split()]
    n_sentence = sum(len(file.read_text().splitlines()) for file in (folder / "text").iterdir())
    forms = run.corpus.type.values[run.corpus.type_id.values]
    assert [form for form in forms if form != "</s>"] == words
    assert int((forms == "</s>").sum()) == n_sentence == run.facts["corpus"]["n_sentence"]
    assert run.facts["corpus"]["n_token"] == len(words) + n_sentence
    for name in ("token_id", "document", "sentence", "sentence_position"):
        np.testing.assert_array_equal(run.activations[name], run.corpus[name])


def test_scores_are_those_of_scikit_learn(run: Run) -> None:
    scores, hidden = run.selectivity, run.activations.hidden_state.values
    for k, concept in enumerate(run.labels.concept.values):
        label = run.labels.label.values[:, k]
        used = label >= 0
        for layer in range(2):
            for neuron in range(0, N_NEURON, 3):
                here = scores.sel(concept=concept).isel(layer=layer, neuron=neuron)
                value = hidden[used, layer, neuron]
                assert float(here.auroc) == pytest.approx(roc_auc_score(label[used], value), abs=1e-12)
                expected = average_precision_score(label[used], value)
                assert float(here.average_precision) == pytest.approx(expected, abs=1e-12)
                difference = value[label[used] == 1].mean(dtype=float) - value[label[used] == 0].mean(dtype=float)
                assert float(here.mean_difference) == pytest.approx(difference, abs=1e-8)
    assert float(scores.auroc_error_bound.max()) == 0
    assert run.facts["selectivity"]["exact"] is True


def test_the_table_holds_every_score(run: Run) -> None:
    table = pd.read_parquet(run.path / "neurons.parquet")
    assert len(table) == run.selectivity.auroc.size
    row = table[(table.concept == "low") & (table.layer == 1) & (table.neuron == 7)].iloc[0]
    assert row.auroc == float(run.selectivity.auroc.sel(concept="low").isel(layer=1, neuron=7))


def test_a_second_run_does_nothing(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digests(run.path)
    monkeypatch.setattr(tasks, "extract_shard", None)
    monkeypatch.setattr(tasks, "summarize_shard", None)
    monkeypatch.setattr(tasks, "rank_block", None)
    again(folder, "run")
    assert digests(run.path) == before


def stopping_after(n_done: int) -> Callable[..., tasks.Receipt]:
    """Return an extraction of shards that is interrupted before its next one."""
    calls, extract = [], tasks.extract_shard

    def stops(index: int, *rest: object) -> tasks.Receipt:
        calls.append(index)
        if len(calls) > n_done:
            raise KeyboardInterrupt
        return extract(index, *rest)

    return stops


@pytest.mark.parametrize("stop_after", [0, 7])
def test_a_run_stopped_half_way_goes_on_to_the_same_bytes(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, stop_after: int, tmp_path: Path
) -> None:
    tiny = load_study(folder / "tiny.yaml")
    with monkeypatch.context() as patch:
        patch.setattr(tasks, "extract_shard", stopping_after(stop_after))
        with pytest.raises(KeyboardInterrupt):
            run_study(tiny, tmp_path / "run", in_process=True)
    assert len(store.read_commits(tmp_path / "run")) == stop_after
    done, extract = [], tasks.extract_shard
    monkeypatch.setattr(tasks, "extract_shard", lambda index, *rest: done.append(index) or extract(index, *rest))
    finished = run_study(tiny, tmp_path / "run", in_process=True)
    assert len(done) == len(store.read_commits(finished.path)) - stop_after
    assert digests(finished.path) == digests(run.path)


@pytest.fixture(scope="module")
def streamed(folder: Path) -> Run:
    return again(folder, "streamed", "store=none")


def test_nothing_stored_gives_the_same_scores(run: Run, streamed: Run) -> None:
    stored, none = run, streamed
    assert not (none.path / "activations.zarr").exists()
    with pytest.raises(UserError, match="keeps no states"):
        _ = none.activations
    a, b = stored.selectivity, none.selectivity
    for name in ("d_prime", "mean_difference", "mutual_information", "n_token", "n_type", "n_document"):
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)
    assert (abs(a.auroc - b.auroc) <= b.auroc_error_bound + 1e-12).all()
    xr.testing.assert_identical(stored.sentence_position.drop_attrs(), none.sentence_position.drop_attrs())
    xr.testing.assert_identical(stored.contexts.drop_attrs(), none.contexts.drop_attrs())
    assert none.facts["summary"]["perplexity"] == stored.facts["activations"]["perplexity"]


def test_a_streamed_run_goes_on_where_it_stopped(folder: Path, streamed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, stream = [], tasks.stream_shard

    def fails_later(index: int, *rest: object) -> tasks.Receipt:
        calls.append(index)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return stream(index, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(tasks, "stream_shard", fails_later)
        with pytest.raises(KeyboardInterrupt):
            again(folder, "none-stopped", "store=none")
    finished = again(folder, "none-stopped", "store=none")
    names = tuple(name for name in STORES if name != "activations.zarr")
    assert digests(finished.path, names) == digests(streamed.path, names)


def test_float16_states_are_close(run: Run, folder: Path) -> None:
    half = again(folder, "half", "store=float16")
    assert half.activations.hidden_state.dtype == np.float16
    np.testing.assert_allclose(half.activations.hidden_state, run.activations.hidden_state, atol=5e-4)


def test_another_study_is_refused_without_force(run: Run, folder: Path) -> None:
    target = folder / "other"
    shutil.copytree(run.path, target)
    with pytest.raises(UserError, match=r"inference\.carry was \"document\", is \"sentence\".*--force") as caught:
        again(folder, "other", "inference.carry=sentence")
    assert "activations" in str(caught.value)
    changed = again(folder, "other", "inference.carry=sentence", force=True)
    assert changed.record["study"]["inference"]["carry"] == "sentence"
    assert not np.array_equal(changed.activations.hidden_state, run.activations.hidden_state)


def test_a_failed_first_stage_leaves_nothing_to_force(folder: Path, tmp_path: Path) -> None:
    copy = write_study(tmp_path / "copy").parent
    save_model(replace_tokens(load_tiny_model(copy), ("?", "</s>", *WORDS)), copy / "model.safetensors")
    (copy / "text" / "0.txt").write_text("w1 nowhere\n")
    with pytest.raises(UserError, match=r"Name the token that shall stand for them as model\.unknown"):
        again(copy, "run")
    shown = describe_run(open_run(copy / "run"))
    assert re.search(r"^stage +corpus +failed ", shown, re.MULTILINE)
    assert "running" not in shown
    with pytest.raises(UserError, match=r"has no corpus\.zarr: its stage corpus failed\. Run the study again"):
        _ = open_run(copy / "run").corpus
    done = again(copy, "run", "model.unknown='?'")
    assert done.facts["corpus"]["n_unknown"] == 1


def replace_tokens(model: LanguageModel, tokens: tuple[str, ...]) -> LanguageModel:
    """Return the model with other names of its rows."""
    return dataclasses.replace(model, vocabulary=Vocabulary(tokens))


@pytest.mark.parametrize(("n_done", "kept"), [(0, False), (3, True)])
def test_parts_of_a_stopped_stage_are_results(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_done: int, kept: bool
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(tasks, "extract_shard", stopping_after(n_done))
        with pytest.raises(KeyboardInterrupt):
            run_study(load_study(folder / "tiny.yaml"), tmp_path / "run", in_process=True)
    assert open_run(tmp_path / "run").record["stages"]["activations"]["state"] == "stopped"
    other = load_study(folder / "tiny.yaml", ["inference.carry=sentence"])
    if kept:
        with pytest.raises(UserError, match="Its results for activations would be overwritten"):
            run_study(other, tmp_path / "run", in_process=True)
    else:
        assert run_study(other, tmp_path / "run", in_process=True).record["stages"]["activations"]["state"] == "done"


def test_force_redoes_only_what_changed(run: Run, folder: Path) -> None:
    target = folder / "measures"
    shutil.copytree(run.path, target)
    before = (target / "activations.zarr").stat().st_ino
    changed = again(folder, "measures", "selectivity.measures=[d_prime]", force=True)
    assert (target / "activations.zarr").stat().st_ino == before
    assert "auroc" not in changed.selectivity


def test_changed_concepts_are_noticed(run: Run, folder: Path, tmp_path: Path) -> None:
    copy = write_study(tmp_path / "copy").parent
    first = run_study(load_study(copy / "tiny.yaml"), copy / "run", in_process=True)
    (copy / "categories.yaml").write_text("low: [w1]\n")
    with pytest.raises(UserError, match="the content of a file it names has changed"):
        run_study(load_study(copy / "tiny.yaml"), first.path, in_process=True)


def test_a_folder_that_is_no_run_is_refused(folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.tex").touch()
    with pytest.raises(UserError, match=r"not empty and not a run \(it holds thesis\.tex\)"):
        again(folder, "mine")
    again(folder, "mine", force=True)
    assert (folder / "mine" / "thesis.tex").exists()


def test_a_damaged_store_names_the_stage_to_redo(run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run.path, copy)
    store.write_dataset(copy / "selectivity.zarr", run.selectivity.drop_attrs(), "another")
    with pytest.raises(UserError, match="redo the stage selectivity"):
        _ = open_run(copy).selectivity
    shutil.rmtree(copy / "labels.zarr")
    with pytest.raises(UserError, match=r"has no labels\.zarr"):
        _ = open_run(copy).labels


def test_a_missing_product_is_made_again(run: Run, folder: Path) -> None:
    copy = folder / "missing"
    shutil.copytree(run.path, copy)
    shutil.rmtree(copy / "labels.zarr")
    again(folder, "missing")
    assert digests(copy) == digests(run.path)


def damage(run: Path) -> None:
    """Delete one stored shard, cut another short, change a bit of a third, drop the commit of a fourth."""
    shards = run / "activations.zarr" / "hidden_state" / "c"
    (shards / "3" / "0" / "0").unlink()
    cut = shards / "4" / "0" / "0"
    cut.write_bytes(cut.read_bytes()[:1000])
    changed = shards / "7" / "0" / "0"
    content = bytearray(changed.read_bytes())
    content[40] ^= 4
    changed.write_bytes(content)
    store.commit_path(run, 9).unlink()


def test_damaged_states_are_extracted_again(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stops(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tasks, "summarize_shard", stops)
        with pytest.raises(KeyboardInterrupt):
            again(folder, "damaged")
    damage(folder / "damaged")
    assert digests(again(folder, "damaged").path) == digests(run.path)
    warned = [record.args[0] for record in caplog.records if "are damaged" in record.message]
    assert warned == [3, 4, 7, 9]


@pytest.mark.slow
def test_damage_is_mended_when_a_finished_run_gets_other_concepts(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, concepts = folder / "finished", "concepts=[{source: position, first: 3}]"
    shutil.copytree(run.path, copy)
    damage(copy)
    changed = again(folder, "finished", concepts, force=True)
    assert digests(changed.path, ("activations.zarr",)) == digests(run.path, ("activations.zarr",))
    names = ("summary.zarr", "selectivity.zarr")
    assert digests(changed.path, names) == digests(again(folder, "undamaged", concepts).path, names)


def test_a_disk_that_loses_what_is_written_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "summarize_shard", lambda index, *_: "hidden_state differs" if index == 2 else None)
    with pytest.raises(ShardsFailed, match="shard 2: damaged again right after it was written"):
        again(folder, "losing")


def test_states_lost_after_the_summary_are_not_ranked(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = folder / "lost"
    shutil.copytree(run.path, copy)
    (copy / "activations.zarr" / "hidden_state" / "c" / "2" / "0" / "0").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(study, "mend_states", lambda *_: None)  # as if they were lost right after that look
        with pytest.raises(UserError, match=r"missing from token 256 on.*Remove .*summary\.zarr and run again"):
            again(folder, "lost", "selectivity.measures=[auroc]", force=True)
    again(folder, "lost", "selectivity.measures=[auroc]", force=True)
    assert digests(copy, ("activations.zarr",)) == digests(run.path, ("activations.zarr",))


def test_a_failing_pilot_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("no more files")

    monkeypatch.setattr(tasks, "pilot_states", fails)
    with pytest.raises(UserError, match="pilot for the histograms failed: RuntimeError: no more files"):
        again(folder, "no-pilot")


def test_a_failing_shard_is_listed_and_the_rest_is_done(
    folder: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    extract = tasks.extract_shard

    def poison(index: int, *rest: object) -> tasks.Receipt:
        if index == 2:
            raise RuntimeError("broken disk sector")
        return extract(index, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(tasks, "extract_shard", poison)
        with pytest.raises(
            ShardsFailed,
            match=r"of 12 shards failed.*shard 2 \(documents 0\.txt, 1\.txt, 2\.txt\): RuntimeError: broken disk",
        ) as caught:
            again(folder, "poison")
    assert caught.value.exit_code == 3
    left = {2} | {s for s in range(12)} - set(store.read_commits(folder / "poison"))
    assert 2 in left
    assert digests(again(folder, "poison").path) == digests(run.path)


def test_a_full_disk_stops_the_run_and_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows = store.write_rows

    def full(path: Path, spans: store.Spans, *rest: object) -> dict[str, int]:
        if spans[0][0] and path.name == "activations.zarr":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_rows(path, spans, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(tasks.reading, "write_rows", full)
        with pytest.raises(UserError, match=r"disk of .* is full .* run the same command again") as caught:
            again(folder, "full")
    assert caught.value.exit_code == 1
    again(folder, "full")


def test_what_cannot_fit_is_refused_before_it_begins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10))
    with pytest.raises(UserError, match=r"The states need .* GB, but the disk"):
        again(folder, "toolarge")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("analyses=[idoms]", "Unknown analysis 'idoms' in analyses; did you mean 'idioms'"),
        ("analyses=[idioms, idioms]", "without repeats"),
        ("selectivity.draws=9", "draws is 9; it must be 0 for no tests, or 19 or more"),
        ("selectivity.twin=other", "twin"),
        ("selectivity.measures=[aucroc]", "unknown measure 'aucroc'; did you mean 'auroc'"),
        ("corpus.format=tex", "Unknown corpus format 'tex'"),
        ("corpus.path=nothing/*.txt", r"nothing/\*\.txt' names no file"),
        ("model.checkpoint=none.safetensors", "does not exist"),
        ("concepts=[]", "names no concepts"),
        ("concepts=[{source: categries, file: x}]", "did you mean 'categories'"),
        ("inference.states=[cell]", "must name hidden"),
        ("inference.shard_tokens=0", "at least 1"),
        ("corpus.limit_tokens=1", "the first sentence alone is longer"),
    ],
)
def test_wrong_studies_are_refused(folder: Path, setting: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message) as caught:
        run_study(load_study(folder / "tiny.yaml", [setting]), tmp_path / "run", in_process=True)
    assert caught.value.exit_code in (1, 2)
    assert not (tmp_path / "run" / "corpus.zarr").exists()


def test_an_empty_corpus(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n\n")
    with pytest.raises(UserError, match="The corpus is empty"):
        again(folder, "empty", f"corpus.path={tmp_path / 'empty.txt'}")


def test_much_unknown_is_warned_of(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "foreign.txt").write_text("das ist ein satz w1\n" * 30)
    found = again(folder, "foreign", f"corpus.path={tmp_path / 'foreign.txt'}")
    assert found.facts["corpus"]["unknown_share"] == pytest.approx(4 / 6)
    assert "67 % of the tokens are unknown to the model" in caplog.text
    assert (
        "trained on lower-cased text (model.lower_case: true), with numbers as one token (model.number: N)"
        in caplog.text
    )
    assert "the concept 'high' matches nothing" in caplog.text
    empty = found.selectivity.sel(concept="high")
    assert int(empty.n_token.sel(group="target")) == 0
    assert bool(empty.auroc.isnull().all())


def test_settings_survive_in_the_record(run: Run, folder: Path) -> None:
    tiny = load_study(folder / "tiny.yaml")
    assert run.record["study"] == tiny.as_dict()
    assert run.record["versions"]["torch"] == torch.__version__
    assert dataclasses.asdict(tiny.inference)["shard_tokens"] == 128
    with pytest.raises(UsageError, match=r"is not a run: it has no run\.json"):
        open_run(folder)

"""The command line: results on stdout, progress on stderr, plans that are right, nothing heavy loaded for nothing."""

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from command import Ended, call, expect_paragraph, run_again, spawn, write_command_study
from tiny import N_NEURON, digests, load_tiny_model

from lstm_analysis import __version__, study
from lstm_analysis.config import load_study
from lstm_analysis.lock import RunLock
from lstm_analysis.run import Run, open_run
from lstm_analysis.stages.activations import state_bytes

SHARD = 128


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_command_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def finished(folder: Path) -> tuple[Ended, Run]:
    """A whole run by the command line, in the folder that it has by default, and what it wrote."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        ended = run_again(folder)
    return ended, open_run(folder / "runs" / "tiny")


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the page out where it is not what is tested: drawing it takes most of a small run's time."""
    monkeypatch.setattr(study, "write_report", lambda run: (run.path / "report.html").touch())


def test_a_run_prints_results_to_stdout_and_all_else_to_stderr(finished: tuple[Ended, Run]) -> None:
    ended, run = finished
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0].split()[:4] == ["concept", "tokens", "types", "docs"]
    assert lines[-1] == "report: runs/tiny/report.html"
    concepts = run.selectivity.concept.values.tolist()
    assert re.match(r"a million tokens: reading [\d.,]+ s, one pass of sums [\d.,]+ s \(\d+ %\), scores", lines[-3])
    shown = [line for line in lines[1:-4] if not line.startswith("-- ")]
    assert len(shown) == len(concepts) == 7
    for line in shown:
        assert re.fullmatch(r".{28} *[\d,]+ +\d+ +\d+   (undefined|(\d:\d 0\.\d{3} *){3})", line), line
    assert {line[3:] for line in lines if line.startswith("-- ")} == {"categories", "idiom", "first 2 tokens"}
    for stage in ("corpus", "extract", "label", "summarize", "rank"):
        assert f"{stage}: 100%" in ended.err or f"{stage}: 386 tokens" in ended.err
    assert "386 tokens in 41 sentences of 3 documents" in ended.err
    assert "Traceback" not in ended.err
    assert (run.path / "report.html").stat().st_size > 10_000


def test_a_concept_that_matches_nothing_is_warned_of(finished: tuple[Ended, Run]) -> None:
    ended, run = finished
    assert ended.err.count("the concept 'unicorns' matches nothing in this corpus") == 1
    scores = run.selectivity.sel(concept="unicorns")
    assert [int(scores[n].sel(group="target")) for n in ("n_token", "n_type", "n_document")] == [0, 0, 0]
    for name in run.record["study"]["selectivity"]["measures"]:
        assert bool(scores[name].isnull().all()), name
    assert re.search(r"^unicorns +0 +0 +0   undefined$", ended.out, re.MULTILINE)


def test_a_second_call_prints_the_same_and_does_nothing(
    finished: tuple[Ended, Run], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests(finished[1].path)
    monkeypatch.chdir(folder)
    again = run_again(folder)
    assert (again.code, again.out, again.err) == (0, finished[0].out, "")
    assert digests(finished[1].path) == before


def test_another_study_is_refused_and_forced(
    finished: tuple[Ended, Run], folder: Path, here: Path, no_report: None
) -> None:
    shutil.copytree(finished[1].path, here / "copy")
    other = "selectivity.measures=[mean_difference]"
    refused = run_again(folder, "--output", here / "copy", "--set", other)
    expect_paragraph(refused, 1, "holds another study: selectivity.measures was .* Give another --output, or --force")
    assert digests(here / "copy") == digests(finished[1].path)
    forced = run_again(folder, "--output", here / "copy", "--set", other, "--force")
    assert forced.code == 0, forced.err
    assert "extract" not in forced.err
    assert f"report: {here / 'copy' / 'report.html'}" in forced.out
    assert "most selective neurons (layer:neuron mean_difference)" in forced.out
    scores = open_run(here / "copy").selectivity
    assert "auroc" not in scores
    np.testing.assert_array_equal(scores.mean_difference, finished[1].selectivity.mean_difference)


def test_a_second_run_while_one_is_going_is_refused(folder: Path, here: Path) -> None:
    with RunLock(here / "run"):
        ended = run_again(folder, "--output", here / "run")
        expect_paragraph(ended, 1, rf"Another run is going on in .*process {os.getpid()} .*Wait for it or stop it")
        assert [path.name for path in (here / "run").iterdir()] == ["run.lock"]


def plan_of(text: str) -> dict[str, str]:
    """Return the lines of a plan by their first word."""
    return dict(line.split(maxsplit=1) for line in text.splitlines() if " " in line)


def test_a_dry_run_is_right_and_writes_nothing(folder: Path, finished: tuple[Ended, Run], here: Path) -> None:
    text = folder.parent / "long.txt"
    text.write_text("w1 w2 w3 w4 w5 w6 w7 w8 w9 w10\n" * 40_000)
    options = ("--set", f"corpus.path={text}", "--set", "inference.shard_tokens=1000")
    before = sorted(folder.rglob("*"))
    ended = call("run", folder / "tiny.yaml", "--dry-run", *options)
    assert ended.code == 0, ended.err
    plan = plan_of(ended.out)
    n_token = 40_000 * 11
    assert plan["study"] == "tiny, results in runs/tiny"
    assert plan["corpus"] == "440,000 tokens in 40,000 sentences of 1 documents"
    assert plan["model"] == "2 x 10 neurons, vocabulary of 62"
    assert plan["shards"].startswith("440 of 1,000 tokens")
    size = n_token * 2 * N_NEURON * 2 * 4
    assert plan["disk"].startswith(f"{size / 1e9:.2f} GB for the states (float32), ")
    assert re.match(r"about [\d,.]+ min of inference on \d+ workers? at [\d,]+ tokens/s each", plan["time"])
    assert list(here.iterdir()) == []
    assert sorted(folder.rglob("*")) == before


def test_a_dry_run_says_how_one_stream_is_read(folder: Path) -> None:
    study_file = folder / "tiny.yaml"
    one = plan_of(call("run", study_file, "--dry-run", "--set", "inference.carry=continuous").out)
    assert one["carry"].startswith("continuous: one stream in ")
    cut = ("--set", "inference.carry=streams", "--set", "inference.streams=3")
    three = plan_of(call("run", study_file, "--dry-run", *cut).out)
    assert three["carry"].startswith("streams: 3 streams of ")
    assert three["carry"].endswith("tokens, each from a zero state, 1 side by side")


def test_the_planned_bytes_are_those_on_disk(finished: tuple[Ended, Run], folder: Path) -> None:
    run = finished[1]
    n_token = run.corpus.sizes["time"]
    planned = state_bytes(load_study(folder / "tiny.yaml"), n_token, load_tiny_model(folder))
    assert run.activations.hidden_state.nbytes + run.activations.cell_state.nbytes == planned
    plan = call("run", folder / "tiny.yaml", "--dry-run", "--output", "elsewhere").out
    assert "results in elsewhere" in plan
    assert f"{len(list((run.path / 'commits').glob('*.json')))} of {SHARD} tokens" in plan
    assert f"{n_token:,} tokens" in plan
    nothing = call("run", folder / "tiny.yaml", "--dry-run", "--set", "store=none").out
    assert "0.00 GB for the states (none)" in nothing


def test_inspect_and_report(finished: tuple[Ended, Run]) -> None:
    run = finished[1]
    shown = call("inspect", run.path)
    assert shown.code == 0
    assert "2 x 10 neurons, vocabulary of 62" in shown.out
    assert len(re.findall(r"^stage .* done ", shown.out, re.MULTILINE)) == 7
    found = json.loads(call("inspect", run.path, "--json").out)
    assert found == run.record
    assert found["study"]["inference"]["shard_tokens"] == SHARD
    (run.path / "report.html").unlink()
    again = call("report", run.path)
    assert (again.code, again.out) == (0, f"{run.path / 'report.html'}\n")
    assert (run.path / "report.html").stat().st_size > 10_000


def test_validate(folder: Path, here: Path) -> None:
    ended = call("validate", folder / "tiny.yaml")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        f"{folder / 'tiny.yaml'}: valid. 2 x 10 neurons, vocabulary of 62; concepts from categories, idiom, first 2 "
        "tokens.\n"
    )
    assert list(here.iterdir()) == []


def test_help_and_version_load_nothing_heavy() -> None:
    code = (
        "import sys\nfrom lstm_analysis import cli\n"
        "try:\n    cli.main(sys.argv[1:])\nfinally:\n"
        "    print(*({'torch', 'xarray', 'bokeh', 'dask', 'distributed', 'numpy', 'pandas', 'zarr', 'numba'} "
        "& set(sys.modules)), file=sys.stderr)"
    )
    for option, text in (("--help", "usage: lstm-analysis"), ("--version", f"lstm-analysis {__version__}\n")):
        ended = spawn(option, python=("-c", code))
        assert (ended.code, ended.err) == (0, "\n")
        assert ended.out.startswith(text)


def test_a_mistake_in_a_process_of_its_own(here: Path) -> None:
    ended = spawn("run", here / "nothing.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        f"lstm-analysis: {here / 'nothing.yaml'} cannot be read (No such file or directory). Check the path.\n"
    )
    debug = spawn("--debug", "run", here / "nothing.yaml")
    assert debug.code == 1
    assert "Traceback" in debug.err

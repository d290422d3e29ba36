"""The commands ``match`` and ``neurons`` on single neurons: what they print and write, and how they refuse."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from command import THREADS, call, expect_paragraph
from fake_run import write_run

from lstm_analysis.match import lstmvis
from lstm_analysis.match.of_run import find_text, match_span, neurons_alike, neurons_at, selected_at
from lstm_analysis.run import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return write_run(tmp_path_factory.mktemp("kept") / "run")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return write_run(tmp_path_factory.mktemp("bare") / "run", stored=False)


def test_a_span_is_matched(run: Run) -> None:
    ended = call("match", run.path, "--span", "100:101", "--n", 6, "--draws", 9, "--seed", 2)
    assert ended.code == 0, ended.err
    assert re.fullmatch("making the index of hidden_state .*\n", ended.err)
    expected = match_span(run, 100, 101, n=6, draws=9, seed=2)
    lines = ended.out.splitlines()
    assert lines[0].startswith(f"span 100:101, {expected.sizes['selected']} neurons with h at threshold 0.3")
    rows = lines[2:8]
    for row, start, jaccard in zip(rows, expected["start"].values, expected["jaccard"].values, strict=True):
        assert f" {start}:" in row
        assert row.lstrip().startswith(f"{jaccard:.3f}")
    assert "query" in rows[0]
    assert lines[-1].startswith("p: share of 9 random spans")


def test_a_phrase_is_looked_up_and_each_place_listed(run: Run) -> None:
    ended = call("match", run.path, "--text", "Naïve THE", "--draws", 0, "--n", 3)
    assert ended.code == 0, ended.err
    places = find_text(run, "naïve the")
    assert f"'Naïve THE' stands at {places.sizes['occurrence']} places" in ended.out
    spans = list(zip(places["start"].values.tolist(), places["stop"].values.tolist(), strict=True))
    counts = [int((selected_at(run, *span) != 0).sum()) for span in spans]
    listed = re.findall(r"^(\*?) +\d+ +(\d+):(\d+) +(\d+) ", ended.out, re.MULTILINE)
    assert [(int(a), int(b), int(n)) for _, a, b, n in listed] == [(*s, n) for s, n in zip(spans, counts, strict=True)]
    first = next(i for i, n in enumerate(counts) if n)
    assert [star for star, *_ in listed].index("*") == first
    assert f"span {spans[first][0]}:{spans[first][1]}, {counts[first]} neurons" in ended.out


def test_another_occurrence_can_be_chosen_and_json_says_all(run: Run) -> None:
    ended = call("match", run.path, "--text", "naïve the", "--occurrence", 2, "--draws", 3, "--json", "--left", 0)
    found = json.loads(ended.out)
    places = find_text(run, "naïve the")
    assert found["n_occurrence"] == 10
    assert [row["start"] for row in found["occurrences"]] == places["start"].values.tolist()
    start, stop = int(places["start"][1]), int(places["stop"][1])
    assert (found["query"]["start"], found["query"]["stop"], found["query"]["left"]) == (start, stop, 0)
    expected = match_span(run, start, stop, left=0, draws=3)
    assert [row["start"] for row in found["matches"]] == expected["start"].values.tolist()
    assert [row["p_value"] for row in found["matches"] if row["is_query"]] == [None]
    assert [row["neuron"] for row in _renamed(found["selected"])] == expected["selected_neuron"].values.tolist()
    assert found["n_time_searched"] == 600


def _renamed(rows: list[dict]) -> list[dict]:
    return [{name.removeprefix("selected_"): value for name, value in row.items()} for row in rows]


def test_matches_are_written_and_not_over_a_file(run: Run, here: Path) -> None:
    command = ("match", run.path, "--span", "100:101", "--draws", 0, "--csv", here / "new" / "found.csv")
    ended = call(*command)
    assert ended.code == 0, ended.err
    expected = match_span(run, 100, 101, draws=0)
    assert ended.out == f"{here / 'new' / 'found.csv'}: {expected.sizes['match']} matches\n"
    table = pd.read_csv(here / "new" / "found.csv", keep_default_na=False)
    assert table["start"].tolist() == expected["start"].values.tolist()
    assert table["text"].tolist() == expected["text"].values.tolist()
    expect_paragraph(call(*command), 2, "is there already. Give --force")
    assert call(*command, "--force").code == 0


def test_lstmvis_mode_says_what_it_leaves_out(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lstmvis, "FAST_TIME", 200)
    command = ("match", run.path, "--span", "100:101", "--mode", "lstmvis", "--source", "tanh_hidden", "--layer", 0)
    assert "LSTMVis' fast query looks at the first 200 of 600 tokens only" in call(*command).out
    assert "looks at the first" not in call(*command, "--query", "precise").out


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--span", "599:601"], 2, "599:601 is not inside the corpus, whose 600 tokens"),
        (["--text", "naïve zebra"], 1, "Words that it does not have: 'zebra'.*The nearest phrases"),
        (["--span", "100:101", "--threshold", "0.99999"], 1, r"No neuron is on .*selected by threshold: \d+ at 0.1, "),
        (["--span", "100:101", "--threshold", "1.2"], 2, "threshold 1.2 is out of range"),
        (["--span", "100:101", "--layer", "2"], 2, "There is no layer 2: layers are counted from 0 to 1"),
        (["--span", "100:101", "--source", "tanh_cell"], 1, "keeps hidden_state and no cell_state"),
        (["--span", "100:101", "--occurrence", "2"], 2, "--occurrence says which place of --text"),
        (["--text", "naïve the", "--occurrence", "999"], 2, "stands at 10 places. Give 1 to 10"),
        (["--span", "100:101", "--query", "fast"], 2, "--query belongs to --mode lstmvis"),
        (["--span", "100:101", "--mode", "lstmvis", "--draws", "9"], 2, "--draws belongs to the native mode"),
    ],
)
def test_mistakes_are_explained(run: Run, options: list[str], code: int, message: str) -> None:
    expect_paragraph(call("match", run.path, *options), code, message)


@pytest.mark.parametrize(
    "wrong", [["--span", "5"], ["--span", "a:b"], [], ["--text", "a", "--span", "1:2"], ["--n", "0"]]
)
def test_argparse_refuses_what_it_can(run: Run, wrong: list[str]) -> None:
    assert call("match", run.path, *wrong).code == 2


NEED_STATES = [["match", "--span", "1:2"], ["match", "--text", "the"], ["neurons", "--span", "1:2"],
               ["neurons", "--like", "0:1"], ["neurons", "--neuron", "0:1"]]  # fmt: skip


@pytest.mark.parametrize("options", NEED_STATES)
def test_a_run_without_states_says_which_commands_work(bare: Run, options: list[str]) -> None:
    command, *rest = options
    expect_paragraph(
        call(command, bare.path, *rest), 1, "keeps no states .*`inspect`, `report` and `neurons --concept`"
    )
    assert call("neurons", bare.path, "--concept", "idiom").code == 0


def test_neurons_at_spans_are_ranked(run: Run) -> None:
    ended = call("neurons", run.path, "--span", "100:103", "--span", "7:8", "--n", 5, "--json")
    found = json.loads(ended.out)
    expected = neurons_at(run, [(100, 103), (7, 8)])
    far = np.abs(expected["percentile_mean"].values - 0.5)
    order = [(int(i), int(j)) for i, j in zip(*np.unravel_index(np.argsort(-far, axis=None), far.shape), strict=True)]
    assert [(row["layer"], row["neuron"]) for row in found["neurons"]] == order[:5]
    assert found["spans"] == [[100, 103], [7, 8]]
    for row in found["neurons"]:
        both = expected["percentile"].values[:, row["layer"], row["neuron"]]
        assert [row["percentile_100_103"], row["percentile_7_8"]] == pytest.approx(both)
        assert row["sign"] == np.sign(row["percentile_mean"] - 0.5)
    text = call("neurons", run.path, "--span", "100:103", "--layer", 1, "--sign", "up", "--n", "all").out
    names = re.findall(r"^ *(\d+):\d+ ", text, re.MULTILINE)
    assert set(names) == {"1"}


def test_neurons_alike_are_ranked(run: Run) -> None:
    found = json.loads(call("neurons", run.path, "--like", "0:2", "--n", "all", "--json").out)
    expected = neurons_alike(run, 0, 2)
    r = expected["correlation"].sel(lag=0).values
    assert len(found["neurons"]) == int(np.isfinite(r).sum()) - 1
    sizes = [abs(row["correlation"]) for row in found["neurons"]]
    assert sizes == sorted(sizes, reverse=True)
    for row in found["neurons"]:
        assert row["correlation"] == r[row["layer"], row["neuron"]]
        assert row["jaccard_on"] == expected["jaccard_on"].values[row["layer"], row["neuron"]]
    text = call("neurons", run.path, "--like", "0:2", "--n", 3).out
    assert text.startswith("like 0:2\n")
    assert len(re.findall(r"^ +\d:\d ", text, re.MULTILINE)) == 3


def test_contexts_of_a_neuron_are_listed(run: Run, here: Path) -> None:
    text = call("neurons", run.path, "--neuron", "0:3", "--n", 2).out
    parts = re.findall(r"^-- (.*)$", text, re.MULTILINE)
    assert parts == ["highest", "middle of its range", "lowest"]
    assert call("neurons", run.path, "--neuron", "0:3", "--n", 2, "--csv", here / "c.csv").code == 0
    table = pd.read_csv(io.StringIO((here / "c.csv").read_text()))
    assert table["part"].tolist() == ["highest"] * 2 + ["middle"] * 2 + ["lowest"] * 2
    values = run.activations["hidden_state"].values[:, 0, 3]
    np.testing.assert_allclose(table["value"], values[table["time"]])
    assert table["value"][0] == pytest.approx(values.max())


def test_workers_give_the_same(run: Run, here: Path) -> None:
    (here / "threads.yaml").write_text(yaml.safe_dump(THREADS))
    for command in (("match", "--span", "100:101", "--threshold", "0.25", "--draws", 2), ("neurons", "--like", "0:2"),
                    ("neurons", "--span", "7:9")):  # fmt: skip
        name, *options = command
        spread = call(name, run.path, *options, "--cluster", here / "threads.yaml")
        assert spread.code == 0, spread.err
        assert spread.out == call(name, run.path, *options).out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--neuron", "0:1", "--cluster", "x.yaml"], "--cluster goes with --span or --like, not with --neuron"),
        (["--span", "1:2", "--q", "0.1"], "--q goes with --concept, not with --span"),
        (["--like", "0:1", "--sign", "up"], "--sign goes with --concept or --span, not with --like"),
        (["--neuron", "0:1", "--layer", "1"], "--layer goes with --concept or --span or --like, not with --neuron"),
        (["--concept", "idiom", "--source", "hidden"], "--source goes with --span or --like or --neuron"),
        (["--span", "1:2", "--threshold", "0.2"], "--threshold goes with --like"),
        (["--span", "1:2", "--keep-duplicates"], "--keep-duplicates goes with --concept"),
        (["--neuron", "0:1", "--n", "all"], "of the contexts of --neuron give a number"),
        (["--like", "0:99"], "There is no neuron 0:99 in .*: it has 0:0 to 0:6, 1:0 to 1:6"),
        (["--like", "0:1", "--threshold", "0"], "threshold 0.0 is out of range"),
        (["--span", "9:999"], "9:999 is not inside the corpus"),
    ],
)
def test_options_that_do_not_go_together_are_refused(run: Run, options: list[str], message: str) -> None:
    expect_paragraph(call("neurons", run.path, *options), 2, message)

"""Runs side by side: the words of the page are fixed, and each number is that of a store."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from compared_runs import ENGLISH, JAVA, table_after
from fake_run import NASTY, write_run
from page_tables import Tables

import lstm_analysis as la
from lstm_analysis.report import write_comparison
from lstm_analysis.report.comparison.compared import gather_runs
from lstm_analysis.report.comparison.page import render
from lstm_analysis.report.comparison.panels import Curve, common_range, last_row
from lstm_analysis.run import Run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """An English and a Java run with twins and all analyses."""
    folder = tmp_path_factory.mktemp("runs")
    return [write_run(folder / "english & <b>", **ENGLISH), write_run(folder / "java", **JAVA)]


@pytest.fixture(scope="module")
def html(runs: list[Run]) -> str:
    return render(gather_runs(runs))


@pytest.fixture(scope="module")
def page(html: str) -> Tables:
    return Tables(html)


def shown(value: float, digits: int, signed: bool = False) -> str:
    """Write a number as a page does, slowly."""
    if value != value:
        return "–"
    text = f"{abs(round(float(value), digits)):.{digits}f}"
    negative = round(float(value), digits) < 0
    return ("−" if negative else "+" if signed else "") + text


def bracket(low: float, high: float, digits: int) -> str:
    return f"[{shown(low, digits)}, {shown(high, digits)}]"


def chance(p: float) -> str:
    if p != p:
        return "–"
    return "<.001" if p < 0.001 else "1" if p >= 0.9995 else f"{p:.3f}"[1:]


def best_first(run: Run, values: xr.DataArray, n: int) -> list[tuple[int, int]]:
    """Return the places of the highest values, of neurons that do the same only the first, by a loop."""
    groups = run.selectivity["duplicate_of"].values
    order = sorted(
        (-float(values.values[i, j]), i, j)
        for i in range(values.shape[0]) for j in range(values.shape[1])
        if values.values[i, j] == values.values[i, j]
    )  # fmt: skip
    chosen: list[tuple[int, int]] = []
    for _, i, j in order:
        if groups[i, j] not in [groups[place] for place in chosen]:
            chosen.append((i, j))
    return chosen[:n]


def twin_of(run: Run) -> Run:
    assert run.twin is not None
    return run.twin


# what the page says


def test_the_fixed_words_of_the_page(page: Tables) -> None:
    assert page.of("h2") == [
        "The runs", "Place in the sentence", "Nesting and other graded variables", "Concepts in common",
        "Categories and idioms", "Small print",
    ]  # fmt: skip
    text = " ".join(page.of("p"))
    for words in (
        "with the same questions asked of each. A column is a run, wherever they meet.",
        "Places are counted in words from the start of the sentence (A), tokens from the start of the statement (B).",
        "Line: mean hidden_state at the place; band: its interval; grey: the random twin's best neuron.",
        "All panels of this figure have one scale of values.",
        "The last point holds position 60 and all later ones, and the bars say how many tokens each place rests on.",
        "cliff = h(end) − h(next), positive where h falls as a sentence ends",
        "The panels under one heading have one scale of values and one range of the variable.",
        "p: values shifted within documents, over all neurons (max-T).",
        "corrected for the neurons of the run's model (max-T), not for concepts or runs.",
        "Not all of this compares. The runs differ in: unit of time, sentence, neurons, draws.",
    ):
        assert words in text, words
    subjects = page.of("dt")
    assert subjects == [
        "Unit of time", "Sentence", "Neurons", "Draws",
        "Texts", "Neurons", "What can be compared", "Ranked by", "Tests", "Chosen and reported", "Intervals",
    ]  # fmt: skip
    remarks = dict(zip(subjects, page.of("dd"), strict=True))
    assert remarks["Draws"] == "A: 99; B: 499. The smallest possible p is 1 / (draws + 1)."
    assert "No test of a difference between runs was made" in remarks["Tests"]
    assert page.of("h3")[:2] == ["A english & <b>", "B java"]


def test_the_table_of_the_runs(page: Tables) -> None:
    rows = {row[0]: row[1:] for row in page.rows(0)}
    assert rows[""] == ["A english & <b>", "B java"]
    assert rows["model"] == ["x.safetensors"] * 2
    assert [cell.split()[:3] for cell in rows["neurons"]] == [["2", "×", "7"], ["7", "+", "9"]]
    assert rows["corpus"] == ["text, words digest cccccccccccc", "java, tokens digest cccccccccccc"]
    assert rows["tokens"] == ["600 60 sentences; cut at corpus.limit_tokens"] * 2
    assert rows["unknown to the model"] == ["1.23 % of tokens"] * 2
    assert rows["sentences"] == ["10.0 words on average", "10.0 tokens on average each a statement"]
    assert rows["perplexity"] == ["90.5 6.500 bits per token over 588 tokens"] * 2
    assert rows["states"][0].startswith("reset at each document ")
    assert rows["tested"] == ["7 concepts 99 draws, alpha 0.05", "7 concepts 499 draws, alpha 0.05"]
    assert rows["random twin"] == ["initial", "initial"]


def test_neurons_of_the_sentence_are_those_of_the_stores(runs: list[Run], page: Tables) -> None:
    rows = [row for row in table_after(page, "cliff neuron")[1:] if len(row) > 1]
    expected = []
    for run in runs:
        for of, n in ((run, 4), (twin_of(run), 1)):
            for i, j in best_first(of, of.sentence_position["eta2_type_adjusted"], n):
                one = {
                    str(name): v.values[i, j]
                    for name, v in of.sentence_position.items()
                    if v.dims == ("layer", "neuron")
                }
                tau = f"{shown(one['tau'], 1)} {bracket(one['tau_low'], one['tau_high'], 1)}"
                cliff = (
                    f"{shown(one['cliff_mean'], 3, True)} {bracket(one['cliff_mean_low'], one['cliff_mean_high'], 3)}"
                )
                row = [shown(one["eta2_type_adjusted"], 3), shown(one["eta2"], 3), tau, shown(one["r2"], 2), cliff]
                expected.append([f"{i}:{j}", *row, "yes" if one["cliff_neuron"] == 1 else "no"])
    assert [[row[0].split()[0], *row[1:]] for row in rows] == expected
    heads = [row[0] for row in table_after(page, "cliff neuron")[1:] if len(row) == 1]
    for head, run, unit in zip(heads, runs, ("words", "tokens"), strict=True):
        n, n_twin = (int((of.sentence_position["cliff_neuron"].values == 1).sum()) for of in (run, twin_of(run)))
        n_neuron = int(np.isfinite(run.sentence_position["eta2_type_adjusted"].values).sum())
        assert f"{n} of {n_neuron} neurons called, of the random twin's {n_twin}; tau in {unit}" in head


def test_shares_of_neurons_are_counted(runs: list[Run], page: Tables) -> None:
    table = table_after(page, "eta2 after words at least")
    thresholds = [float(cell) for cell in table[0][1:-1]]
    for of, row in zip([of for run in runs for of in (run, twin_of(run))], table[1:], strict=True):
        values = of.sentence_position["eta2_type_adjusted"].values.ravel()
        known = [v for v in values if v == v]
        cells = []
        for threshold in thresholds:
            n = sum(v >= threshold for v in known)
            cells.append(f"{n} {shown(100 * n / len(known), 1)} %")
        assert row[1:] == [*cells, str(len(known))]


def test_graded_neurons_are_those_of_the_stores(runs: list[Run], page: Tables) -> None:
    tables = [page.rows(i) for i in range(len(page.tables)) if "value's rank" in " ".join(page.rows(i)[0])]
    assert [[row[0].split()[1] for row in table[1:] if len(row) == 1] for table in tables] == [
        ["bracket_depth", "brace_depth", "quote_depth"], ["my_own"]
    ]  # fmt: skip
    sought = [(runs[0], "bracket_depth"), (runs[1], "brace_depth"), (runs[1], "quote_depth"), (runs[0], "my_own")]
    rows = [row for table in tables for row in table[1:] if len(row) > 1]
    expected = []
    for run, variable in sought:
        for of, n in ((run, 2), (twin_of(run), 1)):
            found = of.tuning.sel(variable=variable)
            present = of.selectivity["value_min"].notnull()
            for i, j in best_first(of, found["eta2_type_adjusted"].where(present), n):
                one = {str(name): v.values[i, j] for name, v in found.items() if v.dims == ("layer", "neuron")}
                expected.append([
                    f"{i}:{j}", shown(one["eta2_type_adjusted"], 3),
                    f"{shown(one['eta2'], 3)} {bracket(one['eta2_low'], one['eta2_high'], 3)}",
                    f"{shown(one['r'], 3, True)} {bracket(one['r_low'], one['r_high'], 3)}",
                    chance(one["p_fwer"]), "yes" if one["graded_neuron"] == 1 else "no",
                ])  # fmt: skip
    assert [[row[0].split()[0], *row[1:]] for row in rows] == expected


def test_concepts_in_common_are_those_of_the_stores(runs: list[Run], page: Tables) -> None:
    rows = {row[0]: row[1:] for row in table_after(page, "concept")[2:] if len(row) > 1}
    assert list(rows) == [str(name) for name in runs[0].selectivity["concept"].values]
    for name, cells in rows.items():
        if name == "empty":
            assert cells == ["0", "undefined: no target token"] * 2
            continue
        for run, (n, best, p, twin) in zip(runs, (cells[:4], cells[4:]), strict=True):
            scores = run.selectivity.sel(concept=name)
            assert n == str(scores["n_token"].sel(group="target").item())
            ((i, j),) = best_first(run, abs(scores["auroc"] - 0.5), 1)
            one = {key: float(scores[key].values[i, j]) for key in ("auroc", "auroc_low", "auroc_high", "p_fwer")}
            sign = "↑" if one["auroc"] > 0.5 else "↓"
            assert squeezed(best) == squeezed(
                f"{i}:{j} {shown(one['auroc'], 3)} {sign} {bracket(one['auroc_low'], one['auroc_high'], 3)}"
            )
            assert p == chance(one["p_fwer"])
            other = twin_of(run).selectivity.sel(concept=name)["auroc"]
            ((i, j),) = best_first(twin_of(run), abs(other - 0.5), 1)
            value = float(other.values[i, j])
            reached = "as far as the model's" if abs(value - 0.5) >= abs(one["auroc"] - 0.5) else ""
            assert squeezed(twin) == squeezed(f"{i}:{j} {shown(value, 3)} {'↑' if value > 0.5 else '↓'} {reached}")


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_called_neurons_are_counted(runs: list[Run], page: Tables) -> None:
    (row,) = table_after(page, "category")[1:]
    assert row[0] == NASTY
    for run, cell in zip(runs, row[1:], strict=True):
        found, twin = (of.categories.sel(concept=NASTY) for of in (run, twin_of(run)))
        n, n_twin = (int((one["called"].values == 1).sum()) for one in (found, twin))
        assert cell == f"{n} of {int((found['called'].values >= 0).sum())} twin {n_twin}"
    lines = [text for text in page.of("p") if "tested (contrast" in text]
    for run, line in zip(runs, lines, strict=True):
        counts = [
            int(of.idioms[name].sum()) for of in (run, twin_of(run)) for name in ("idiom_neuron", "phrase_neuron")
        ]
        n = int(run.idioms["n_idiom_tested"].sel(contrast="literal"))
        numbers = [int(word) for word in re.findall(r"\d+", line)]
        assert numbers == [n, *counts]


# figures


def test_each_figure_has_its_place_and_is_a_store_s_curve(runs: list[Run], html: str) -> None:
    figures = dict(re.findall(r'data-figure="([^"]*)">(.*?)</script>', html, flags=re.DOTALL))
    places = re.findall(r'<div id="(figure-[^"]*)"', html)
    assert sorted(figures) == sorted(places) == [
        "figure-graded-A-bracket_depth", "figure-graded-A-my_own", "figure-graded-B-brace_depth",
        "figure-graded-B-quote_depth", "figure-position-A", "figure-position-B", "figure-shares",
    ]  # fmt: skip
    assert all(json.loads(text)["doc"]["roots"] for text in figures.values())
    ranges = [
        re.findall(r'"name":"Range1d","id":"[^"]*","attributes":({[^}]*})', figures[f"figure-position-{a}"])
        for a in "AB"
    ]
    assert set(ranges[0]) == set(ranges[1]), "the panels of two runs have one scale"


def test_one_range_holds_all_curves() -> None:
    nan = np.full(3, np.nan)
    one = Curve("", np.arange(3), np.array([0.1, 0.2, np.nan]), nan, nan, np.array([4, 2, 0]))
    two = Curve("", np.arange(3), np.zeros(3), np.zeros(3) - 0.5, np.zeros(3) + 0.1, np.array([0, 0, 1]))
    low, high = common_range([one, two])
    assert -0.6 < low < -0.5
    assert 0.2 < high < 0.3
    assert common_range([]) == common_range([Curve("", np.arange(3), nan, nan, nan, np.zeros(3, int))]) == (-1, 1)
    assert (last_row([one]), last_row([one, two]), last_row([])) == (1, 2, 0)


def test_the_same_runs_give_the_same_bytes(runs: list[Run], html: str, tmp_path: Path) -> None:
    again = [la.open_run(run.path) for run in runs]
    assert write_comparison(again, tmp_path / "new folder" / "page.html").read_text("utf-8") == html
    assert render(gather_runs(again[::-1])) != html


def test_text_of_the_corpus_is_never_markup(html: str) -> None:
    body = html[html.index("<body>") : html.index("<script")]
    assert "<img" not in body
    assert "<b>alert" not in body
    assert "english & <b>" not in body
    assert "http" not in body
    assert not re.search(r"\bnan\b", re.sub(r"<[^>]*>", " ", body), flags=re.IGNORECASE)

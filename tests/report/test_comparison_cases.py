"""Runs side by side that differ in what they have, and the mistakes of who compares them."""

import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from browser import open_browser
from command import call, expect_paragraph
from compared_runs import CHARACTERS, ENGLISH, JAVA, page_of, table_after
from driver import wait_until
from engine_needs import need
from fake_run import write_run
from lstmvis_files import write_project

import lstm_analysis as la
from lstm_analysis.report import write_comparison
from lstm_analysis.report.comparison.compared import gather_runs
from lstm_analysis.report.comparison.differences import small_print, warnings
from lstm_analysis.report.comparison.graded import RELATED
from lstm_analysis.report.comparison.shared_concepts import shared_concepts
from lstm_analysis.run import Run
from lstm_analysis.schema.corpus import CORPUS


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """An English and a Java run with twins and all analyses."""
    folder = tmp_path_factory.mktemp("runs")
    return [write_run(folder / "english", **ENGLISH), write_run(folder / "java", **JAVA)]


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Run]:
    """Return a function that writes another run each time."""
    number = count()
    return lambda **options: write_run(tmp_path / f"run {next(number)}", **options)


def test_three_runs_of_which_one_keeps_no_states(runs: list[Run], make: Callable[..., Run]) -> None:
    page = page_of([*runs, make(**CHARACTERS)])
    rows = {row[0]: row[1:] for row in page.rows(0)}
    assert rows["sentences"][2] == "10.0 characters on average each a line"
    assert rows["corpus"][2] == "text, characters digest cccccccccccc"
    assert rows["tested"][2] == "6 concepts no draws: effect sizes only"
    text = " ".join(page.of("p"))
    assert "by eta2 (not every run has eta2_type_adjusted)" in text
    assert "characters from the start of the line (C)" in text
    assert page.of("p").count("Its study does not ask for such a variable (graded).") == 3
    subjects = page.of("dt")
    assert {"Unit of time", "Stored states", "Random twin"} <= set(subjects)
    rows_of_c = [row for row in table_after(page, "cliff neuron") if len(row) > 1][-4:]
    assert [row[1] for row in rows_of_c] == ["–"] * 4
    assert [row[3:] for row in rows_of_c] == [["–"] * 4] * 4
    table = table_after(page, "concept")
    assert next(row for row in table if row[0] == "idiom 2")[-1] == "not in this run"


def test_a_section_without_anything_says_so(make: Callable[..., Run]) -> None:
    page = page_of([make(analyses=(), n_idiom=0), make(analyses=())])
    assert "Nesting and other graded variables" not in page.of("h2")
    texts = page.of("p")
    assert texts.count("Nothing to show: its study does not ask for sentence_position.") == 2
    assert not any(text.startswith("Line: mean hidden_state") for text in texts)
    assert "No run tested a category." in texts
    assert texts.count("Its study does not ask for idioms.") == 2
    assert "In nothing that moves numbers, apart from what they read and which model read it." in texts


def test_runs_without_a_concept_in_common(make: Callable[..., Run]) -> None:
    one, other = make(), make()
    assert [group.source for group in shared_concepts(gather_runs([one, other]))] == [
        "idiom", "categories", "first 3 tokens"
    ]  # fmt: skip
    other.selectivity["concept"] = [f"other {i}" for i in range(other.selectivity.sizes["concept"])]
    assert shared_concepts(gather_runs([one, other])) == []


def test_same_text_and_same_model_are_told(make: Callable[..., Run]) -> None:
    compared = gather_runs([make(analyses=()), make(analyses=())])
    remarks = {remark.subject: remark.text for remark in small_print(compared, "eta2")}
    assert warnings(compared) == []
    assert remarks["Texts"].startswith("All runs read the same tokens")
    assert "is the same neuron in each" in remarks["Neurons"]
    record = compared[1].material.record
    record["facts"]["model"]["digest"] = record["facts"]["corpus"]["digest"] = "9" * 64
    record["study"]["selectivity"]["alpha"] = 0.01
    record["versions"]["python"] = "3.13"
    said = warnings(compared)
    assert [remark.subject for remark in said] == ["Text", "Model", "Alpha", "Versions"]
    assert said[2].text.startswith("A: 0.05; B: 0.01.")
    remarks = {remark.subject: remark.text for remark in small_print(compared, "eta2")}
    assert remarks["Texts"].startswith("The runs read different texts.")
    assert "have nothing to do with each other" in remarks["Neurons"]


def test_a_variable_is_related_once_and_known() -> None:
    members = [name for group in RELATED.values() for name in group]
    assert len(members) == len(set(members))
    assert {"sentence_position", "sentence_length"} <= set(members) & set(CORPUS)


def test_the_command_writes_and_does_not_replace(make: Callable[..., Run], here: Path) -> None:
    paths = [make(analyses=(), n_idiom=0).path, make(analyses=(), n_idiom=1).path]
    ended = call("report", *paths)
    assert (ended.code, ended.out) == (0, "comparison.html\n")
    written = (here / "comparison.html").read_bytes()
    expect_paragraph(call("report", *paths), 2, r"comparison\.html is there already\. Give --force")
    (here / "comparison.html").write_text("mine")
    assert call("report", *paths, "--force").code == 0
    assert (here / "comparison.html").read_bytes() == written
    assert [path.name for path in here.iterdir() if path.suffix == ".html"] == ["comparison.html"]


def test_mistakes_of_a_comparison_are_explained(runs: list[Run], make: Callable[..., Run], here: Path) -> None:
    one, other = (run.path for run in runs)
    (here / "empty").mkdir()
    (here / "file").touch()
    for arguments, pattern in (
        ([one, one], "is given twice. Name each run once"),
        ([one, one / ".." / one.name], "is given twice"),
        ([one, other / "twin"], "is the random twin of the run .*java. Give that run"),
        ([one, here / "empty"], "empty is not a run: it has no run.json"),
        ([one, here / "nowhere"], "nowhere is not a run"),
        ([one, other, "--output", here / "empty"], "empty is a folder; give the name of a file"),
        ([one, other, "--output", here / "file" / "x.html"], "lies under .*file, which is no folder|is no folder"),
        ([one, "--output", "x.html"], "--output and --force go with two runs or more"),
        ([one, "--force"], "--output and --force go with two runs or more"),
        ([one] * 7, "holds 2 to 6 runs, got 7"),
    ):
        expect_paragraph(call("report", *arguments), 2, pattern)
    assert sorted(path.name for path in here.iterdir()) == ["empty", "file"]


def test_unfinished_and_imported_runs_are_explained(make: Callable[..., Run], here: Path) -> None:
    whole = make(analyses=()).path
    unfinished = make().path
    shutil.rmtree(unfinished / "selectivity.zarr")
    expect_paragraph(call("report", whole, unfinished), 1, r"has no selectivity\.zarr: its stage selectivity")
    lost = make(analyses=("tuning",)).path
    shutil.rmtree(lost / "tuning.zarr")
    expect_paragraph(call("report", whole, lost), 1, r"has no tuning\.zarr: its stage analyses")
    write_project(here / "project", lambda *_: None)
    la.import_lstmvis(here / "project", here / "imported")
    pattern = r"has no labels\.zarr: it was imported, with words and states only"
    expect_paragraph(call("report", whole, here / "imported"), 1, pattern)
    assert not (here / "comparison.html").exists()


DRAWN = """
const inside = (one) => one.shadowRoot ? [one, ...deep(one.shadowRoot)] : [one]
const deep = (root) => [...root.querySelectorAll("*")].flatMap(inside)
const drawn = (place) => deep(place).some((one) => one.matches("canvas") && one.width * one.height > 1000)
const places = [...document.querySelectorAll("[id^=figure-]")]
return [places.length, places.filter(drawn).length]
"""
WIDTHS = "return [document.documentElement.scrollWidth, window.innerWidth]"


@pytest.mark.engines
def test_the_page_fits_a_phone_and_a_window(runs: list[Run], tmp_path: Path) -> None:
    need("chromium", "chromedriver")
    file = write_comparison(runs, tmp_path / "page.html")
    with open_browser() as browser:
        for width in (390, 1280):
            browser.resize(width, 900)
            browser.open(file.as_uri())
            wait_until(lambda: browser.run(DRAWN) == [7, 7], "all figures")
            assert browser.run(WIDTHS) == [width, width]
        assert browser.errors() == []

"""Options of `fake_run.write_run` for runs that stand side by side, and their page."""

from collections.abc import Sequence
from typing import Any

from page_tables import Tables

from lstm_analysis.report.comparison.compared import gather_runs
from lstm_analysis.report.comparison.page import render
from lstm_analysis.run import Run

ALL = ("sentence_position", "categories", "idioms", "tuning")
ENGLISH: dict[str, Any] = {
    "draws": 99, "analyses": ALL, "twin": "initial", "graded": ("bracket_depth", "my_own"),
}  # fmt: skip
JAVA: dict[str, Any] = {
    "draws": 499, "analyses": ALL, "twin": "initial", "graded": ("brace_depth", "quote_depth"),
    "corpus_study": {"format": "java"}, "layer_sizes": (7, 9),
}  # fmt: skip
CHARACTERS: dict[str, Any] = {
    "stored": False, "exact": False, "n_idiom": 2, "corpus_study": {"format": "text", "level": "char"},
}  # fmt: skip


def page_of(runs: Sequence[Run]) -> Tables:
    """Return the page of runs."""
    return Tables(render(gather_runs(runs)))


def table_after(page: Tables, heading: str) -> list[list[str]]:
    """Return the rows of the first table whose head holds a text."""
    return next(page.rows(i) for i in range(len(page.tables)) if heading in " ".join(page.rows(i)[0]))

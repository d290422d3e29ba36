"""Runs to look at."""

import sys
from pathlib import Path

import pytest
from fake_run import MakeRun, write_run

from lstm_analysis.explorer.holdings import Holdings

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Return a function that writes a run; see `write_run` for its options."""
    return lambda **options: write_run(tmp_path / "fake & run", **options)


@pytest.fixture
def holdings(make_run: MakeRun) -> Holdings:
    """Return what an ordinary run has to show."""
    return Holdings(make_run(draws=99, analyses=("sentence_position", "categories", "idioms")))

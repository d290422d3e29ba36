"""Runs to write a report of."""

from pathlib import Path

import pytest
from fake_run import ANALYSES, MakeRun, write_run

from lstm_analysis.report.material import Material, gather


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Return a function that writes a run; see `write_run` for its options."""
    return lambda **options: write_run(tmp_path / "fake & run", **options)


@pytest.fixture(scope="package")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """A run with all analyses and a twin."""
    folder = tmp_path_factory.mktemp("runs") / "fake & run"
    return gather(write_run(folder, draws=99, analyses=(*ANALYSES, "neuron_matching"), twin="initial"))

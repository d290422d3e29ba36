"""A run to write a report of."""

from pathlib import Path

import pytest
from fake_run import MakeRun, write_run


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Return a function that writes a run; see `write_run` for its options."""
    return lambda **options: write_run(tmp_path / "fake & run", **options)

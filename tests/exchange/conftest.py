"""A run to export, in whole or in blocks of eight tokens."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lstmvis_files import Arrays, write_project

import lstm_analysis as la
from lstm_analysis.exchange import selection
from lstm_analysis.run import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a run of states, words, documents and annotations."""

    def change(config: dict[str, Any], arrays: Arrays, folder: Path) -> None:
        arrays["tracks.h5/document"] = np.repeat([1, 2, 3], [20, 10, 20])
        (folder / "documents.dict").write_text("a 1\nb b\t2\na 3\n")
        config["files"]["documents"] = "documents.dict"
        config["meta"]["document"] = {"file": "tracks", "path": "document", "dict": "documents", "vis": {}}

    write_project(tmp_path / "first", change)
    return la.import_lstmvis(tmp_path / "first", tmp_path / "run")


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make blocks of eight tokens."""
    monkeypatch.setattr(selection, "ROWS_ALIGNED", 8)
    monkeypatch.setattr(selection, "BLOCK_BYTES", 1)

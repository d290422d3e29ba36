"""Fixtures of the whole suite: where the real data lies, files to read, and how hypothesis runs."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("suite")

DATA = Path(os.environ.get("LSTM_ANALYSIS_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """Return a function from the name of a real file to its path; the test is skipped where the file is missing.

    With ``LSTM_ANALYSIS_REQUIRE_DATA`` set the test fails instead, so that no set-up can pass by skipping.
    """

    def find(name: str) -> Path:
        if not (DATA / name).is_file():
            refuse = pytest.fail if os.environ.get("LSTM_ANALYSIS_REQUIRE_DATA") else pytest.skip
            refuse(f"the real data {name} is not in {DATA}; set LSTM_ANALYSIS_DATA to its folder")
        return DATA / name

    return find


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], str]:
    """Return a function that writes a file in a fresh folder and returns its path; ``.gz`` is packed."""

    def put(name: str, content: str | bytes) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return str(path)

    return put


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, where the command line would make ``runs/``."""
    monkeypatch.chdir(tmp_path)
    return tmp_path

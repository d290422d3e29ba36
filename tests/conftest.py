"""Fixtures of the whole suite: real data, files to read, processes that must end, and how hypothesis runs."""

import gzip
import os
import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import psutil
import pytest
from driver import MARK, SECONDS, marked
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


@pytest.fixture
def nothing_hangs_and_nothing_stays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stop a test that takes too long, and fail one that leaves processes behind, orphans too."""
    mark = uuid.uuid4().hex
    monkeypatch.setenv(MARK, mark)

    def too_long(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"the test took more than {2 * SECONDS} s")

    old = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(2 * SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, old)
    _, alive = psutil.wait_procs(marked(mark), timeout=20)
    left = [(process.pid, process.cmdline()) for process in alive]
    for process in alive:
        process.kill()
    assert not left

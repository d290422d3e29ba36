"""The reading uses one thread, whoever starts it and whatever the environment says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from driver import external_cluster
from tiny import write_study

from lstm_analysis import study
from lstm_analysis.config import load_study
from lstm_analysis.study import run_study

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("nothing_hangs_and_nothing_stays")]

PROGRAM = Path(__file__).with_name("thread_probe.py")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("threads")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "write_report", lambda run: (run.path / "report.html").write_text("short"))
        config = load_study(write_study(folder), ["inference.shard_tokens=2000"])
        return run_study(config, folder / "run", in_process=True).path


@pytest.fixture(autouse=True)
def many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for four threads, as a user's shell may."""
    for library in ("OMP", "MKL", "OPENBLAS"):
        monkeypatch.setenv(f"{library}_NUM_THREADS", "4")
    monkeypatch.setenv("PYTHONPATH", str(PROGRAM.parent))  # where a worker finds the probe


def probe(run: Path, where: str) -> list[tuple[int, int, list[int]]]:
    found: list[tuple[int, int, list[int]]] = json.loads(
        subprocess.check_output([sys.executable, PROGRAM, run, where], text=True, stderr=subprocess.DEVNULL)
    )
    return found


@pytest.mark.parametrize("where", ["alone", "processes", "threads", "external"])
def test_the_reading_uses_one_thread(run: Path, where: str, tmp_path: Path) -> None:
    if where == "external":
        with external_cluster(tmp_path, n_workers=1, n_threads=2):
            found = probe(run, str(tmp_path / "scheduler.json"))
    else:
        found = probe(run, where)
    assert len({thread for thread, *_ in found}) == (1 if where == "alone" else 2)
    for _, of_torch, of_openmp in found:
        assert of_torch == 1
        assert of_openmp
        assert set(of_openmp) == {1}

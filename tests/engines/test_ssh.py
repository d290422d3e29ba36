"""An SSHCluster over a real sshd: the workers come from it, and the bytes are the same."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from driver import committers
from engine_needs import missing, need
from ssh_engine import PROGRAMS, SshServer
from tiny import digests

from lstm_analysis.config import load_study
from lstm_analysis.study import run_study

pytestmark = [pytest.mark.engines, pytest.mark.usefixtures("nothing_hangs_and_nothing_stays")]


@pytest.fixture
def server(nothing_hangs_and_nothing_stays: None, tmp_path: Path) -> Iterator[SshServer]:
    need(*PROGRAMS)
    if importlib.util.find_spec("asyncssh") is None:
        missing("there is no Python package asyncssh")
    engine = SshServer(tmp_path)
    try:
        engine.start()
        yield engine
    finally:
        engine.stop()


def test_workers_over_ssh_give_the_same_bytes(
    server: SshServer, study: Path, stored: dict[str, str], tmp_path: Path
) -> None:
    cluster = tmp_path / "ssh.yaml"
    kwargs = {
        "hosts": ["127.0.0.1"] * 3,
        "connect_options": server.connect_options,
        "worker_options": {"nthreads": 1, "local_directory": str(tmp_path)},
        "scheduler_options": {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"},
        "remote_python": sys.executable,
    }
    cluster.write_text(yaml.safe_dump({"module": "distributed", "class": "SSHCluster", "kwargs": kwargs}))
    run = run_study(load_study(study), tmp_path / "run", cluster)
    assert digests(run.path) == stored
    assert len(committers(run.path)) == 2
    assert os.getpid() not in committers(run.path)
    assert "Accepted publickey" in (tmp_path / "sshd.log").read_text()

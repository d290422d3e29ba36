"""The command: what it prints, what it refuses, how it ends."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from driver import SECONDS
from fake_run import MakeRun

COMMAND = [sys.executable, "-m", "lstm_analysis.cli", "explore"]


def explore(*options: object) -> subprocess.CompletedProcess[str]:
    """Run the command until it ends by itself."""
    command = [*COMMAND, *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)


def expect(ended: subprocess.CompletedProcess[str], code: int, said: str) -> None:
    """Check for one paragraph of an error."""
    assert (ended.returncode, ended.stdout) == (code, "")
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith("lstm-analysis: ")
    assert said in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_address_and_ends_quietly(make_run: MakeRun, number: signal.Signals) -> None:
    command = [*COMMAND, str(make_run().path), "--port", "0", "--no-browser", "--token", "long-enough"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        address = process.stdout.readline()
        assert address.startswith("http://127.0.0.1:")
        assert address.endswith("/?token=long-enough\n")
        assert process.stderr.readline() == "Ctrl-C ends it.\n"
        process.send_signal(number)
        out, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, out, errors) == (0, "", "Ended.\n")


def test_what_it_refuses(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run().path
    expect(explore(tmp_path / "nothing"), 2, "is not a run: it has no run.json.")
    expect(explore(run, "--port", "70000"), 2, "--port is 70000; it must be from 0 to 65535.")
    expect(explore(run, "--token", "short"), 2, "--token is shorter than 8 characters")
    expect(explore(run, "--allow-origin", "http://x/y"), 2, "give host and port, such as lab.example.org:443")
    expect(explore(run, "--address", "203.0.113.7", "--port", "0"), 2, "203.0.113.7:0 cannot be listened at")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        expect(explore(run, "--port", taken.getsockname()[1]), 2, "is taken, perhaps by another explorer.")

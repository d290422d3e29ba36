"""The command line in tests: call a command, catch all it prints, check how it ended."""

import logging
import re
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import yaml
from tiny import WORDS, write_study

from lstm_analysis import cli
from lstm_analysis.errors import STOP

THREADS = {
    "module": "distributed",
    "class": "LocalCluster",
    "kwargs": {"processes": False, "n_workers": 1, "dashboard_address": "127.0.0.1:0"},
    "worker": {"threads": 1},
}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def call(*arguments: object) -> Ended:
    """Run a command in this process; the log's handlers and the answer to SIGTERM are as before."""
    out, err = StringIO(), StringIO()
    log, answer = logging.getLogger("lstm_analysis"), signal.getsignal(signal.SIGTERM)
    handlers, level, propagate = log.handlers, log.level, log.propagate
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = cli.main([str(argument) for argument in arguments])
    except SystemExit as stop:  # argparse
        code = int(stop.code or 0)
    finally:
        log.handlers, log.propagate = handlers, propagate
        log.setLevel(level)
        signal.signal(signal.SIGTERM, answer)
        STOP.interrupts = False
    return Ended(code, out.getvalue(), err.getvalue())


def spawn(*arguments: object, python: tuple[str, ...] = ("-m", "lstm_analysis.cli")) -> Ended:
    """Run a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, *python, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def write_command_study(folder: Path) -> Path:
    """Write a study of four shards of 128 tokens, with a concept that is nowhere, and a cluster that is a thread."""
    write_study(folder, corpus={"format": "text", "path": "text/[013].txt"})
    (folder / "threads.yaml").write_text(yaml.safe_dump(THREADS))
    categories = {"low": WORDS[:12], "high": WORDS[-12:], "unicorns": ["unicorn", "unicorns"]}
    (folder / "categories.yaml").write_text(yaml.safe_dump(categories))
    return folder


def run_again(folder: Path, *options: object) -> Ended:
    """Run the study of the folder with its cluster."""
    return call("run", folder / "tiny.yaml", "--cluster", folder / "threads.yaml", *options)


def expect_paragraph(ended: Ended, code: int, pattern: str) -> None:
    """Check that a command failed with one paragraph on stderr and nothing on stdout."""
    assert ended.code == code, ended.err
    assert ended.out == ""
    lines = ended.err.replace("\r", "\n").splitlines()
    assert [line for line in lines if line.startswith("lstm-analysis: ")] == lines[-1:]
    assert re.search(pattern, lines[-1]), lines[-1]
    assert "Traceback" not in ended.err
    assert len(lines[-1]) < 900

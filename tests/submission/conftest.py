"""Programs of batch systems, played by scripts."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Return a function that puts a program of a name into the path; it keeps what it is called with and given."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    (tmp_path / "bin").mkdir()

    def put(name: str, body: str) -> Path:
        calls = tmp_path / f"{name}.calls"
        file = tmp_path / "bin" / name
        file.write_text(f'#!/bin/sh\necho "$@" >>{calls}\n{body}\n')
        file.chmod(0o755)
        return calls

    return put

"""What a run's folder says of its driver: ``status.json``, and ``submission/`` with how it was submitted."""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..disk import write_whole

TOKEN = "LSTM_ANALYSIS_SUBMISSION"
"""Environment variable by which a driver knows the submission that started it."""


def status_file(run: Path) -> Path:
    """Return the file that says how far a run is."""
    return run / "status.json"


def submission_folder(run: Path) -> Path:
    """Return the folder with the script, the log and the copies of the files of a submission."""
    return run / "submission"


def submission_file(run: Path) -> Path:
    """Return the file that says what was submitted, where, and as what."""
    return submission_folder(run) / "submission.json"


def script_file(run: Path) -> Path:
    """Return the script of the driver."""
    return submission_folder(run) / "driver.sh"


def log_file(run: Path) -> Path:
    """Return the log of the driver."""
    return submission_folder(run) / "driver.log"


def cancel_file(run: Path) -> Path:
    """Return the file whose being there asks the driver to stop."""
    return submission_folder(run) / "cancel"


def read_json(file: Path) -> dict[str, Any] | None:
    """Return the mapping in a file, ``None`` where there is none or it is damaged."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def save_json(file: Path, content: Mapping[str, Any]) -> None:
    """Write a mapping in one step; not forced to disk, for what is written often and is no result."""
    write_whole(file, (json.dumps(content, indent=1) + "\n").encode())


def own_token() -> str | None:
    """Return the token of the submission that started this process, ``None`` if a person did."""
    return os.environ.get(TOKEN)


def now() -> str:
    """Return date and time, with the offset from UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")

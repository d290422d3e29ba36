"""What the engines need of a machine: what is missing is said, and fails where all is required."""

import os
import shutil
from typing import NoReturn

import pytest

REQUIRED = "LSTM_ANALYSIS_REQUIRE_ENGINES"
"""Environment variable with which a missing engine fails its tests, so that no set-up passes by skipping them."""


def missing(reason: str) -> NoReturn:
    """Skip a test, or fail it where engines are required."""
    refuse = pytest.fail if os.environ.get(REQUIRED) else pytest.skip
    refuse(f"{reason}; tests/engines/install.sh installs what these tests need")
    raise AssertionError("neither skipped nor failed")


def need(*programs: str) -> None:
    """Check for programs, in the folders of the system's own ones too."""
    os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])
    absent = [name for name in programs if shutil.which(name) is None]
    if absent:
        missing(f"there is no {', '.join(absent)}")

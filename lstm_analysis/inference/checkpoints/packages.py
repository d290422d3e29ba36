"""Packages that only some checkpoint formats need."""

import importlib
from pathlib import Path
from typing import Any

from ...errors import UsageError


def need(package: str, extra: str, path: Path) -> Any:
    """Return an optional package.

    Raises
    ------
    UsageError
        If it is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        raise UsageError(
            f"Reading {path} needs the package {package}, which is not installed: pip install 'lstm-analysis[{extra}]'."
        ) from None

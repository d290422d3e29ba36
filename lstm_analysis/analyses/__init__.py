"""Analyses beyond selectivity, one file each; a study asks for them by name under ``analyses``."""

from collections.abc import Callable
from typing import Any

ANALYSES: dict[str, Callable[..., Any]] = {}

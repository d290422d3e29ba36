"""Runs side by side on one page: `write_comparison`."""

from .page import write_comparison

__all__ = ["write_comparison"]

"""Reductions: one pass over the states, a block at a time, into small summaries that merge exactly."""

from .block import summarize_block
from .histogram import pilot_edges
from .merge import empty_summary, merge_summaries
from .pilot import pilot_time
from .summarize import summarize, tuning_curve
from .tuning import tuning_from_summary

__all__ = [
    "empty_summary", "merge_summaries", "pilot_edges", "pilot_time", "summarize", "summarize_block", "tuning_curve",
    "tuning_from_summary",
]  # fmt: skip

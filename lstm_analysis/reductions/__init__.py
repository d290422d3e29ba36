"""Reductions: one pass over the states, a block at a time, into small summaries that merge exactly."""

from .block import summarize_block
from .duplicates import duplicate_groups
from .graded import value_rows
from .gram import add_products
from .histogram import pilot_edges
from .merge import empty_summary, merge_summaries
from .pair_counts import PairCounter
from .pilot import pilot_time
from .summarize import summarize, tuning_curve
from .tuning import graded_tuning, tuning_from_summary
from .type_table import MAX_TYPE, MIN_TYPE_TOKEN, TypeRows, group_documents, plan_type_rows

__all__ = [
    "MAX_TYPE", "MIN_TYPE_TOKEN", "PairCounter", "TypeRows", "add_products", "duplicate_groups", "empty_summary",
    "graded_tuning", "group_documents", "merge_summaries", "pilot_edges", "pilot_time", "plan_type_rows", "summarize",
    "summarize_block", "tuning_curve", "tuning_from_summary", "value_rows",
]  # fmt: skip

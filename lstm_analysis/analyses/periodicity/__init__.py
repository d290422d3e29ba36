"""Neurons that run in a period of their own, by Thomson's F-test, and those that follow the rhythm of the sentences."""

from .block import Passage, measure_block
from .measure import NONE, NOT_TESTED, PERIODIC, SENTENCE_LOCKED, CallRule
from .multitaper import slepian_tapers
from .segments import SegmentPlan, plan_segments, run_starts, stretches

__all__ = [
    "NONE",
    "NOT_TESTED",
    "PERIODIC",
    "SENTENCE_LOCKED",
    "CallRule",
    "Passage",
    "SegmentPlan",
    "measure_block",
    "plan_segments",
    "run_starts",
    "slepian_tapers",
    "stretches",
]  # fmt: skip

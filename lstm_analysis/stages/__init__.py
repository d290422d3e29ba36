"""The stages of a study, in order, each resumable."""

from collections.abc import Callable

from ..inference.model import LanguageModel
from .activations import activations_stage
from .analyses import ANALYSES, analyses_stage
from .corpus import corpus_stage
from .labels import labels_stage
from .selectivity import selectivity_stage
from .summary import summary_stage
from .work import ShardsFailed, Work

__all__ = ["ANALYSES", "STAGES", "ShardsFailed", "Stage", "Work"]

Stage = Callable[[Work, LanguageModel], None]

STAGES: dict[str, Stage] = {
    "corpus": corpus_stage,
    "activations": activations_stage,
    "labels": labels_stage,
    "summary": summary_stage,
    "selectivity": selectivity_stage,
    "analyses": analyses_stage,
}

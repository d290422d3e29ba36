"""What single neurons of a recurrent language model respond to, measured over corpora of any size.

The verbs of the command line as functions of labelled arrays; see each function's docstring.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .cluster import connect as connect
    from .corpus import read_corpus as read_corpus
    from .exchange import export_run as export_run
    from .exchange import import_lstmvis as import_lstmvis
    from .extract import extract_activations as extract_activations
    from .inference.checkpoints import load_model as load_model
    from .inference.checkpoints import save_model as save_model
    from .inference.twin import random_twin as random_twin
    from .labels import annotation as annotation
    from .labels import categories as categories
    from .labels import characters as characters
    from .labels import idioms as idioms
    from .labels import label_corpus as label_corpus
    from .labels import part_of_speech as part_of_speech
    from .labels import position as position
    from .labels import spans as spans
    from .labels import structure as structure
    from .labels import wordnet as wordnet
    from .lesions import lesion as lesion
    from .match import find_matches as find_matches
    from .nulls import significance as significance
    from .reductions import tuning_curve as tuning_curve
    from .reductions.summarize import summarize as summarize
    from .run import open_run as open_run
    from .run_matching import match_neurons as match_neurons
    from .selectivity import measure as measure
    from .selectivity import rank_neurons as rank_neurons

_HOME = {
    "connect": "cluster",
    "read_corpus": "corpus",
    "extract_activations": "extract",
    "load_model": "inference.checkpoints",
    "save_model": "inference.checkpoints",
    "random_twin": "inference.twin",
    "annotation": "labels",
    "categories": "labels",
    "characters": "labels",
    "idioms": "labels",
    "label_corpus": "labels",
    "part_of_speech": "labels",
    "position": "labels",
    "spans": "labels",
    "structure": "labels",
    "wordnet": "labels",
    "summarize": "reductions",
    "tuning_curve": "reductions",
    "import_lstmvis": "exchange",
    "export_run": "exchange",
    "open_run": "run",
    "measure": "selectivity",
    "rank_neurons": "selectivity",
    "significance": "nulls",
    "find_matches": "match",
    "lesion": "lesions",
    "match_neurons": "run_matching",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

"""What a worker does with one shard of a run: repeatable functions of the run's folder and the shard.

Each leaves its result on disk, verified, before it says that it is done, and returns a small receipt.
"""

from .analyses import idiom_block, position_block
from .corpus import CorpusJob, corpus_part, index_part
from .job import Job, Receipt
from .labels import label_shard
from .lesion import lesion_block
from .pairs import MatchedStates, NeuronBlock, pair_block
from .periodicity import periodicity_block
from .probes import probe_forgetting, probe_precision, scout_lanes
from .ranks import rank_block
from .reading import extract_shard, find_damage, pilot_states, stream_shard
from .settling import retained_by_lanes, settle_lanes
from .significance import shift_block
from .summaries import (
    FAN_IN,
    children_of,
    keep_type_rows,
    merge_partials,
    partial_path,
    partials_there,
    pilot_path,
    read_pilot,
    summarize_shard,
    tree_sizes,
)
from .tuning import tuning_block
from .words import probe_concept, separate_concept, state_rows

__all__ = [
    "FAN_IN", "CorpusJob", "Job", "MatchedStates", "NeuronBlock", "Receipt", "children_of", "corpus_part",
    "extract_shard", "find_damage", "idiom_block", "index_part", "keep_type_rows", "label_shard", "lesion_block",
    "merge_partials", "pair_block", "partial_path", "partials_there", "periodicity_block", "pilot_path", "pilot_states",
    "position_block", "probe_concept", "probe_forgetting", "probe_precision", "rank_block", "read_pilot",
    "retained_by_lanes", "scout_lanes", "separate_concept", "settle_lanes", "shift_block", "state_rows", "stream_shard",
    "summarize_shard", "tree_sizes", "tuning_block",
]  # fmt: skip

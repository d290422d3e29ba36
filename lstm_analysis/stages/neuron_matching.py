"""Analysis neuron_matching: which neurons of a model do the same, and more than a rotation of its layers would."""

from typing import cast

import numpy as np
import xarray as xr
import zarr

from .. import tasks
from ..inference.model import LanguageModel
from ..matching_plan import plan_of_run
from ..matching_result import within_model
from ..neuron_pairs import gather_pairs, pair_queue
from .columns import do_kept
from .plans import keep_plan
from .work import Work, log, make_job


def neuron_matching(state: Work, model: LanguageModel) -> xr.Dataset:
    """Return the most like neurons of each, families, and what |r| rotated layers reach."""
    job = make_job(state, model)
    store = keep_plan(state, "neuron_matching", plan_of_run(zarr.open_group(job.run / "corpus.zarr", mode="r")))
    sizes = tuple(cast(list[int], zarr.open_group(job.activations, mode="r").attrs["layer_sizes"]))
    states = tasks.MatchedStates(job.activations, sizes)
    queue = pair_queue(job.run / store, states, states)
    pairs = gather_pairs(do_kept(state, "neuron-pairs", tasks.pair_block, queue, "analyses", "pairs"), states, states)
    if pairs.r is None:
        log.info("neuron_matching: %s neurons are too many for families and rotations", f"{states.n_neuron:,}")
    found = within_model(pairs, sizes, state.study.seed)
    log.info("neuron_matching: %s neurons are duplicates", f"{int(np.sum(found['duplicate'] >= 0)):,}")
    return found

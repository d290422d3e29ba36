"""Analysis neuron_matching: which neurons of a model do the same, and more than a rotation of its layers would."""

from pathlib import Path
from typing import cast

import numpy as np
import xarray as xr
import zarr

from .. import tasks
from ..inference.model import LanguageModel
from ..matching_plan import plan_of_run
from ..matching_result import MINE, by_layer, within_model
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
    if state.beside is not None:  # this is the random twin of a model whose states are there
        found = found.merge(reached_by_model(state, states, job.run / store))
    log.info("neuron_matching: %s neurons are duplicates", f"{int(np.sum(found['duplicate'] >= 0)):,}")
    return found


def reached_by_model(state: Work, twin: tasks.MatchedStates, plan: Path) -> xr.Dataset:
    """Return the largest |r| of each neuron of a model with any neuron of its random twin."""
    assert state.beside is not None
    place = state.beside.resolve() if isinstance(state.beside, Path) else state.beside
    model = tasks.MatchedStates(place, twin.layer_sizes)
    queue = pair_queue(plan, model, twin)
    pairs = gather_pairs(do_kept(state, "twin-pairs", tasks.pair_block, queue, "analyses", "pairs"), model, twin)
    r_twin = np.abs(pairs.mine.r[:, 0]).astype(np.float64)
    return xr.Dataset({"r_twin": (MINE, by_layer(r_twin, twin.layer_sizes))})

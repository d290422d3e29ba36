"""Stage selectivity: scores, tuning curves, contexts and the ranked table."""

from collections import deque

import xarray as xr

from .. import reductions, selectivity, tasks
from ..cluster import work
from ..errors import UserError
from ..inference.model import LanguageModel
from ..store import neuron_chunk, open_dataset, write_dataset
from ..tasks import Job
from .work import Work, explain, log, make_job, progress

RANK_MEMORY = 2 << 30
"""Bytes that ranking a block of neurons may take on a worker; a longer corpus is scored from histograms."""


def selectivity_stage(state: Work, model: LanguageModel) -> None:
    """Score every neuron for every concept; tuning curves, contexts and the ranked table."""
    job, names = make_job(state, model), list(state.study.selectivity.measures)
    products = ("selectivity.zarr", "sentence_position.zarr", "contexts.zarr", "neurons.parquet")
    with state.stage("selectivity", *products) as facts:
        summary = open_dataset(state.run / "summary.zarr").load()
        scores = selectivity.measure(summary, names)
        facts["exact"] = False
        if state.stored and {"auroc", "average_precision"} & set(names):
            scores, facts["exact"] = exact_scores(state, job, model, scores)
        print_ = state.prints["selectivity"]
        write_dataset(state.run / "selectivity.zarr", scores, print_)
        write_dataset(state.run / "sentence_position.zarr", reductions.tuning_from_summary(summary), print_)
        contexts = summary[[name for name in summary if str(name).startswith("context_")]]
        write_dataset(state.run / "contexts.zarr", contexts, print_)
        table = selectivity.neuron_table(scores)
        temporary = state.run / ".neurons.parquet"
        table.to_parquet(temporary, index=False)
        temporary.replace(state.run / "neurons.parquet")


def exact_scores(state: Work, job: Job, model: LanguageModel, scores: xr.Dataset) -> tuple[xr.Dataset, bool]:
    """Put exact ranks of the stored states in place of the histograms' auroc and average precision."""
    n_token, n_concept = state.record.facts["corpus"]["n_token"], scores.sizes["concept"]
    chunk = neuron_chunk(model.n_neuron)
    if rank_bytes(n_token, model.n_neuron, n_concept) > RANK_MEMORY:
        log.warning("the corpus is too long to rank in memory; auroc and average_precision come from histograms")
        return scores, False
    blocks = [
        ((layer, first), layer, slice(first, min(first + chunk, model.n_neuron)), job, model.layer_sizes)
        for layer in range(model.n_layer)
        for first in range(0, model.n_neuron, chunk)
    ]
    if state.study.store.activations == "float16":
        log.warning(
            "states are kept as float16, so ranks are those of rounded values; saturated neurons may be .01 off"
        )
    exact = {name: scores[name].copy() for name in ("auroc", "average_precision") if name in scores}
    with progress("rank", len(blocks), unit=" blocks") as bar:
        for (_, layer, neurons, *_), outcome in work(state.client, "rank", tasks.rank_block, deque(blocks)):
            if isinstance(outcome, BaseException):
                raise UserError(f"Ranking failed: {explain(outcome, state.run)}")
            for name, values in exact.items():
                values[{"layer": layer, "neuron": neurons}] = outcome[name]
            bar.update()
    for name, values in exact.items():
        scores[name] = values.where(scores[name].notnull())
        bound = f"{name}_error_bound"
        scores[bound] = xr.zeros_like(scores[bound]).where(scores[name].notnull())
    return scores, True


def rank_bytes(n_token: int, n_neuron: int, n_concept: int) -> int:
    """Return what ranking a block of neurons takes: their values, the labels, and the sorting of one neuron."""
    return n_token * (4 * neuron_chunk(n_neuron) + n_concept + 24)

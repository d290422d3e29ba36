"""Stage selectivity: scores with their nulls and intervals, contexts and the ranked table."""

import xarray as xr

from .. import selectivity, tasks
from ..inference.model import LanguageModel
from ..state_store import neuron_chunk
from ..store import open_dataset, write_dataset
from ..tasks import Job
from .columns import assemble, by_neurons, forget_blocks
from .significance import add_significance
from .tables import corpus_columns, type_tables
from .work import Work, log, make_job

RANK_MEMORY = 2 << 30
"""Bytes that ranking a block of neurons may take on a worker; a longer corpus is scored from histograms."""


def selectivity_stage(state: Work, model: LanguageModel) -> None:
    """Score every neuron for every concept, with nulls and intervals; contexts and the ranked table."""
    job, names = make_job(state, model), list(state.study.selectivity.measures)
    with state.stage("selectivity", "selectivity.zarr", "contexts.zarr", "neurons.parquet") as facts:
        summary = open_dataset(state.run / "summary.zarr").load()
        scores = selectivity.measure(summary, names).assign(duplicate_of=summary["duplicate_of"])
        facts["exact"] = False
        if state.stored and {"auroc", "average_precision"} & set(names):
            scores, facts["exact"] = exact_scores(state, job, model, scores)
        if state.study.selectivity.draws:
            tables = type_tables(summary, corpus_columns(state.run))
            scores = add_significance(state, job, model, scores, summary, tables)
        print_ = state.prints["selectivity"]
        write_dataset(state.run / "selectivity.zarr", scores, print_)
        contexts = summary[[name for name in summary if str(name).startswith("context_")]]
        write_dataset(state.run / "contexts.zarr", contexts, print_)
        table = selectivity.neuron_table(scores)
        temporary = state.run / ".neurons.parquet"
        table.to_parquet(temporary, index=False)
        temporary.replace(state.run / "neurons.parquet")
    forget_blocks(state)


def exact_scores(state: Work, job: Job, model: LanguageModel, scores: xr.Dataset) -> tuple[xr.Dataset, bool]:
    """Put exact ranks of the stored states in place of the histograms' auroc and average precision."""
    n_token, n_concept = state.record.facts["corpus"]["n_token"], scores.sizes["concept"]
    if rank_bytes(n_token, model.n_neuron, n_concept) > RANK_MEMORY:
        log.warning("the corpus is too long to rank in memory; auroc and average_precision come from histograms")
        return scores, False
    if state.study.store.activations == "float16":
        log.warning(
            "states are kept as float16, so ranks are those of rounded values; saturated neurons may be .01 off"
        )
    blocks = by_neurons(state, model, "rank", tasks.rank_block, lambda *_: (job,), "selectivity")
    exact = assemble(blocks, scores)
    for name in [name for name in ("auroc", "average_precision") if name in scores]:
        scores[name] = exact[name].transpose(*scores[name].dims).where(scores[name].notnull())
        bound = f"{name}_error_bound"
        scores[bound] = xr.zeros_like(scores[bound]).where(scores[name].notnull())
    return scores, True


def rank_bytes(n_token: int, n_neuron: int, n_concept: int) -> int:
    """Return what ranking a block of neurons takes: their values, the labels, and the sorting of one neuron."""
    return n_token * (4 * neuron_chunk(n_neuron) + n_concept + 24)

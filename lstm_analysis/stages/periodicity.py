"""Analysis periodicity: neurons with a period of their own, and those that follow the rhythm of the sentences."""

import numpy as np
import xarray as xr
import zarr

from .. import reductions, tasks
from ..analyses.periodicity import NOT_TESTED, CallRule, plan_segments, run_starts, slepian_tapers, stretches
from ..inference.model import LanguageModel
from ..store import open_dataset
from .columns import assemble, by_neurons
from .work import Work, log, make_job, stream_starts


def periodicity(state: Work, model: LanguageModel) -> xr.Dataset:
    """Return spectra, lines and what is left of them without the sentences."""
    job, summary = make_job(state, model), open_dataset(state.run / "summary.zarr")
    corpus = zarr.open_group(state.run / "corpus.zarr", mode="r")
    sentence = np.asarray(corpus["sentence"][:])  # type: ignore[index]
    edges = np.append(np.asarray(corpus["document_start"][:]), len(sentence))  # type: ignore[index]
    resets, sentence_start = stream_starts(state), run_starts(sentence)
    resets = np.empty(0, np.int64) if resets is None else resets
    plan = plan_segments(stretches(edges, sentence_start, resets, job.carry), sentence_start)
    log.info("periodicity: %s", plan.note)
    if not plan.length:
        return _not_tested(summary).assign_attrs(note=plan.note)
    tuning = reductions.tuning_from_summary(summary)["tuning_mean"].transpose("sentence_position", "layer", "neuron")
    rule = CallRule(state.study.selectivity.alpha, sum(model.layer_sizes), state.study.seed)
    found = by_neurons(
        state, model, "periodicity", tasks.periodicity_block,
        lambda layer, neurons: (job, plan, resets, tuning.values[:, layer, neurons], rule), "analyses",
    )  # fmt: skip
    tapers = slepian_tapers(plan.length)
    return assemble(found, summary).assign(
        segment_length=plan.length, n_sentence_in_segment=plan.n_sentence, n_taper=tapers.n_taper,
        half_bandwidth=tapers.half_bandwidth, sentences_matter=plan.sentences_matter,
    ).assign_attrs(note=plan.note)  # fmt: skip


def _not_tested(summary: xr.Dataset) -> xr.Dataset:
    """Return what there is to say where there are too few segments."""
    like = summary["value_min"].transpose("layer", "neuron").astype(np.float64)
    missing = {name: xr.full_like(like, np.nan) for name in ("period", "line_fraction", "p_value", "p_fwer")}
    return xr.Dataset(
        {**missing, "rhythm": xr.full_like(like, NOT_TESTED, np.int8), "n_segment": xr.full_like(like, 0, np.int64)}
    ).drop_attrs()

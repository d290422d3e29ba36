"""Nulls and intervals of scores: words exchanged within strata, labels shifted within documents, blocks left out."""

from typing import Any

import numpy as np
import xarray as xr

from .. import selectivity, tasks
from ..inference.model import LanguageModel
from ..statistics.multiplicity import benjamini_hochberg, max_t_p
from ..statistics.shift_labels import why_no_shift
from ..statistics.z_counts import counted_p
from ..tasks import Job
from .columns import Blocks, assemble, by_neurons
from .work import Work

BY_WORDS = "word types exchanged within strata"
BY_SHIFT = "labels shifted within documents"
_SCORE = ("concept", "layer", "neuron")
MEASURED = ("auroc", "d_prime", "mean_difference")


def add_significance(
    state: Work, job: Job, model: LanguageModel, scores: xr.Dataset, summary: xr.Dataset, tables: xr.Dataset
) -> xr.Dataset:
    """Return the scores with p-values, q-values and intervals.

    Parameters
    ----------
    state, job, model
        The study at work.
    scores
        A result of `selectivity.measure`.
    summary
        What it was measured on.
    tables
        A result of `type_tables`.

    Returns
    -------
    What `selectivity.type_scores` gives, with stored states also the intervals and ``p_shift``s of `tasks.shift_block`;
    and ``p_value, p_fwer, q_value`` (concept, layer, neuron) with ``p_null`` (concept), the null that they come from:
    exchanged words where the concept is decided by its words, else shifted labels.
    """
    config = state.study.selectivity
    with state.progress("words", scores.sizes["concept"], unit="concepts") as bar:
        found = selectivity.type_scores(tables, config.draws, state.study.seed, config.alpha)
        bar.update(scores.sizes["concept"])
    shifts = shift_scores(state, job, model, scores, summary) if state.stored else None
    return with_nulls(scores, found, shifts, state.record.facts["corpus"]["n_document"])


def with_nulls(scores: xr.Dataset, words: xr.Dataset, shifts: xr.Dataset | None, n_document: int) -> xr.Dataset:
    """Return the scores with what the two nulls say, and ``p_value, p_fwer, q_value, p_null`` from the one that fits.

    Parameters
    ----------
    scores
        A result of `selectivity.measure`.
    words
        A result of `selectivity.type_scores`.
    shifts
        Results of `tasks.shift_block`, put together; ``None`` where states are not kept.
    n_document
        Documents of the corpus.
    """
    decided = (words["type_null"] == "").values
    p = {"p_value": words["p_type"], "p_fwer": words["p_fwer_type"], "q_value": words["q_type"]}
    found, why = words, list(words["type_null"].values)
    if shifts is not None:
        shifted = _shift_p(shifts, ~decided)
        p = {name: array.where(xr.DataArray(decided, dims="concept"), shifted[name]) for name, array in p.items()}
        why = why_no_shift(scores["n_token"].values, shifts["n_shift_document"].values, n_document)
        kept = [name for name in map(str, shifts.data_vars) if name.endswith(("_low", "_high")) or "p_shift" in name]
        found = found.assign({name: shifts[name] for name in kept})
    nulls = [BY_SHIFT if shifts is not None and not text else f"none: {text}" for text in why]
    found = found.assign(p_null=("concept", np.where(decided, BY_WORDS, nulls).astype(object)))
    return scores.assign(found.data_vars).assign({name: array.transpose(*_SCORE) for name, array in p.items()})


def shift_scores(state: Work, job: Job, model: LanguageModel, scores: xr.Dataset, summary: xr.Dataset) -> xr.Dataset:
    """Return what `tasks.shift_block` gives for all neurons; ``z_maximum`` and ``z_count`` are those of all of them."""
    config = state.study.selectivity
    base = measured(scores, summary)

    def arguments(layer: int, neurons: slice) -> tuple[Any, ...]:
        part = base.isel(layer=layer, neuron=neurons).reset_coords(drop=True)
        return job, part, config.draws, config.alpha, state.study.seed

    return assemble_shifts(by_neurons(state, model, "shift", tasks.shift_block, arguments, "selectivity"), scores)


def assemble_shifts(found: Blocks, scores: xr.Dataset) -> xr.Dataset:
    """Return the results of `tasks.shift_block` of all neurons: maxima are those of all, counts add up."""
    return assemble(found, scores, {"z_maximum": np.maximum, "z_count": np.add})


def measured(scores: xr.Dataset, summary: xr.Dataset) -> xr.Dataset:
    """Return the scores that have intervals; those that the scores lack are read off the summary."""
    base = selectivity.measure(summary, MEASURED)
    return base.assign({name: scores[name] for name in MEASURED if name in scores})[list(MEASURED)]


def _shift_p(shifts: xr.Dataset, tested: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> xr.Dataset:
    """Return p, max-T and q of the temporal null, dims (concept, layer, neuron), for the concepts that it tests."""
    z = shifts["z_shift"].transpose(*_SCORE).values
    flat = z.reshape(len(z), -1)
    pooled = np.where(tested[:, None], counted_p(flat, shifts["z_count"].values), np.nan)
    maxima = shifts["z_maximum"].transpose("draw", "concept").values
    fwer = np.stack([max_t_p(np.abs(flat[k]), maxima[:, k]) for k in range(len(flat))])
    values = {"p_fwer": fwer, "q_value": benjamini_hochberg(pooled)}
    found = xr.Dataset({name: (_SCORE, array.reshape(z.shape)) for name, array in values.items()})
    return found.assign(p_value=shifts["p_shift"])

"""Analysis pca: a basis from the whole corpus, and whether sets of words and phrases are told apart in it."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import tasks
from ..analyses.pca import (
    N_COMPONENT,
    N_DIMENSION,
    empty_separability,
    occurrence_points,
    principal_components,
    project,
    separate_idioms,
    word_points,
)
from ..fixed_point import GRAM_SCALE, covariance
from ..inference.model import LanguageModel
from ..store import open_dataset
from .columns import assemble, by_neurons, do_kept
from .occurrences import find_occurrences
from .plans import keep_plan
from .words import StudyWords, study_words
from .work import Work, log, make_job

MOST_DRAWS = 1000
"""Random sets of a test, each of which a classifier is fitted to for every fold, space and number of components."""
MOST_PAIRED = 12
"""Concepts, those with most words, of which every two are told apart."""
MOST_OCCURRENCES = 2_000
N_SCORE = max(N_DIMENSION)


def pca(state: Work, model: LanguageModel) -> xr.Dataset:
    """Return the principal components of the states, and how words of concepts and uses of idioms lie in them."""
    basis = run_basis(state)
    words = study_words(state)
    vectors = words.table.effect * words.value_sd
    score = project(basis["loading"], vectors, words.table.neuron)
    corpus = open_dataset(state.run / "corpus.zarr")
    points = word_points(
        score, words.sets, words.table.type_id, words.table.n_token, corpus["type"].values.tolist(), state.study.seed
    )
    told = separate_sets(state, words, score[:, :, :N_SCORE])
    idioms = idiom_scores(state, model, basis, corpus)
    found = xr.merge([basis, words.counts(), points, told, idioms], combine_attrs="drop", join="exact", compat="equals")
    return found.assign_coords(words.coords)


def run_basis(state: Work) -> xr.Dataset:
    """Return the principal components of a run, from the products that its summary holds."""
    names = ("gram_n_token", "gram_value_sum", "gram_high", "gram_low", "value_min")
    summary = open_dataset(state.run / "summary.zarr")[list(names)].load()
    n_token = int(summary["gram_n_token"])
    mean = (summary["gram_value_sum"] / (GRAM_SCALE * n_token)).where(summary["value_min"].notnull())
    found = principal_components(covariance(summary), mean.transpose("layer", "neuron").values, N_COMPONENT)
    return found.assign(n_token=n_token)


def separate_sets(state: Work, words: StudyWords, score: NDArray[np.float64]) -> xr.Dataset:
    """Return how well the words of each concept are told from matched words, and from those of other concepts.

    Parameters
    ----------
    state
        The study at work.
    words
        Its word sets.
    score
        Dims (space, table_type, component).
    """
    plan = words.plan().assign(score=(("space", "table_type", "component"), score))
    store, told = keep_plan(state, "pca", plan), words.told
    draws, seed = min(state.study.selectivity.draws, MOST_DRAWS), state.study.seed
    paired = sorted(sorted(range(len(told)), key=lambda i: -words.sets[told[i]].n_used)[:MOST_PAIRED])
    others = [[j for j in paired if j > i] if i in paired else [] for i in range(len(told))]
    queue = {(k,): (state.run.resolve(), store, i, others[i], draws, seed) for i, k in enumerate(told)}
    found = do_kept(state, "pca-words", tasks.separate_concept, queue, "analyses", "concepts")
    empty = empty_separability(len(score))
    each = [found[k,][list(empty.data_vars)] if (k,) in found else empty for k in range(len(words.sets))]
    pairs = [(told[i], told[j]) for i in range(len(told)) for j in others[i]]
    result = xr.concat(each, dim="concept").transpose("concept", "space", "n_dimension")
    for place, name in enumerate(("pair_first", "pair_second")):
        result[name] = ("pair", np.array([pair[place] for pair in pairs], dtype=np.int64))
    for name in ("pair_accuracy", "pair_p_value"):
        parts = [found[k,][name].values for i, k in enumerate(told) if others[i]]
        values = np.concatenate([*parts, np.empty((0, *empty["accuracy"].shape))])
        result[name] = (("pair", *empty["accuracy"].dims), values)
    return result


def idiom_scores(state: Work, model: LanguageModel, basis: xr.Dataset, corpus: xr.Dataset) -> xr.Dataset:
    """Return scores of occurrences of idioms at their last word, and whether their two uses are told apart.

    Without stored states, or idioms, there is nothing. Of more than 2,000 occurrences every n-th is taken.
    """
    occurrences = find_occurrences(state, corpus) if state.stored else None
    if occurrences is None or not occurrences.sizes["occurrence"]:
        return xr.Dataset()
    n_all = occurrences.sizes["occurrence"]
    kept = np.unique(np.linspace(0, n_all - 1, min(n_all, MOST_OCCURRENCES)).astype(np.int64))
    if len(kept) < n_all:
        log.info("pca: of %s occurrences of idioms %s are looked at", f"{n_all:,}", f"{len(kept):,}")
    some = occurrences.isel(occurrence=kept)
    time, idiom, value = (some[f"occurrence_{name}"].values for name in ("stop", "idiom", "value"))
    time = time - 1
    plan = keep_plan(state, "pca-rows", xr.Dataset({"row_time": ("row", time)}))
    job = make_job(state, model)
    blocks = by_neurons(state, model, "pca-rows", tasks.state_rows, lambda *_: (job, plan), "analyses")
    centred = assemble(blocks)["value"].transpose("row", ...).values - basis["state_mean"].values
    score = project(basis["loading"], centred.reshape(len(time), -1).astype(np.float64))
    draws = min(state.study.selectivity.draws, MOST_DRAWS)
    told = separate_idioms(score[:, :, :N_SCORE], idiom, value == 1, draws, state.study.seed)
    names = {"accuracy": "idiom_accuracy", "accuracy_null_high": "idiom_accuracy_null_high", "p_value": "idiom_p_value"}
    named = told[[*names, "n_idiom_separated"]].rename(names)
    return occurrence_points(score, time, idiom, value).assign(named).assign_coords(idiom=some["idiom"].values)

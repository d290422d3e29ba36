"""What the analyses of word sets do for one concept, and what they need of the states at chosen tokens."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from ..analyses.pca import separate_pairs, separate_words
from ..analyses.probes import probe_words
from ..statistics.strata import Matching
from ..statistics.word_sets import WordSet
from ..store import open_dataset
from .columns import Columns
from .job import Job


def separate_concept(
    index: tuple[int], run: Path, plan: str, told: int, others: Sequence[int], draws: int, seed: int
) -> xr.Dataset:
    """Return how a concept's words are told from matched words, and (``pair_``) from those of other concepts.

    Parameters
    ----------
    index, run
        Of the task, and the run's folder.
    plan
        The store of the word sets, with ``score`` (space, table_type, component).
    told, others
        Which of its sets, against which others.
    draws, seed
        Of the nulls.
    """
    read = open_dataset(run / plan).load()
    score, n_token = read["score"].values, read["type_n_token"].values
    words = word_set(read, told)
    found = separate_words(score, words, draws, seed)
    pairs = separate_pairs(score, words, [word_set(read, k) for k in others], n_token, draws, seed)
    for name in ("accuracy", "p_value") if pairs else ():
        found[f"pair_{name}"] = xr.concat([pair[name] for pair in pairs], dim="pair")
    return found


def probe_concept(index: tuple[int], run: Path, plan: str, told: int, seed: int) -> xr.Dataset:
    """Return the sparse probes of a set; ``plan`` is the store of word sets, with ``effect`` (table_type, kept)."""
    read = open_dataset(run / plan)
    words = word_set(read, told)
    return probe_words(read["effect"].values[words.rows], words, seed)


def state_rows(index: tuple[int, int], layer: int, neurons: slice, job: Job, plan: str) -> xr.Dataset:
    """Return h of a few neurons at the tokens ``row_time`` of a plan, dims (row, neuron)."""
    time = open_dataset(job.run / plan)["row_time"].values
    return xr.Dataset({"value": (("row", "neuron"), Columns(job, layer, neurons).rows(time))})


def word_set(plan: xr.Dataset, told: int) -> WordSet:
    """Return one of the sets of a plan."""
    stratum = plan["stratum"].values[told].astype(np.int64)
    matching = Matching(stratum, plan["member"].values[told], 0, ())
    return WordSet(str(plan["name"].values[told]), matching, int(matching.member.sum()), "")

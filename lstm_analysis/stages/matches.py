"""Analysis matches: the phrases that a study names, and where else their neurons are on together."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ..errors import UserError
from ..inference.model import LanguageModel
from ..match.agreement import count_agreeing, mask_of_all
from ..match.find import N_DRAW
from ..match.of_run import bits_of, match_span
from ..match.of_states import stored_states
from ..match.phrase import find_phrase
from ..run import Run
from .work import Work, log

if TYPE_CHECKING:
    from distributed import Client

N_MATCH = 20
THRESHOLD, LEFT, RIGHT = 0.3, 1, 0
"""The selection rule: that of LSTMVis, upwards and downwards, off at the token before."""
COLUMNS = {"start": -1, "length": 0, "n_shared": 0, "n_union": 0, "is_query": False, "is_phrase": False,
           "jaccard": np.nan, "p_value": np.nan, "null_jaccard": np.nan}  # fmt: skip
"""What is kept of a match, and what stands there past the last one."""
COUNTS = {"n_occurrence": 0, "n_occurrence_selecting": 0, "n_selected": 0, "query_start": -1, "query_stop": -1}


def matches(state: Work, model: LanguageModel) -> xr.Dataset:
    """Return the matches of the study's phrases."""
    study, draws = state.study, min(state.study.selectivity.draws, N_DRAW)
    found = match_phrases(Run(state.run), study.phrases, draws, study.seed, state.client)
    if study.model.twin is None:  # of a twin it is no wonder
        for phrase in found["phrase"].values[(found["n_selected"] == 0).values]:
            log.warning(
                "the phrase %r has no match: it stands at %s places, none of which selects a neuron at %s", phrase,
                f"{int(found['n_occurrence'].sel(phrase=phrase)):,}", THRESHOLD,
            )  # fmt: skip
    return found


def match_phrases(
    run: Run, phrases: tuple[str, ...], draws: int, seed: int, client: "Client | None" = None
) -> xr.Dataset:
    """Return the best matches of phrases.

    Of the occurrences of a phrase the first one that selects a neuron is looked for. A phrase that stands nowhere, or
    selects no neuron, has no match.

    Parameters
    ----------
    run
        A run with stored states.
    phrases
        Words, blanks between them.
    draws, seed
        Random spans of the null distribution, see `match.find_matches`; 0 for none.
    client
        A Dask client whose workers make the index of bits.

    Returns
    -------
    Dims (phrase): `n_occurrence`, `n_occurrence_selecting`, `query_start`, `query_stop` (-1 where there is none),
    `n_selected`; dims (phrase, match): the columns of `find_matches`, and `is_phrase`, whether it is an occurrence.
    """
    table = {name: np.full((len(phrases), N_MATCH), empty) for name, empty in COLUMNS.items()}
    counts = {name: np.full(len(phrases), empty) for name, empty in COUNTS.items()}
    for i, phrase in enumerate(phrases):
        found = _of_phrase(run, phrase, draws, seed, client)
        for name in COUNTS:
            counts[name][i] = found.get(name, COUNTS[name])
        for name in COLUMNS:
            if name in found:
                table[name][i, : found.sizes["match"]] = found[name].values
    columns = {name: (("phrase", "match"), values) for name, values in table.items()}
    return xr.Dataset(
        columns | {name: ("phrase", values) for name, values in counts.items()},
        {"phrase": np.array(phrases, object)},
        {"threshold": THRESHOLD, "left": LEFT, "right": RIGHT, "n_draw": draws},
    )


def _of_phrase(run: Run, phrase: str, draws: int, seed: int, client: "Client | None") -> xr.Dataset:
    try:
        start, stop = find_phrase(run.corpus, phrase)
    except UserError:  # it stands nowhere
        return xr.Dataset()
    bits = bits_of(stored_states(run, "hidden"), THRESHOLD, "both", client)
    number = count_agreeing(bits, mask_of_all(bits), start, stop, LEFT, RIGHT)
    if not number.any():
        return xr.Dataset({"n_occurrence": len(start)})
    query = int(np.flatnonzero(number)[0])
    span = int(start[query]), int(stop[query])
    found = match_span(
        run, *span, threshold=THRESHOLD, left=LEFT, right=RIGHT, n=N_MATCH, draws=draws, seed=seed, client=client
    )
    first = found["start"].values[:, np.newaxis]
    is_phrase = (start < first + found["length"].values[:, np.newaxis]) & (stop > first)
    return found.assign(
        is_phrase=("match", is_phrase.any(axis=1)),
        n_occurrence=len(start),
        n_occurrence_selecting=int((number > 0).sum()),
        n_selected=found.sizes["selected"],
        query_start=span[0],
        query_stop=span[1],
    )

"""Which windows of tokens are set against the idiomatic occurrences: literal uses, same last word, same head word."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .collocations import Matched
from .occurrences import N_FUNCTION_WORD, Occurrences, head_words
from .text import Positions, Text

IDIOMATIC = "idiomatic"
CONTRASTS = ("literal", "tail", "head", "matched")
ROLES = (IDIOMATIC, *CONTRASTS)


@dataclass(frozen=True)
class Windows:
    """Half-open intervals of tokens."""

    start: Positions
    stop: Positions


class Places:
    """Where the words stand that end or head an idiom."""

    def __init__(self, text: Text, forms: NDArray[np.int32]):
        wanted = np.zeros(len(text.forms), bool)
        wanted[forms] = True
        time = np.flatnonzero(wanted[text.form_id])
        form = text.form_id[time]
        self._time = time[np.argsort(form, kind="stable")]
        self._edge = np.concatenate([[0], np.cumsum(np.bincount(form, minlength=len(text.forms)))])

    def of(self, form: int) -> Positions:
        """Return the tokens that are the word, ascending."""
        return self._time[self._edge[form] : self._edge[form + 1]]


def windows_of_idioms(
    text: Text, occurrences: Occurrences, matched: list[Matched | None], n_window: int, seed: int
) -> list[dict[str, Windows]]:
    """Return the windows of each idiom by role (`ROLES`), at most ``n_window`` each, a seeded sample.

    Parameters
    ----------
    text, occurrences, matched
        From `Text.of`, `Occurrences.of` and `match_collocations`.
    n_window
        Most windows of a role; larger samples add little, as the unit of inference is the idiom.
    seed
        Of the samples; each idiom and role has its own stream.

    Notes
    -----
    ``tail`` and ``head`` windows end at the word in question, elsewhere than in any occurrence of this idiom, and are
    as long as most of its occurrences (shorter at the beginning of a sentence). Where the occurrences end in several
    forms (or have several head words), each form has the share among the controls that it has among the occurrences,
    as far as it is there. An idiom has no ``head`` where no content word stands before its final one.
    """
    is_function = text.function_words(N_FUNCTION_WORD)
    rows = [occurrences.of_idiom(i, 1) for i in range(len(occurrences.names))]
    words = [(occurrences.stop[row] - 1, head_words(text, occurrences, row, is_function)) for row in rows]
    times = np.concatenate([np.empty(0, np.int64), *(part[part >= 0] for pair in words for part in pair)])
    places = Places(text, np.unique(text.form_id[times]))
    found = []
    for i, (tails, heads) in enumerate(words):
        of = {role: np.random.default_rng([seed, k, i]) for k, role in enumerate(ROLES)}
        here = {IDIOMATIC: _occurring(occurrences, rows[i], n_window, of[IDIOMATIC])}
        here["literal"] = _occurring(occurrences, occurrences.of_idiom(i, 0), n_window, of["literal"])
        own = np.flatnonzero(occurrences.idiom == i)
        inside = _tokens(occurrences.start[own], occurrences.stop[own])
        match = matched[i]
        length = 1 if match is None else match.length
        for role, times in (("tail", tails), ("head", heads[heads >= 0])):
            ends = _elsewhere(text, places, times, inside, n_window, of[role])
            here[role] = Windows(np.maximum(text.begin(ends), ends + 1 - length), ends + 1)
        first = np.empty(0, np.int64) if match is None else match.place[:n_window, 0]
        here["matched"] = Windows(first, first + length)
        found.append(here)
    return found


def _occurring(occurrences: Occurrences, rows: NDArray[np.int64], n_window: int, rng: np.random.Generator) -> Windows:
    rows = np.sort(rng.permutation(rows)[:n_window])
    return Windows(occurrences.start[rows], occurrences.stop[rows])


def _tokens(start: Positions, stop: Positions) -> Positions:
    spans = [np.arange(a, b) for a, b in zip(start.tolist(), stop.tolist(), strict=True)]
    return np.concatenate([np.empty(0, np.int64), *spans])


def _elsewhere(
    text: Text, places: Places, times: Positions, inside: Positions, n_window: int, rng: np.random.Generator
) -> Positions:
    """Return a sample of the places of the words at some tokens, not of those inside the idiom's occurrences."""
    forms, n = np.unique(text.form_id[times], return_counts=True)
    chosen = [np.empty(0, np.int64)]
    for form, share in zip(forms.tolist(), (n / max(1, n.sum())).tolist(), strict=True):
        everywhere = places.of(form)
        wanted = max(1, round(n_window * share))
        spare = wanted + int((text.form_id[inside] == form).sum())
        drawn = everywhere[rng.choice(everywhere.size, min(everywhere.size, spare), replace=False)]
        chosen.append(drawn[~np.isin(drawn, inside)][:wanted])
    return np.sort(np.concatenate(chosen))

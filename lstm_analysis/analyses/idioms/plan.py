"""Which tokens' states the idiom analysis needs, and what they are for."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ... import schema
from .collocations import Matched, match_collocations
from .controls import ROLES, Windows, windows_of_idioms
from .occurrences import Occurrences
from .text import Positions, Text

N_WINDOW = 200


def plan_idioms(
    corpus: xr.Dataset,
    occurrences: xr.Dataset,
    surprisal: NDArray[np.floating] | None = None,
    *,
    n_window: int = N_WINDOW,
    seed: int = 0,
) -> xr.Dataset:
    """Choose idiomatic occurrences and their controls, and list the tokens whose states are needed.

    Memory: about 13 bytes a token for the columns, 5 for flags, and a bounded part of the n-grams at a time (see
    `repeated_ngrams`). The plan is the same for the same seed; an idiom's sample does not depend on the other idioms.

    Parameters
    ----------
    corpus
        `type_id`, `sentence_position`, `sentence_length` (time) and the table `type`; in memory or lazy.
    occurrences
        `occurrence_start`, `occurrence_stop`, `occurrence_idiom` and, if literal uses are known, `occurrence_value`
        (occurrence); the table `idiom`.
    surprisal
        Of each token in bits, dims (time); without it collocations are matched on length and frequency only.
    n_window
        Most occurrences of an idiom, and most controls of each kind, that are used.
    seed
        Of all samples.

    Returns
    -------
    `row_time` (row): tokens to read, ascending. `window_first`, `window_length`, `window_next`, `window_idiom`,
    `window_role` (window): first row, rows, row after the final word (-1 where the sentence ends), idiom and index in
    ``role``, ordered by role and idiom. `place_first`, `place_before`, `place_after`, `place_phrase` (place): the same
    for each place of a phrase, flanks outside its sentence being -1. `phrase_length`, `phrase_first_place`,
    `phrase_n_place` (phrase). `idiom_phrase`, `collocation_distance` (idiom): its phrase, or -1 and NaN.
    `collocation_idiom`, `collocation_phrase` (collocation): which phrases are matched to which idiom.

    Raises
    ------
    UserError
        If an occurrence lies outside the corpus.
    """
    text = Text.of(corpus)
    found = Occurrences.of(occurrences, text.n_token)
    matched = match_collocations(text, found, surprisal, seed)
    windows = _window_table(windows_of_idioms(text, found, matched, n_window, seed), text)
    phrases = _phrase_table(matched, found, text)
    rows = _rows(windows, phrases)
    coords = {"idiom": np.array(found.names, dtype=object), "role": np.array(ROLES, dtype=object)}
    variables = {"row_time": ("row", rows), **_place_in_rows(rows, {**windows, **phrases})}
    plan: xr.Dataset = schema.attach_attrs(xr.Dataset(variables, coords))
    return plan


Columns = dict[str, tuple[str, NDArray[Any]]]


def _window_table(idioms: list[dict[str, Windows]], text: Text) -> Columns:
    """Return the windows by role and idiom; first and next token as times."""
    start, stop, idiom, role = [], [], [], []
    for k, name in enumerate(ROLES):
        for i, of in enumerate(idioms):
            start.append(of[name].start)
            stop.append(of[name].stop)
            idiom.append(np.full(of[name].start.size, i, np.int32))
            role.append(np.full(of[name].start.size, k, np.int8))
    first, end = _joined(start), _joined(stop)
    after = np.where(end < text.stop(end - 1), end, -1)
    columns: dict[str, NDArray[Any]] = {"first": first, "length": (end - first).astype(np.int32), "next": after,
               "idiom": np.concatenate([np.empty(0, np.int32), *idiom]),
               "role": np.concatenate([np.empty(0, np.int8), *role])}  # fmt: skip
    return {f"window_{name}": ("window", column) for name, column in columns.items()}


def _joined(parts: Iterable[Positions]) -> Positions:
    return np.concatenate([np.empty(0, np.int64), *parts])


def _phrase_table(matched: list[Matched | None], found: Occurrences, text: Text) -> Columns:
    """Return idioms and collocations as phrases with their places; first and flanking tokens as times."""
    places, lengths, of_idiom, link = _phrases(matched, found)
    n_place = np.array([place.size for place in places], np.int64)
    start, length = _joined(places), np.repeat(np.array(lengths, np.int64), n_place)
    distance = np.array([np.nan if match is None else match.distance for match in matched])
    before = np.where(start > text.begin(start), start - 1, -1)
    after = np.where(start + length < text.stop(start), start + length, -1)
    return {
        "place_first": ("place", start), "place_before": ("place", before), "place_after": ("place", after),
        "place_phrase": ("place", np.repeat(np.arange(len(places), dtype=np.int32), n_place)),
        "phrase_length": ("phrase", np.array(lengths, np.int32)),
        "phrase_first_place": ("phrase", np.cumsum(n_place) - n_place), "phrase_n_place": ("phrase", n_place),
        "idiom_phrase": ("idiom", of_idiom), "collocation_distance": ("idiom", distance),
        "collocation_idiom": ("collocation", link[:, 0]), "collocation_phrase": ("collocation", link[:, 1]),
    }  # fmt: skip


def _phrases(
    matched: list[Matched | None], found: Occurrences
) -> tuple[list[Positions], list[int], NDArray[np.int32], NDArray[np.int32]]:
    """Return places and length of each phrase, the phrase of each idiom, and pairs of idiom and collocation.

    A collocation that several idioms share is one phrase, with the most places that any of them asks for.
    """
    index: dict[tuple[int, int], int] = {}
    places: list[Positions] = []
    lengths: list[int] = []
    links: list[tuple[int, int]] = []
    of_idiom = np.full(len(matched), -1, np.int32)
    for i, match in enumerate(matched):
        if match is None:
            continue
        of_idiom[i] = len(places)
        places.append(found.start[match.occurrence])
        lengths.append(match.length)
        for place in match.place:
            phrase = index.setdefault((int(place[0]), match.length), len(places))
            if phrase == len(places):
                places.append(place)
                lengths.append(match.length)
            elif places[phrase].size < place.size:
                places[phrase] = place
            links.append((i, phrase))
    return places, lengths, of_idiom, np.array(links, np.int32).reshape(-1, 2)


def _rows(windows: Columns, phrases: Columns) -> Positions:
    """Return all tokens that windows, phrases and their neighbours cover, ascending."""
    of_place = phrases["phrase_length"][1][phrases["place_phrase"][1]]
    spans = [(windows["window_first"][1], windows["window_length"][1]), (phrases["place_first"][1], of_place)]
    alone = [windows["window_next"][1], phrases["place_before"][1], phrases["place_after"][1]]
    parts = [np.unique(part) for part in alone]
    for first, length in spans:
        offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        parts.append(np.unique(np.repeat(first, length) + offset))
    rows = np.unique(_joined(parts))
    return rows[rows >= 0]


_TIMES = ("window_first", "window_next", "place_first", "place_before", "place_after")


def _place_in_rows(rows: Positions, columns: Columns) -> Columns:
    """Replace times by rows; -1 stays."""
    for name in _TIMES:
        dim, time = columns[name]
        columns[name] = (dim, np.where(time >= 0, np.searchsorted(rows, time), -1))
    return columns

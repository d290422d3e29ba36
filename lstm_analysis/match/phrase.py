"""Where a phrase stands in a corpus, and the nearest phrases that do where it does not."""

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import UsageError, UserError

SLAB = 1 << 18
"""Tokens that are in memory at once."""
N_NEAREST = 5
Positions = NDArray[np.int64]


def find_phrase(corpus: xr.Dataset, phrase: str) -> tuple[Positions, Positions]:
    """Return where words stand next to one another, whatever their case, sentence ends or documents between them not.

    Parameters
    ----------
    corpus
        The corpus, in memory or lazy; it is read a slab at a time.
    phrase
        Words, blanks between them.

    Returns
    -------
    First token and token after the last of each occurrence, ascending.

    Raises
    ------
    UserError
        If it stands nowhere, with the nearest phrases that do.
    """
    words = phrase.lower().split()
    if not words:
        raise UsageError("The phrase is empty; give the words to look for, such as --text 'in the red'.")
    column, sentence = _word_columns(corpus)
    accepted = _accepted(corpus, [[word] for word in words])
    found = [first + np.flatnonzero(agree.all(axis=0)) for first, agree, _ in _windows(column, sentence, accepted)]
    first = np.concatenate(found) if found else np.empty(0, np.int64)
    if not len(first):
        raise UserError(_not_found(corpus, phrase, words))
    return _tokens(corpus, first, len(words))


def _word_columns(corpus: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the type and the sentence of each word."""
    of_pieces = "word" in corpus
    return (corpus["word_type_id"], corpus["word_sentence"]) if of_pieces else (corpus["type_id"], corpus["sentence"])


def _tokens(corpus: xr.Dataset, first: Positions, n_word: int) -> tuple[Positions, Positions]:
    """Return the tokens of occurrences given by their first word; of a model of pieces those of all their pieces."""
    if "word" not in corpus:
        return first, first + n_word
    word = corpus["word"].compute(scheduler="synchronous").values
    return np.searchsorted(word, first), np.searchsorted(word, first + n_word)


def _accepted(corpus: xr.Dataset, words: Sequence[Sequence[str]]) -> list[NDArray[np.int64]]:
    """Return for each place in the phrase the types that fit it, ascending."""
    place: dict[str, list[int]] = {}
    for code, form in enumerate(corpus["type"].values.tolist()):
        place.setdefault(str(form).lower(), []).append(code)
    return [np.array(sorted(code for word in one for code in place.get(word, ())), np.int64) for one in words]


def _windows(
    column: xr.DataArray, sentence: xr.DataArray, accepted: Sequence[NDArray[np.int64]]
) -> Iterator[tuple[int, NDArray[np.bool_], NDArray[np.integer]]]:
    """Yield the first word of a slab, which places of the phrase fit (place, word), and the types of the words."""
    n_word, n = column.shape[0], len(accepted)
    for first in range(0, n_word - n + 1, SLAB):
        stop = min(n_word, first + SLAB + n - 1)
        types = column[first:stop].compute(scheduler="synchronous").values
        sentences = sentence[first:stop].compute(scheduler="synchronous").values
        size = stop - first - n + 1
        agree = np.stack([np.isin(types[i : i + size], fits) for i, fits in enumerate(accepted)])
        agree &= sentences[:size] == sentences[n - 1 :]
        yield first, agree, types


def _not_found(corpus: xr.Dataset, phrase: str, words: Sequence[str]) -> str:
    """Return the message for a phrase that stands nowhere."""
    forms = {str(form).lower() for form in corpus["type"].values}
    unknown = [word for word in words if word not in forms]
    near = {word: difflib.get_close_matches(word, forms, n=3, cutoff=0.75) for word in unknown}
    message = f"The phrase {phrase!r} does not stand in the corpus inside one sentence."
    if unknown:
        hints = [f"{word!r}" + (f" (near are {', '.join(near[word])})" if near[word] else "") for word in unknown]
        message += f" Words that it does not have: {', '.join(hints)}."
    nearest = _nearest(corpus, [[word, *near.get(word, [])] for word in words])
    return message + (f" The nearest phrases: {nearest}." if nearest else " Check its spelling.")


def _nearest(corpus: xr.Dataset, words: Sequence[Sequence[str]]) -> str:
    """Return the most frequent phrases among those that agree in most words with the one looked for."""
    accepted, best, counts = _accepted(corpus, words), 1, Counter[tuple[int, ...]]()
    for _, agree, types in _windows(*_word_columns(corpus), accepted):
        number = agree.sum(axis=0)
        here = int(number.max(initial=0))
        if here > best:
            best, counts = here, Counter()
        if here == best:
            rows = np.flatnonzero(number == best)
            counts.update(map(tuple, types[rows[:, np.newaxis] + np.arange(len(words))].tolist()))
    names = corpus["type"].values
    return ", ".join(
        f"{' '.join(str(names[code]) for code in codes)!r} ({number:,})"
        for codes, number in counts.most_common(N_NEAREST)
    )

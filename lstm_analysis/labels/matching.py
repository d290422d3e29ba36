"""Where the phrases of a concept file occur: all candidates of a pattern at once, slot by slot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .intervals import Positions, expand, without_overlaps
from .phrases import GAP, Pattern, Phrases, Slot, TypeTable, accepted_types
from .source import read_rows


@dataclass(frozen=True)
class Window:
    """The tokens of some whole sentences, and where among them each type stands.

    Parameters
    ----------
    first
        The `time` of row 0; rows count from here.
    type_id, sentence
        Columns of the rows, followed by ``-1`` for as many rows as a pattern may reach.
    order, ordered_type
        Rows in the order of their type, and their types.
    """

    first: int
    type_id: NDArray[np.int32]
    sentence: NDArray[np.int64]
    order: Positions
    ordered_type: NDArray[np.int32]

    @classmethod
    def around(cls, corpus: xr.Dataset, start: int, stop: int, reach: int) -> "Window":
        """Read the sentences that the tokens ``[start, stop)`` belong to.

        Whole sentences, because which occurrences count, from left to right without overlap, can hang on any
        earlier token of the sentence.
        """
        first, last = sentence_bounds(corpus, start, stop)
        type_id = read_rows(corpus, "type_id", first, last)
        sentence = read_rows(corpus, "sentence", first, last)
        order = np.argsort(type_id, kind="stable")
        padding = np.full(reach, -1)
        return cls(
            first=first,
            type_id=np.concatenate([type_id, padding.astype(type_id.dtype)]),
            sentence=np.concatenate([sentence, padding]),
            order=order,
            ordered_type=type_id[order],
        )

    def rows_of(self, types: NDArray[np.int32]) -> Positions:
        """Return the rows that hold one of the types, ascending."""
        begin = np.searchsorted(self.ordered_type, types, side="left")
        end = np.searchsorted(self.ordered_type, types, side="right")
        return np.sort(self.order[expand(begin, end)[0]])


def sentence_bounds(corpus: xr.Dataset, start: int, stop: int) -> tuple[int, int]:
    """Return first token and token after the last of the sentences that the tokens ``[start, stop)`` belong to."""
    first = start - int(read_rows(corpus, "sentence_position", start, start + 1)[0])
    position = int(read_rows(corpus, "sentence_position", stop - 1, stop)[0])
    length = int(read_rows(corpus, "sentence_length", stop - 1, stop)[0])
    return max(0, first), min(corpus.sizes["time"], stop - 1 - position + length)


def find_phrases(
    corpus: xr.Dataset, phrases: Phrases, start: int, stop: int, max_gap: int, subtokens: bool = False
) -> tuple[Positions, Positions, NDArray[np.int64]]:
    """Return the occurrences of phrases in the sentences that the tokens ``[start, stop)`` belong to.

    An occurrence lies inside one sentence. Of occurrences of the same phrase that begin at the same token the
    shortest counts; then those of a phrase are counted from left to right without overlap.

    Parameters
    ----------
    corpus
        Corpus with `type_id`, `sentence`, `sentence_position`, `sentence_length` and the table `type`.
    phrases
        Names and the patterns of each.
    start, stop
        Tokens, positions on ``time``.
    max_gap
        Most tokens that a gap spans.
    subtokens
        Whether a word also stands for identifiers that have it as a sub-token.

    Returns
    -------
    First token, token after the last and index of the phrase of each occurrence; by phrase, then by place.
    """
    accepted = accepted_types(phrases, TypeTable.of(corpus), subtokens)
    reach = max((max_gap * len(pattern) for _, patterns in phrases for pattern in patterns), default=0)
    window = Window.around(corpus, start, stop, reach)
    found = [_occurrences(window, patterns, accepted, max_gap) for _, patterns in phrases]
    phrase = np.repeat(np.arange(len(found)), [begin.size for begin, _ in found])
    none = np.empty(0, dtype=np.int64)
    begin = np.concatenate([none, *(begin for begin, _ in found)]) + window.first
    end = np.concatenate([none, *(end for _, end in found)]) + window.first
    return begin, end, phrase


def _occurrences(
    window: Window, patterns: Iterable[Pattern], accepted: Mapping[Slot, NDArray[np.int32]], max_gap: int
) -> tuple[Positions, Positions]:
    found = [_candidates(window, pattern, accepted, max_gap) for pattern in patterns]
    return without_overlaps(np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found]))


def _candidates(
    window: Window, pattern: Pattern, accepted: Mapping[Slot, NDArray[np.int32]], max_gap: int
) -> tuple[Positions, Positions]:
    """Return first row and row after the last of every way to read the pattern, each once."""
    begin = window.rows_of(accepted[pattern[0]])
    here = begin + 1
    for slot in pattern[1:]:
        if begin.size == 0:
            break
        if slot == GAP:
            begin, here = _after_gap(begin, here, max_gap)
        else:
            same_sentence = window.sentence[here] == window.sentence[begin]
            fits = same_sentence & _is_member(window.type_id[here], accepted[slot])
            begin, here = begin[fits], here[fits] + 1
    return begin, here


def _after_gap(begin: Positions, here: Positions, max_gap: int) -> tuple[Positions, Positions]:
    ends = (here[:, np.newaxis] + np.arange(1, max_gap + 1)).ravel()
    begins = np.repeat(begin, max_gap)
    width = ends - begins
    scale = width.max() + 1
    begins, width = np.divmod(np.unique(begins * scale + width), scale)
    return begins, begins + width


def _is_member(types: NDArray[np.int32], accepted: NDArray[np.int32]) -> NDArray[np.bool_]:
    if accepted.size == 0:
        return np.zeros(types.shape, dtype=bool)
    place = np.minimum(np.searchsorted(accepted, types), accepted.size - 1)
    return np.asarray(accepted[place] == types)

"""Tokenizer files of Hugging Face (``tokenizer.json``), by the optional package ``tokenizers``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import UserError
from .segmentation import Pieces, end_row, require_word
from .vocabulary import END_NAMES, UNKNOWN_NAMES, Normalisation, Vocabulary, unused

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer


def tokenizer_vocabulary(text: str, normalisation: Normalisation, what: str) -> Vocabulary:
    """Return the vocabulary of a tokenizer file; an index that no token has gets a name all the same.

    Parameters
    ----------
    text
        Its JSON.
    normalisation
        Rewriting of words before the tokenizer's own.
    what
        Begins the message of an error.

    Raises
    ------
    UserError
        If the text is no such file, or the package ``tokenizers`` is missing.
    """
    rows = open_tokenizer(text, what).get_vocab(with_added_tokens=True)
    names = {i: name for name, i in rows.items()}
    tokens = tuple(names.get(i, unused(i)) for i in range(max(names, default=-1) + 1))
    return Vocabulary(tokens, normalisation, text)


def open_tokenizer(text: str, what: str) -> "Tokenizer":
    """Return the tokenizer of a file; it cuts off and fills up nothing.

    Raises
    ------
    UserError
        If the text is no such file, or the package ``tokenizers`` is missing.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise UserError(
            f"{what} is a Hugging Face tokenizer, which needs the package tokenizers: "
            "pip install 'lstm-analysis[tokenizers]'."
        ) from None
    try:
        tokenizer = Tokenizer.from_str(text)
    except Exception as error:  # the package raises nothing more special
        raise UserError(
            f"{what} is not understood as a Hugging Face tokenizer ({error}). Save it with Tokenizer.save, or "
            "update the package tokenizers."
        ) from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


class TokenizerSegmenter:
    """Cuts sentences by a Hugging Face tokenizer.

    A special token among the words, such as an end symbol, is one piece; none is ever added.

    Parameters
    ----------
    vocabulary
        With a tokenizer.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        assert vocabulary.tokenizer is not None
        self.vocabulary = vocabulary
        self._tokenizer = open_tokenizer(vocabulary.tokenizer, "The model's vocabulary")
        added = self._tokenizer.get_added_tokens_decoder()
        self._special = {token.content: i for i, token in added.items() if token.special}
        self._lead = "" if self._adds_blank() else " "
        self._kept: set[str] = set()

    def segment(self, words: Sequence[str], goes_on: bool = False) -> Pieces:
        """Return the pieces of some words in a row, as `Segmenter.segment` says."""
        pieces = Pieces([], [], [], goes_on)
        run: list[str] = []
        for word in words:
            row = self._special_row(word)
            if row is None:
                run.append(require_word(self.vocabulary.normalisation.apply(word)))
            else:
                pieces = _joined(self._joined_run(pieces, run), [row], [0], [0], goes_on=False)
                run = []
        return self._joined_run(pieces, run)

    def _joined_run(self, before: Pieces, run: list[str]) -> Pieces:
        return _joined(before, *self._cut(run, before.goes_on), goes_on=True) if run else before

    def _special_row(self, word: str) -> int | None:
        """Return the row of a word that is an end symbol or another special token; else ``None``."""
        if word in END_NAMES or word == self.vocabulary.normalisation.end_of_sentence:
            return end_row(word, self.vocabulary)
        return None if word in UNKNOWN_NAMES else self._special.get(word)

    def _cut(self, words: list[str], goes_on: bool) -> tuple[list[int], list[int], list[int]]:
        """Return the pieces of ordinary words, and the first and last of each word."""
        lead = self._lead if goes_on else ""
        text = lead + " ".join(words)
        self._refuse_dropped(set(text) - self._kept)
        found = self._encode(text)
        stops = np.cumsum([len(word) + 1 for word in words]) - 1 + len(lead)
        first, last = align(found.offsets, stops)
        if not (last < first).any():
            return found.ids, first.tolist(), last.tolist()
        unknown = self._unknown(words[int((last < first).argmax())])
        return _filled(np.array(found.ids, np.int64), first, last, unknown)

    def _encode(self, text: str) -> "Encoding":
        try:
            return self._tokenizer.encode(text, add_special_tokens=False)
        except Exception as error:  # the package raises nothing more special
            raise UserError(
                f"The model's tokenizer fails at {text[:40]!r} ({error}). Mend its file, for example by an "
                "unknown token."
            ) from None

    def _refuse_dropped(self, characters: set[str]) -> None:
        """Refuse characters that the tokenizer drops: where it does, the places it gives for its pieces are wrong."""
        for character in sorted(characters):
            if not character.isspace() and not self._encode(character).ids:
                normalizer = self._tokenizer.normalizer
                if normalizer is None or normalizer.normalize_str(character):
                    raise UserError(
                        f"The tokenizer drops the character {character!r}: it has no piece for it and no unknown "
                        "symbol. Remove the character from the corpus, or give the tokenizer that the model was "
                        "trained with."
                    )
        self._kept |= characters

    def _unknown(self, word: str) -> int:
        if self.vocabulary.unknown is None:
            raise UserError(
                f"The tokenizer makes nothing of the word {word!r}, and it has no unknown symbol "
                f"({', '.join(UNKNOWN_NAMES[:2])}). Name the token that shall stand for such words as model.unknown, "
                "or remove them from the corpus."
            )
        return self.vocabulary.unknown

    def _adds_blank(self) -> bool:
        """Whether the tokenizer itself puts a blank before a text, or sees none anywhere."""
        one, other, both = (self._encode(text).ids for text in ("a", "b", "a b"))
        adds: bool = one + other == both
        return adds


def align(offsets: Sequence[tuple[int, int]], stops: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the last piece of each word; ``last < first`` where it has none.

    Parameters
    ----------
    offsets
        First character of each piece and the one after its last. Neither ever decreases; a piece can be empty, or
        share its characters with others. A piece with the end of a word and no more than the blank after it is one of
        that word alone.
    stops
        Character after each word; the next begins there, with its blank.

    >>> align([(0, 2), (2, 3), (4, 6)], [3, 6])  # ab|c| de
    (array([0, 2]), array([1, 2]))
    """
    start, stop = np.array(offsets, np.int64).reshape(-1, 2).T
    stops = np.asarray(stops, np.int64)
    begins = stops[:-1]
    first = np.zeros_like(stops)
    first[1:] = np.minimum(np.searchsorted(start, begins), np.searchsorted(stop, begins + 1, side="right"))
    last = np.searchsorted(start, stops, side="left") - 1
    last[-1:] = len(start) - 1
    return first, last


def _filled(
    ids: NDArray[np.int64], first: NDArray[np.int64], last: NDArray[np.int64], unknown: int
) -> tuple[list[int], list[int], list[int]]:
    """Return pieces with the unknown one for each word that has none."""
    empty = last < first
    added = np.cumsum(empty)
    ids = np.insert(ids, first[empty], unknown)
    first = first + added - empty
    return ids.tolist(), first.tolist(), np.where(empty, first, last + added).tolist()


def _joined(before: Pieces, ids: list[int], first: list[int], last: list[int], goes_on: bool) -> Pieces:
    at = len(before.ids)
    return Pieces(
        before.ids + ids,
        before.first + [at + i for i in first],
        before.last + [at + i for i in last],
        goes_on,
    )

"""The corpus as the idiom analysis sees it: words in lower case and the bounds of sentences."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...statistics.splitmix import GOLDEN, mix_bits

Positions = NDArray[np.int64]
Hashes = NDArray[np.uint64]


def scramble(value: NDArray[np.integer], seed: int = 0) -> Hashes:
    """Return well-mixed 64-bit hashes of whole numbers (SplitMix64)."""
    return mix_bits(value.astype(np.uint64) + np.uint64((seed + 1) * GOLDEN % 2**64))


@dataclass(frozen=True)
class Text:
    """Columns of the corpus in memory, 13 bytes a token.

    Parameters
    ----------
    form_id
        Word in lower case: index in ``forms``, dims (time).
    position, length
        Place of the token in its sentence, and tokens of the sentence with its end symbol, dims (time).
    has_end
        Whether every sentence ends with the same type, the end symbol, and there are several.
    forms
        Words in lower case.
    """

    form_id: NDArray[np.int32]
    position: NDArray[np.int32]
    length: NDArray[np.int32]
    has_end: bool
    forms: tuple[str, ...]

    @classmethod
    def of(cls, corpus: xr.Dataset) -> "Text":
        """Read the columns that are needed; dask-backed ones by the calling thread."""
        names = ("type_id", "sentence_position", "sentence_length")
        columns = (corpus[name].compute(scheduler="synchronous").to_numpy() for name in names)
        type_id, position, length = (column.astype(np.int32, copy=False) for column in columns)
        codes: dict[str, int] = {}
        form_of_type = [codes.setdefault(str(form).lower(), len(codes)) for form in corpus["type"].to_numpy().tolist()]
        form_id = np.array(form_of_type, dtype=np.int32)[type_id]
        last = form_id[position == length - 1]
        has_end = last.size > 1 and bool((last == last[0]).all())
        return cls(form_id, position, length, has_end, tuple(codes))

    @cached_property
    def form_hash(self) -> Hashes:
        """A hash of each form, dims (form)."""
        return scramble(np.arange(len(self.forms)))

    @property
    def n_token(self) -> int:
        """Tokens of the corpus."""
        return len(self.form_id)

    def begin(self, time: Positions) -> Positions:
        """Return the first token of the sentence of each token."""
        return time - self.position[time]

    def stop(self, time: Positions) -> Positions:
        """Return the token after the sentence of each token, its end symbol included."""
        return self.begin(time) + self.length[time]

    def is_word(self) -> NDArray[np.bool_]:
        """Return for each form whether it has a letter or a digit, dims (form); the end symbol is none."""
        word = np.array([any(c.isalnum() for c in form) for form in self.forms], dtype=bool)
        if self.has_end:
            word[self.form_id[self.length[0] - 1]] = False
        return word

    def function_words(self, n: int) -> NDArray[np.bool_]:
        """Return for each form whether it is one of the ``n`` most frequent words or no word at all, dims (form)."""
        word = self.is_word()
        count = np.where(word, self.counts(), 0)
        order = np.argsort(-count, kind="stable")[:n]
        is_function = ~word
        is_function[order] = True
        return is_function

    def counts(self) -> NDArray[np.int64]:
        """Return how often each form occurs, dims (form)."""
        return np.bincount(self.form_id, minlength=len(self.forms)).astype(np.int64)

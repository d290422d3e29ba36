"""Where the idioms occur, in memory, and what their words are."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...errors import UserError
from .text import Positions, Text

N_FUNCTION_WORD = 100


@dataclass(frozen=True)
class Occurrences:
    """Half-open intervals of tokens, the idiom of each, and whether it is idiomatic (1) or literal (0)."""

    start: Positions
    stop: Positions
    idiom: NDArray[np.int64]
    value: NDArray[np.int64]
    names: tuple[str, ...]

    @classmethod
    def of(cls, occurrences: xr.Dataset, n_token: int) -> "Occurrences":
        """Take the columns out of a dataset; without ``occurrence_value`` all occurrences are idiomatic.

        Raises
        ------
        UserError
            If an occurrence is empty or lies outside the corpus.
        """
        start, stop, idiom = (
            occurrences[f"occurrence_{name}"].to_numpy().astype(np.int64) for name in ("start", "stop", "idiom")
        )
        value = np.ones_like(idiom)
        if "occurrence_value" in occurrences:
            value = occurrences["occurrence_value"].to_numpy().astype(np.int64)
        wrong = np.flatnonzero((start < 0) | (stop <= start) | (stop > n_token))
        if wrong.size:
            raise UserError(
                f"The idiom occurrence {start[wrong[0]]}:{stop[wrong[0]]} does not lie in the corpus, which has "
                f"{n_token} tokens. The occurrences are those of another corpus; find them again in this one."
            )
        return cls(start, stop, idiom, value, tuple(str(name) for name in occurrences["idiom"].to_numpy().tolist()))

    def of_idiom(self, idiom: int, value: int) -> NDArray[np.int64]:
        """Return the rows of an idiom's idiomatic or literal occurrences."""
        return np.flatnonzero((self.idiom == idiom) & (self.value == value))

    def covered(self, n_token: int) -> NDArray[np.bool_]:
        """Return for each token whether any occurrence covers it, dims (time)."""
        change = np.zeros(n_token + 1, np.int32)
        np.add.at(change, self.start, 1)
        np.add.at(change, self.stop, -1)
        return np.cumsum(change[:-1], dtype=np.int32) > 0


def head_words(
    text: Text, occurrences: Occurrences, rows: NDArray[np.int64], is_function: NDArray[np.bool_]
) -> Positions:
    """Return where the head word of each occurrence stands; -1 where there is none before the final word.

    The head word is the first word of the phrase that is not among the `N_FUNCTION_WORD` most frequent words of the
    corpus, for want of a parse.
    """
    heads = np.full(len(rows), -1, np.int64)
    for i, row in enumerate(rows):
        span = np.arange(occurrences.start[row], occurrences.stop[row])
        content = span[~is_function[text.form_id[span]]]
        if content.size and content[0] < span[-1]:
            heads[i] = content[0]
    return heads

"""The words of a corpus whose tokens are pieces of words."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .source import read_rows

PREFIX = "word_"


def word_view(corpus: xr.Dataset) -> xr.Dataset:
    """Return the corpus with a row a word, lazily; a corpus of words as it is.

    Parameters
    ----------
    corpus
        Corpus; where its tokens are pieces of words it has the columns of the words along ``corpus_word``.

    Returns
    -------
    Dataset with dim ``time``, the word: `type_id`, `sentence`, `sentence_position`, `sentence_length` and the code
    columns of the annotations; and the tables. Marks, which count tokens, are left out.
    """
    if "word" not in corpus:
        return corpus
    columns = {name: array for name, array in corpus.data_vars.items() if array.dims == ("corpus_word",)}
    words = xr.Dataset({str(name).removeprefix(PREFIX): array.variable for name, array in columns.items()})
    tables = {name: table for name, table in corpus.coords.items() if table.dims != ("time",)}
    return words.rename_dims(corpus_word="time").assign_coords(tables)


def first_tokens(corpus: xr.Dataset, word: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first token of each word, or the first one after it where it has none; after the last word the end."""
    if "word" not in corpus:
        return word
    found: NDArray[np.int64] = np.searchsorted(read_rows(corpus, "word", 0, corpus.sizes["time"]), word)
    return found

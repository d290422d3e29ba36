"""What a corpus itself marks: single tokens with a concept and a value, and the occurrences that they make up."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import UserError
from .occurrence import occurrence_dataset
from .source import read_rows
from .span_table import SpanTable

MAX_BETWEEN = 5
"""Most unmarked words between two marked ones of an occurrence: `keep` all of it well `in mind`."""
BLOCK = 1 << 16


def marked_spans(corpus: xr.Dataset) -> SpanTable:
    """Return the marks of a corpus as spans of one token each.

    Raises
    ------
    UserError
        If the corpus marks nothing, or a token as target and as baseline of one concept.
    """
    if "mark_time" not in corpus:
        raise UserError(
            "The label source spans without a file takes the spans that the corpus marks, and this corpus marks "
            "none. Give file: with a CSV of spans, or read a corpus of JSON lines with 'spans'."
        )
    names = ("mark_time", "mark_concept", "mark_value")
    time, concept, value = (corpus[name].compute(scheduler="synchronous").to_numpy() for name in names)
    concepts = [str(name) for name in corpus["marked_concept"].to_numpy().tolist()]
    return SpanTable.build(time, time + 1, concept, value, concepts, "The corpus")


def mark_occurrences(corpus: xr.Dataset) -> xr.Dataset:
    """Return the occurrences that a corpus marks, for example idioms and literal uses of the same words.

    Marks name single tokens, often content words only. An occurrence is the run of marks of one concept and one value
    in a sentence, from the first marked token to the last; it ends where more than `MAX_BETWEEN` words in a row are
    not marked. Two uses of an idiom that follow each other closer than that count as one.

    Parameters
    ----------
    corpus
        Corpus with marks, in memory or lazy; where its tokens are pieces of words, gaps still count words.

    Returns
    -------
    Dataset with dim ``occurrence``, in the order of their final tokens: `occurrence_start`, `occurrence_stop`
    (half-open on ``time``), `occurrence_idiom` (index in ``idiom``), `occurrence_value` (1 idiomatic, that is target; 0
    literal, baseline) and the table ``idiom``, the marked concepts in the order of their names.

    Raises
    ------
    UserError
        If the corpus marks nothing, or a token as target and as baseline of one concept.
    """
    spans = marked_spans(corpus)
    order = np.lexsort((spans.start, spans.value, spans.concept))
    time, value, concept = spans.start[order], spans.value[order], spans.concept[order]
    sentence = _rows_at(corpus, "sentence", time)
    word = _rows_at(corpus, "word", time) if "word" in corpus else time
    begins = np.diff(word, prepend=-1) > MAX_BETWEEN + 1
    for column in (concept, value, sentence):
        begins |= np.diff(column, prepend=-1) != 0
    first = np.flatnonzero(begins)
    start, stop = time[first], time[np.append(first[1:], len(time)) - 1] + 1
    by_end = np.lexsort((concept[first], start, stop))
    first = first[by_end]
    return occurrence_dataset(start[by_end], stop[by_end], concept[first], value[first], spans.concepts)


def _rows_at(corpus: xr.Dataset, name: str, time: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a column at scattered tokens; only the blocks that hold some are read."""
    found = np.empty(len(time), dtype=np.int64)
    order = np.argsort(time, kind="stable")
    for block in np.unique(time // BLOCK).tolist():
        first, last = np.searchsorted(time[order], (block * BLOCK, (block + 1) * BLOCK))
        here = order[first:last]
        stop = min((block + 1) * BLOCK, corpus.sizes["time"])
        found[here] = read_rows(corpus, name, block * BLOCK, stop)[time[here] - block * BLOCK]
    return found

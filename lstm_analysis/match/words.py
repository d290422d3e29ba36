"""The words of a run's corpus beside some of its tokens, and what is known of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ..run import Run

N_WORD = 8
"""Tokens shown on each side of a match."""
TAGS = ("pos", "upos", "xpos", "part_of_speech")
"""Names of the annotation that says the part of speech; the first that the corpus has counts."""
Positions = NDArray[np.int64]


class Rows:
    """Some rows of a dataset along ``time``, each read once.

    Parameters
    ----------
    dataset
        Lazy or in memory.
    start, stop
        Spans of rows, half-open, dims (span).
    """

    def __init__(self, dataset: xr.Dataset, start: Positions, stop: Positions) -> None:
        number = np.maximum(stop - start, 0)
        offset = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
        self._time = np.unique(np.repeat(start, number) + offset)
        chosen = dataset.drop_vars("time", errors="ignore").isel(time=self._time)
        self._rows = chosen.compute(scheduler="synchronous")

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def of(self, name: str, start: int, stop: int) -> NDArray[np.generic]:
        """Return the rows ``[start, stop)`` of a variable."""
        first, after = np.searchsorted(self._time, [start, stop])
        values: NDArray[np.generic] = self._rows[name].values[first:after]
        return values


def text_column(corpus: xr.Dataset) -> tuple[str, str]:
    """Return the column that says what stands at a token, and its table: the words, or pieces of words."""
    return ("token_id", "token_name") if "word" in corpus else ("type_id", "type")


def tag_column(corpus: xr.Dataset) -> str | None:
    """Return the annotation that says the part of speech, ``None`` where the corpus has none."""
    return next((name for name in TAGS if f"{name}_id" in corpus), None)


def align(run: "Run", start: Positions, stop: Positions, n_word: int = N_WORD, dim: str = "match") -> xr.Dataset:
    """Return the words of some spans and those around them, one span below the other.

    Parameters
    ----------
    run
        The run, for its corpus and labels.
    start, stop
        The spans, half-open.
    n_word
        Tokens on each side, as far as the document goes.
    dim
        Of the result.

    Returns
    -------
    Dims (match): `document`, `document_name`, `before`, `text`, `after`; `part_of_speech`, the tags of the span, where
    the corpus has such a column; `concepts`, those of which a token of the span is a target, joined by "; ", where
    there are labels.
    """
    corpus = run.corpus
    document, left, right = _around(corpus, start, stop, n_word)
    code, table = text_column(corpus)
    tag = tag_column(corpus)
    rows = Rows(corpus[[code, *([f"{tag}_id"] if tag else [])]].reset_coords(drop=True), left, right)
    between = "" if table == "token_name" else " "

    def say(column: str, names: str, first: Positions, after: Positions) -> list[str]:
        known = corpus[names].values
        spans = zip(first.tolist(), after.tolist(), strict=True)
        return [between.join(map(str, known[rows.of(column, *span)])) for span in spans]

    found: dict[str, Sequence[str]] = {
        "document_name": [str(name) for name in corpus["document_name"].values[document]],
        "before": say(code, table, left, start),
        "text": say(code, table, start, stop),
        "after": say(code, table, stop, right),
    }
    if tag:
        found["part_of_speech"] = say(f"{tag}_id", tag, start, stop)
    if run.record["stages"].get("labels", {}).get("state") == "done":
        found["concepts"] = _concepts(run, start, stop)
    texts = {name: (dim, np.array(values, object)) for name, values in found.items()}
    return xr.Dataset({"document": (dim, document), **texts})


def _around(
    corpus: xr.Dataset, start: Positions, stop: Positions, n_word: int
) -> tuple[Positions, Positions, Positions]:
    """Return the document of each span's first token, and the ends of what is shown of it, inside the document."""
    edge = np.append(corpus["document_start"].values, corpus.sizes["time"]).astype(np.int64)
    document = np.searchsorted(edge[:-1], start, side="right") - 1
    left = np.maximum(start - n_word, edge[document])
    right = np.maximum(stop, np.minimum(stop + n_word, edge[document + 1]))
    return document, left, right


def _concepts(run: "Run", start: Positions, stop: Positions) -> list[str]:
    names = run.labels["concept"].values
    rows = Rows(run.labels[["label"]].reset_coords(drop=True).drop_vars("concept", errors="ignore"), start, stop)
    spans = zip(start.tolist(), stop.tolist(), strict=True)
    return ["; ".join(map(str, names[(rows.of("label", *span) == 1).any(axis=0)])) for span in spans]

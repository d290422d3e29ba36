"""Spans marked by hand as concepts: from a CSV file, or from the corpus itself."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import UserError
from .intervals import expand
from .source import BASELINE, LEFT_OUT, TARGET
from .span_table import SpanTable, read_spans


@dataclass(frozen=True)
class Spans:
    """Spans of tokens that are target or baseline of a concept.

    A token that no span of a concept covers is baseline if the concept has targets only, else it is left out.

    Parameters
    ----------
    table
        The spans; ``None`` for the marks of the corpus.
    """

    table: SpanTable | None = None
    of_words: ClassVar[bool] = False
    default_name: ClassVar[str] = "spans"

    def names(self, corpus: xr.Dataset) -> list[str]:
        """Return the concepts in the order of their names.

        Raises
        ------
        UserError
            If a span lies outside the corpus, spans contradict each other, or there are none.
        """
        return list(self._spans(corpus).concepts)

    def label(self, corpus: xr.Dataset, start: int, stop: int) -> NDArray[np.int8]:
        """Return the labels of the tokens ``[start, stop)``, dims (time, concept)."""
        spans = self._spans(corpus)
        elsewhere = np.full(len(spans.concepts), BASELINE, dtype=np.int8)
        elsewhere[spans.concept[spans.value == BASELINE]] = LEFT_OUT
        label = np.tile(elsewhere, (stop - start, 1))
        token, span = expand(*spans.clipped(start, stop))
        label[token - start, spans.concept[span]] = np.where(spans.value[span] == 1, TARGET, BASELINE)
        return label

    def _spans(self, corpus: xr.Dataset) -> SpanTable:
        if self.table is None:
            return _marks(corpus)
        self.table.require_inside(corpus.sizes["time"])
        return self.table


def spans(file: str | PathLike[str] | None = None) -> Spans:
    """Label tokens by spans marked by hand.

    Parameters
    ----------
    file
        CSV with the header ``start,stop,concept[,value]``: half-open positions on ``time``, value 1 target
        (default) or 0 baseline. Without a file: the spans of a corpus of JSON lines.

    Returns
    -------
    The label source.

    Raises
    ------
    UsageError
        If the file is missing or is not such a table.
    """
    return Spans(None if file is None else read_spans(Path(file)))


def _marks(corpus: xr.Dataset) -> SpanTable:
    if "mark_time" not in corpus:
        raise UserError(
            "The label source spans without a file takes the spans that the corpus marks, and this corpus marks "
            "none. Give file: with a CSV of spans, or read a corpus of JSON lines with 'spans'."
        )
    names = ("mark_time", "mark_concept", "mark_value")
    time, concept, value = (corpus[name].compute(scheduler="synchronous").to_numpy() for name in names)
    concepts = [str(name) for name in corpus["marked_concept"].to_numpy().tolist()]
    return SpanTable.build(time, time + 1, concept, value, concepts, "The corpus")

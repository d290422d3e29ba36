"""Spans marked by hand as concepts: from a CSV file, or from the corpus itself."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import ClassVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import UsageError
from .intervals import expand
from .mark import marked_spans
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
    pool
        Whether all spans are of one unnamed concept.
    min_tokens
        Tokens that a concept needs as target, and as baseline if it has any.
    """

    table: SpanTable | None = None
    pool: bool = False
    min_tokens: int = 1
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
        for value, says in ((0, BASELINE), (1, TARGET)):  # of pooled concepts a target of one counts
            here = spans.value[span] == value
            label[token[here] - start, spans.concept[span[here]]] = says
        return label

    def _spans(self, corpus: xr.Dataset) -> SpanTable:
        table = marked_spans(corpus) if self.table is None else self.table
        table.require_inside(corpus.sizes["time"])
        table = table.frequent(self.min_tokens)
        return table.pooled() if self.pool else table


def spans(file: str | PathLike[str] | None = None, pool: bool = False, min_tokens: int = 1) -> Spans:
    """Label tokens by spans marked by hand.

    Parameters
    ----------
    file
        CSV with the header ``start,stop,concept[,value]``: half-open positions on ``time``, value 1 target
        (default) or 0 baseline. Without a file: the spans of a corpus of JSON lines.
    pool
        One concept, which takes the name of the source, of the spans of all concepts: a token is a target if it is one
        of any concept. If any of them has a baseline, tokens that no span covers are left out.
    min_tokens
        Keep only concepts with at least so many marked tokens as target and, if they have any as baseline, as baseline;
        pooled are those that are kept.

    Returns
    -------
    The label source.

    Raises
    ------
    UsageError
        If the file is missing or is not such a table, or ``pool`` or ``min_tokens`` is not such a value.
    """
    if not isinstance(pool, bool):
        raise UsageError(f"pool of the spans must be true or false, found {pool!r}.")
    if not isinstance(min_tokens, int) or isinstance(min_tokens, bool) or min_tokens < 1:
        raise UsageError(f"min_tokens of the spans must be a whole number from 1 on, found {min_tokens!r}.")
    return Spans(None if file is None else read_spans(Path(file)), pool, min_tokens)

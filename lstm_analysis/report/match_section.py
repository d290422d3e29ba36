"""The section on phrases: where else the neurons are on together that are on over a phrase."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .material import Material
from .passages import text_column, visible

N_SHOWN = 12
N_WORD = 6
"""Words on each side of a match."""


@dataclass(frozen=True)
class MatchLine:
    """A match: its place (half-open) and words, neurons shared and in either set, Jaccard's coefficient, its null, p.

    ``kind`` is ``query``, ``phrase`` (another occurrence of it) or empty.
    """

    document: str
    time: int
    stop: int
    before: str
    text: str
    after: str
    n_shared: int
    n_union: int
    jaccard: float
    p: float
    null: float
    kind: str


@dataclass(frozen=True)
class PhraseMatches:
    """A phrase: its occurrences, those that select a neuron, neurons selected, the best matches and how many there are.

    ``twin`` has the neurons selected in the random twin and its best match's coefficient, NaN where there is none.
    """

    phrase: str
    n_occurrence: int
    n_selecting: int
    n_selected: int
    lines: tuple[MatchLine, ...]
    n_match: int
    n_phrase: int
    twin: tuple[int, float] | None


def match_section(material: Material) -> list[PhraseMatches]:
    """Return what there is to show of each phrase; nothing if the study names none."""
    matches = material.matches
    if matches is None:
        return []
    start, length = matches["start"].values, matches["length"].values
    shown = start[:, :N_SHOWN] >= 0
    words = _Words(material, start[:, :N_SHOWN][shown], length[:, :N_SHOWN][shown])
    twin = material.of_twin.matches
    return [_of_phrase(matches.isel(phrase=i), words, twin, i) for i in range(matches.sizes["phrase"])]


def _of_phrase(found: xr.Dataset, words: "_Words", twin: xr.Dataset | None, index: int) -> PhraseMatches:
    n_match = int((found["start"] >= 0).sum())
    others = ~found["is_query"].values[:n_match]
    return PhraseMatches(
        phrase=str(found["phrase"].item()),
        n_occurrence=int(found["n_occurrence"]),
        n_selecting=int(found["n_occurrence_selecting"]),
        n_selected=int(found["n_selected"]),
        lines=tuple(_line(found.isel(match=i), words) for i in range(min(n_match, N_SHOWN))),
        n_match=int(others.sum()),
        n_phrase=int(found["is_phrase"].values[:n_match][others].sum()),
        twin=None if twin is None else _best(twin.isel(phrase=index)),
    )


def _best(found: xr.Dataset) -> tuple[int, float]:
    """Return how many neurons a phrase selects, and the coefficient of its best match beside itself."""
    jaccard = found["jaccard"].values[(found["start"].values >= 0) & ~found["is_query"].values]
    return int(found["n_selected"]), float(jaccard.max(initial=-np.inf)) if len(jaccard) else np.nan


def _line(match: xr.Dataset, words: "_Words") -> MatchLine:
    start, length = int(match["start"]), int(match["length"])
    document, before, text, after = words.around(start, start + length)
    return MatchLine(
        document, start, start + length, before, text, after, int(match["n_shared"]), int(match["n_union"]),
        float(match["jaccard"]), float(match["p_value"]), float(match["null_jaccard"]),
        "query" if match["is_query"] else "phrase" if match["is_phrase"] else "",
    )  # fmt: skip


class _Words:
    """The words around some matches, read once."""

    def __init__(self, material: Material, start: NDArray[np.int64], length: NDArray[np.int64]) -> None:
        column = text_column(material)
        n_time = material.corpus.sizes["time"]
        spans = [np.arange(a - N_WORD, a + n + N_WORD) for a, n in zip(start.tolist(), length.tolist(), strict=True)]
        near = np.unique(np.concatenate(spans)) if spans else np.empty(0, np.int64)
        near = near[(near >= 0) & (near < n_time)]
        chosen = material.corpus[[column, "document"]].reset_coords(drop=True).drop_vars("time", errors="ignore")
        rows = chosen.isel(time=near).compute(scheduler="synchronous")
        of_pieces = column != "type_id"
        table, self._between = ("token_name", "") if of_pieces else ("type", " ")
        self._show = visible if of_pieces else str
        self._texts, self._names = material.corpus[table].values, material.corpus["document_name"].values
        codes, documents = rows[column].values.tolist(), rows["document"].values.tolist()
        self._rows = dict(zip(near.tolist(), zip(codes, documents, strict=True), strict=True))

    def around(self, start: int, stop: int) -> tuple[str, str, str, str]:
        """Return the document of a span, the words before it, in it and after it, inside the document."""
        document = self._rows[start][1]

        def say(first: int, after: int) -> str:
            codes = [code for code, of in (self._rows.get(t, (0, -1)) for t in range(first, after)) if of == document]
            return self._between.join(self._show(str(self._texts[code])) for code in codes)

        return str(self._names[document]), say(start - N_WORD, start), say(start, stop), say(stop, stop + N_WORD)

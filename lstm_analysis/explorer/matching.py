"""A brushed span: the neurons it selects, the places where these are on again, and the words there."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..match.agreement import mask_of
from ..match.bits import SLAB
from ..match.of_run import bits_of, match_span, selected_at
from ..match.of_states import States, stored_states
from ..match.words import tag_column
from ..report.numerals import neuron_name
from .address import TextAddress
from .holdings import Holdings
from .stretch import Neuron, column, read_words

SOURCES: dict[str, States] = {"h": "hidden", "tanh_c": "tanh_cell"}
N_MATCH, N_DRAW = 30, 99
BEFORE, AFTER = 5, 10
"""Tokens shown before a match's first token, and from it on."""


@dataclass(frozen=True)
class Selection:
    """Neurons that a span selects, those that are on and those that are on downwards.

    Parameters
    ----------
    up, down
        Layer and neuron of each.
    text
        The words of the span.
    """

    up: tuple[Neuron, ...]
    down: tuple[Neuron, ...]
    text: str

    @property
    def neurons(self) -> list[tuple[str, int]]:
        """Name and sign of each, in the order of the model."""
        both = [(neuron, 1) for neuron in self.up] + [(neuron, -1) for neuron in self.down]
        return [(neuron_name(*neuron), sign) for neuron, sign in sorted(both)]


@dataclass(frozen=True)
class Alignment:
    """Matches below each other, aligned at their first token.

    Parameters
    ----------
    found
        As `match_span` gives it.
    n_on
        Selected neurons that are on at each token, dims (match, place); -1 outside the corpus.
    words, tags
        At each token; empty outside the corpus, tags also where the corpus has none.
    """

    found: xr.Dataset
    n_on: NDArray[np.int64]
    words: list[list[str]]
    tags: list[list[str]]

    @property
    def n_selected(self) -> int:
        """Selected neurons."""
        return int(self.found.sizes["selected"])


def select(holdings: Holdings, a: TextAddress) -> Selection:
    """Return the neurons that the span of an address selects.

    Raises
    ------
    UserError
        If the run has no such states.
    """
    assert a.span is not None
    signs = selected_at(
        holdings.run, *a.span, threshold=a.threshold, source=SOURCES[a.state], left=a.left, right=a.right
    ).transpose("layer", "neuron")
    up, down = ([(int(i), int(j)) for i, j in np.argwhere(signs.values == sign)] for sign in (1, -1))
    return Selection(tuple(up), tuple(down), " ".join(read_words(holdings, *a.span)))


def find(holdings: Holdings, a: TextAddress) -> xr.Dataset:
    """Return the matches of the span of an address; the first search with a threshold takes seconds.

    Raises
    ------
    UserError
        If no neuron is selected, with how many other thresholds would select.
    """
    assert a.span is not None
    rule = {"threshold": a.threshold, "source": SOURCES[a.state], "left": a.left, "right": a.right}
    return match_span(holdings.run, *a.span, n=N_MATCH, draws=N_DRAW if a.null else 0, **rule)  # type: ignore[arg-type]


def align(holdings: Holdings, a: TextAddress, found: xr.Dataset) -> Alignment:
    """Return matches with their words and how many of the selected neurons are on around them."""
    start = found["start"].values.astype(np.int64)
    time = start[:, None] + np.arange(-BEFORE, AFTER)
    inside = (time >= 0) & (time < holdings.n_token)
    words, tags = [], []
    tag = tag_column(holdings.corpus)
    names = None if tag is None else holdings.corpus[tag].values
    for row, known in zip(time, inside, strict=True):
        first, stop = int(row[known][0]), int(row[known][-1]) + 1
        before, after = first - int(row[0]), int(row[-1]) + 1 - stop
        words.append([""] * before + read_words(holdings, first, stop) + [""] * after)
        said = [""] * (stop - first)
        if names is not None:
            said = [str(names[code]) for code in column(holdings, f"{tag}_id", first, stop)]
        tags.append([""] * before + said + [""] * after)
    return Alignment(found, _number_on(holdings, a, found, time, inside), words, tags)


def _number_on(
    holdings: Holdings, a: TextAddress, found: xr.Dataset, time: NDArray[np.int64], inside: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return how many selected neurons are on at some tokens, -1 outside the corpus."""
    bits = bits_of(stored_states(holdings.run, SOURCES[a.state]), a.threshold)
    selected = zip(*(found[f"selected_{name}"].values.tolist() for name in ("layer", "neuron", "sign")), strict=True)
    mask = mask_of(bits, [(int(sign < 0), layer, neuron) for layer, neuron, sign in selected])
    number = np.full(time.shape, -1, np.int64)
    for place in zip(*np.nonzero(inside), strict=True):
        slab, row = divmod(int(time[place]), SLAB)
        number[place] = int(np.bitwise_count(bits.slab(slab).by_time[row] & mask).sum())
    return number

"""Where a neuron is highest, lowest, and in the middle of its range."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..schema import CONTEXT_OFFSETS
from .of_states import StateReader

PARTS = ("highest", "middle", "lowest")
SLAB = 1 << 16
"""Tokens that are in memory at once."""
OFFSETS = np.array(CONTEXT_OFFSETS)


@dataclass(frozen=True)
class Tokens:
    """Some tokens with a neuron's value, dims (token).

    Parameters
    ----------
    time, value
        Places in the corpus, and values.
    document, form
        Document, and surface form, of each.
    """

    time: NDArray[np.int64]
    value: NDArray[np.floating]
    document: NDArray[np.integer]
    form: NDArray[np.integer]

    def take(self, rows: NDArray[np.intp]) -> "Tokens":
        """Return some of them."""
        return Tokens(self.time[rows], self.value[rows], self.document[rows], self.form[rows])

    def joined(self, other: "Tokens") -> "Tokens":
        """Return these and others."""
        names = ("time", "value", "document", "form")
        time, value, document, form = (np.concatenate([getattr(self, name), getattr(other, name)]) for name in names)
        return Tokens(time, value, document, form)


def find_neuron_contexts(states: StateReader, layer: int, neuron: int, n: int) -> xr.Dataset:
    """Return the tokens at which a neuron is highest, lowest, and nearest to the middle of its range.

    Of each list a document, and a surface form, gives one token: tokens are taken in order, each unless its document or
    its form has one already; of equal ones the first in the corpus. The middle is half-way between the smallest and the
    largest value, so that one sees what the extremes hide.

    Parameters
    ----------
    states, layer, neuron
        The neuron. Its values are read twice, a slab of tokens at a time.
    n
        Most tokens of each list.

    Returns
    -------
    Dims (part, rank): `context_time`, -1 where there are fewer, `value`, NaN there; `neighbour_value` (part, rank,
    offset), NaN past the corpus' ends; `value_min, value_max, value_mean`.
    """
    n_time = states.shape[0]
    low, high, total = np.inf, -np.inf, 0.0
    for start in range(0, n_time, SLAB):
        values = states.values(start, min(n_time, start + SLAB), layer, neuron)
        low, high, total = min(low, values.min()), max(high, values.max()), total + float(values.sum(dtype=np.float64))
    middle = (float(low) + float(high)) / 2
    none = Tokens(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))
    kept = dict.fromkeys(PARTS, none)
    for start in range(0, n_time, SLAB):
        slab = _slab(states, layer, neuron, start, min(n_time, start + SLAB))
        kept = {part: _contenders(found.joined(slab), part, middle, n) for part, found in kept.items()}
    chosen = {part: _apart(found, part, middle, n) for part, found in kept.items()}
    return _dataset(states, layer, neuron, chosen, n).assign(
        value_min=float(low), value_max=float(high), value_mean=total / n_time
    )


def _slab(states: StateReader, layer: int, neuron: int, start: int, stop: int) -> Tokens:
    document, form = (states.column(name, start, stop) for name in ("document", "type_id"))
    return Tokens(np.arange(start, stop), states.values(start, stop, layer, neuron), document, form)


def _order(tokens: Tokens, part: str, middle: float) -> NDArray[np.intp]:
    """Return the tokens in the order of a list."""
    value = tokens.value.astype(np.float64)
    key = {"highest": -value, "lowest": value, "middle": np.abs(value - middle)}[part]
    return np.lexsort((tokens.time, key))


def _contenders(tokens: Tokens, part: str, middle: float, n: int) -> Tokens:
    """Return the tokens that can be among the first ``n`` of a list, whatever other tokens there are.

    A token is none if n better ones of its document, of different forms, are kept: where it comes to be its turn, each
    of these was taken or lost to a token of its own, so n are taken. The same goes for its form. A token that is taken
    shuts out at most 2 n of those kept, so 2 n (n + 1) are enough in all.
    """
    by_document, by_form, pairs = Counter[int](), Counter[int](), set[tuple[int, int]]()
    rows = []
    order = _order(tokens, part, middle)
    documents, forms = tokens.document[order].tolist(), tokens.form[order].tolist()
    for row, document, form in zip(order.tolist(), documents, forms, strict=True):
        if by_document[document] < n and by_form[form] < n and (document, form) not in pairs:
            rows.append(row)
            by_document[document] += 1
            by_form[form] += 1
            pairs.add((document, form))
            if len(rows) == 2 * n * (n + 1):
                break
    return tokens.take(np.array(rows, np.intp))


def _apart(tokens: Tokens, part: str, middle: float, n: int) -> Tokens:
    """Return the first tokens of a list, one a document and form."""
    documents, forms, rows = set[int](), set[int](), list[int]()
    for row in _order(tokens, part, middle).tolist():
        if len(rows) < n and tokens.document[row] not in documents and tokens.form[row] not in forms:
            rows.append(row)
            documents.add(int(tokens.document[row]))
            forms.add(int(tokens.form[row]))
    return tokens.take(np.array(rows, np.intp))


def _dataset(states: StateReader, layer: int, neuron: int, chosen: dict[str, Tokens], n: int) -> xr.Dataset:
    time = np.full((len(PARTS), n), -1, np.int64)
    value = np.full((len(PARTS), n), np.nan)
    beside = np.full((len(PARTS), n, len(OFFSETS)), np.nan)
    n_time = states.shape[0]
    for i, part in enumerate(PARTS):
        for rank, at in enumerate(chosen[part].time.tolist()):
            time[i, rank], value[i, rank] = at, chosen[part].value[rank]
            first, stop = max(0, at + OFFSETS[0]), min(n_time, at + OFFSETS[-1] + 1)
            where = slice(first - at - OFFSETS[0], stop - at - OFFSETS[0])
            beside[i, rank, where] = states.values(int(first), int(stop), layer, neuron)
    columns = {"context_time": (("part", "rank"), time), "value": (("part", "rank"), value)}
    return xr.Dataset(
        columns | {"neighbour_value": (("part", "rank", "offset"), beside)},
        {"part": list(PARTS), "offset": OFFSETS},
    )

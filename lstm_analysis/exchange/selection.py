"""Which part of a run is exported: tokens, layers, states; and its values, block by block."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import schema
from ..errors import UsageError, one_of
from ..progress import Progress, Step
from ..run import Run
from .hdf5 import Array
from .lstmvis_layout import blocks

BLOCK_BYTES = 1 << 26
ROWS_ALIGNED = 4096
STATE_OF_NAME = schema.STORED_STATE
Dtype = Literal["float32", "float16"]


@dataclass(frozen=True)
class Selection:
    """A part of a run.

    Parameters
    ----------
    run
        The run.
    start, stop
        Its tokens, half-open positions on ``time``.
    layers
        Its layers, counted from 0.
    states
        Stored variables.
    dtype
        Type of the states that are written.
    """

    run: Run
    start: int
    stop: int
    layers: tuple[int, ...]
    states: tuple[str, ...]
    dtype: Dtype

    @property
    def n_time(self) -> int:
        """Tokens."""
        return self.stop - self.start

    @cached_property
    def corpus(self) -> xr.Dataset:
        """The corpus, read where it is asked for."""
        return self.run.in_place("corpus")

    @cached_property
    def stored(self) -> xr.Dataset:
        """The states, read where they are asked for."""
        return self.run.in_place("activations")

    def layer_sizes(self, state: str) -> dict[int, int]:
        """Return how many neurons each layer has in a state: none where the state is not stored for a layer.

        A neuron that is not there is NaN at every token, and none is NaN at some.
        """
        first = self.stored[state].isel(time=self.start).values
        return {layer: int((~np.isnan(first[layer])).sum()) for layer in self.layers}

    def blocks(self, name: str) -> Iterator[tuple[int, int]]:
        """Yield spans of tokens that tile the selection, each of a few MB; their progress is shown as ``name``."""
        sizes = self.stored.sizes
        rows = BLOCK_BYTES // (4 * sizes["layer"] * sizes["neuron"] * max(len(self.states), 1))
        rows = max(rows // ROWS_ALIGNED, 1) * ROWS_ALIGNED
        first = min(self.stop, self.start // rows * rows + rows)
        with Progress(Step(name, "tokens", self.n_time)) as bar:
            for span in [(self.start, first), *((a + first, b + first) for a, b in blocks(self.stop - first, rows))]:
                yield span
                bar.update(span[1] - span[0])

    def values(self, state: str, start: int, stop: int) -> Array:
        """Return states of tokens, dims (time, layer, neuron), in the type that is written.

        Raises
        ------
        UsageError
            If a value does not fit into float16.
        """
        first, last = min(self.layers), max(self.layers)
        stored = self.stored[state].isel(time=slice(start, stop), layer=slice(first, last + 1))
        found = stored.values  # a list of layers here would be a slow way to read
        if self.layers != tuple(range(first, last + 1)):
            found = found[:, np.subtract(self.layers, first)]
        if self.dtype == "float16" and found.size and np.nanmax(np.abs(found)) > np.finfo(np.float16).max:
            raise UsageError(f"{state} has values beyond float16 in tokens {start:,} to {stop:,}. Use --dtype float32.")
        return found.astype(self.dtype, copy=False)

    def column(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """Return a column of the corpus, dims (time)."""
        values: NDArray[Any] = self.corpus[name].isel(time=slice(start, stop)).values
        return values

    def coded_columns(self) -> list[str]:
        """Return the annotations of the corpus whose values a table names, by the name of that table."""
        corpus = self.corpus
        return [str(name) for name in corpus.coords if f"{name}_id" in corpus and name != "type"]

    def number_columns(self) -> list[str]:
        """Return the annotations of the corpus that are plain numbers."""
        corpus = self.corpus
        columns = [str(name) for name in corpus.data_vars if corpus[name].dims == ("time",)]
        return [name for name in columns if name not in schema.VARIABLES and not name.endswith("_id")]

    def word_codes(self) -> str:
        """Return the column that says which name of `words` a token has."""
        return "token_id" if "token_name" in self.corpus else "type_id"

    def words(self) -> list[str]:
        """Return the names that `word_codes` counts in: surface forms, or the model's pieces where those are tokens."""
        table = "token_name" if "token_name" in self.corpus else "type"
        return [str(name) for name in self.corpus[table].values]


def select(
    run: Run,
    *,
    span: tuple[int, int] | None = None,
    layers: Sequence[int] | None = None,
    states: Sequence[str] | None = None,
    dtype: Dtype | None = None,
) -> Selection:
    """Return a part of a run.

    Parameters
    ----------
    run
        The run.
    span
        Tokens, half-open; all by default.
    layers
        Layers, counted from 0; all by default.
    states
        ``hidden``, ``cell`` and the like; all that are stored by default.
    dtype
        Type of the states that are written; by default that of the store.

    Raises
    ------
    UsageError
        If the run has no such tokens, layers or states.
    """
    stored = run.activations  # says so where the study keeps none
    n_time, n_layer = stored.sizes["time"], stored.sizes["layer"]
    start, stop = span or (0, n_time)
    if not 0 <= start < stop <= n_time:
        raise UsageError(f"--span {start}:{stop} is no part of the corpus, which has the tokens 0:{n_time}.")
    chosen = tuple(range(n_layer) if layers is None else dict.fromkeys(layers))
    if not chosen or not set(chosen) <= set(range(n_layer)):
        raise UsageError(f"--layers {','.join(map(str, chosen))}: the run has the layers 0 to {n_layer - 1}.")
    known = {name: variable for name, variable in STATE_OF_NAME.items() if variable in stored}
    for name in states or ():
        if name not in known:
            raise UsageError(f"--state {name}: the run stores no such states; {one_of(name, known)}")
    names = [known[name] for name in states or known]
    kind = dtype or ("float16" if all(stored[name].dtype == np.float16 for name in names) else "float32")
    return Selection(run, start, stop, chosen, tuple(dict.fromkeys(names)), kind)


def as_options(selection: Selection) -> Mapping[str, Any]:
    """Return what a selection is, in plain values, for the record of an export."""
    return {
        "run": selection.run.path.name,
        "span": [selection.start, selection.stop],
        "layers": list(selection.layers),
        "states": list(selection.states),
    }

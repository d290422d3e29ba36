"""The stored states of a run: are they all there, which of them are meant, and a few of them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray

from ..errors import UsageError, UserError, one_of
from ..locations import Location, is_url
from ..store import FINGERPRINT, read_commits
from .bit_index import Store
from .states import Transform

if TYPE_CHECKING:
    from ..run import Run

States = Literal["hidden", "tanh_cell", "tanh_hidden"]
"""What is compared with thresholds: h, tanh(c) as of LSTMVis' ``states*``, or tanh(h)."""
WITHOUT_STATES = "`inspect`, `report` and `neurons --concept` work without them"


@dataclass(frozen=True)
class StateReader:
    """Reads states of one kind from their store, in the driver or in a task.

    Parameters
    ----------
    place
        The store.
    variable, transform
        What is stored, and what is done with it before it is compared.
    corpus
        The corpus beside it.
    """

    place: Location
    variable: str
    transform: Transform
    corpus: Path

    @cached_property
    def _array(self) -> "zarr.Array[Any]":
        found = zarr.open_group(self.place, mode="r")[self.variable]
        assert isinstance(found, zarr.Array)
        return found

    @property
    def shape(self) -> tuple[int, int, int]:
        """Tokens, layers, and neurons of a layer."""
        n_time, n_layer, n_neuron = self._array.shape
        return n_time, n_layer, n_neuron

    def values(self, start: int, stop: int, layer: int, neurons: Any = slice(None)) -> NDArray[np.floating[Any]]:
        """Return the values of some tokens of a layer in memory, dims (time, neuron) or (time)."""
        values = np.asarray(self._array[start:stop, layer, neurons])
        values = values.astype(np.promote_types(values.dtype, np.float32), copy=False)
        return np.tanh(values) if self.transform == "tanh" else values

    def column(self, name: str, start: int, stop: int) -> NDArray[np.integer[Any]]:
        """Return some tokens of a column of the corpus."""
        found = zarr.open_group(self.corpus, mode="r")[name]
        assert isinstance(found, zarr.Array)
        return np.asarray(found[start:stop])

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("place", "variable", "transform", "corpus")}


@dataclass(frozen=True)
class StoredStates:
    """The states of one kind of a run.

    Parameters
    ----------
    run
        The run, whose states are finished.
    source
        See `States`.
    """

    run: "Run"
    source: States

    @property
    def variable(self) -> str:
        """Name in the store."""
        return "cell_state" if self.source == "tanh_cell" else "hidden_state"

    @property
    def transform(self) -> Transform:
        """What is done with the stored values before they are compared."""
        return "none" if self.source == "hidden" else "tanh"

    @property
    def array(self) -> xr.DataArray:
        """The stored values, dims (time, layer, neuron), lazy."""
        found: xr.DataArray = self.run.activations[self.variable]
        return found

    @cached_property
    def store(self) -> Store:
        """Where they lie, and what they were made from."""
        place = str(self.run.activations.encoding["source"])
        return Store(place if is_url(place) else Path(place), str(self.run.activations.attrs[FINGERPRINT]))

    @cached_property
    def reader(self) -> StateReader:
        """Reads them."""
        return StateReader(self.store.place, self.variable, self.transform, self.run.path / "corpus.zarr")

    @property
    def layer_sizes(self) -> list[int]:
        """Neurons of each layer."""
        sizes = self.run.activations.attrs.get("layer_sizes")
        return list(sizes) if sizes else [self.array.sizes["neuron"]] * self.array.sizes["layer"]

    def check_neuron(self, layer: int, neuron: int) -> None:
        """Refuse a neuron that the model does not have.

        Raises
        ------
        UsageError
            Saying which it has.
        """
        sizes = self.layer_sizes
        if not (0 <= layer < len(sizes) and 0 <= neuron < sizes[layer]):
            known = ", ".join(f"{i}:0 to {i}:{size - 1}" for i, size in enumerate(sizes))
            raise UsageError(f"There is no neuron {layer}:{neuron} in {self.run.path}: it has {known}.")


def stored_states(run: "Run", source: States = "hidden") -> StoredStates:
    """Return the states of a run after making sure that they are all there.

    Raises
    ------
    UserError
        If the run keeps no states, not these, or is still writing them: then the error says how far it is.
    """
    if source not in get_args(States):
        raise UsageError(f"source is {source!r}; {one_of(str(source), get_args(States))}")
    if run.record["study"]["store"]["activations"] == "none":
        raise UserError(
            f"{run.path} keeps no states (its study says store: none), and this needs them. {WITHOUT_STATES}; for the "
            "others run the study with store: float32."
        )
    _refuse_unfinished(run)
    found = StoredStates(run, source)
    if found.variable not in run.activations:
        kept = ", ".join(str(name) for name in run.activations.data_vars if "neuron" in run.activations[name].dims)
        raise UserError(
            f"{run.path} keeps {kept} and no {found.variable}, which the source {source} needs. Use the source hidden, "
            "or run the study with inference.states: [hidden, cell]."
        )
    return found


def _refuse_unfinished(run: "Run") -> None:
    """Refuse states that are not all there: rows that are missing would look like neurons that are never on."""
    entry = run.record["stages"].get("activations", {})
    if entry.get("state") == "done":
        return
    n_time = run.facts.get("corpus", {}).get("n_token")
    n_done = sum(_n_token(commit) for commit in read_commits(run.path).values())
    done = f"{n_done:,} of {n_time:,} tokens" if n_time else f"{n_done:,} tokens"
    raise UserError(
        f"The states of {run.path} are not complete: {done} are written (stage activations: "
        f"{entry.get('state', 'not begun')}). `lstm-analysis status {run.path}` says how far the run is; wait for it, "
        "or run the same study again if it was interrupted."
    )


def _n_token(commit: dict[str, Any]) -> int:
    return sum(int(stop) - int(start) for start, stop in commit["spans"])

"""The states of an imported project: ``activations.zarr``, written shard by shard and verified."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import schema
from ..errors import UsageError
from ..integrity import sealed
from ..progress import Progress
from ..state_store import create_activations
from ..store import COORDINATES, add_attrs, commit_path, new_store, write_json, write_rows
from .coded_values import OpenFiles
from .hdf5 import Array, read_rows
from .imported_corpus import ImportedCorpus
from .lstmvis_project import SKIP, StateSource

SHARD_BYTES = 1 << 26
MOST_SHARD, LEAST_SHARD = 65_536, 1_024


@dataclass(frozen=True)
class ImportedStates:
    """The stored states of a project, all layers together.

    Parameters
    ----------
    sources
        Each with its dataset, dims (time, neuron).
    layer_sizes
        Neurons of each layer; 0 for one that the project leaves out.
    dtype
        Stored type.
    """

    sources: Sequence[tuple[StateSource, Any, int]]
    layer_sizes: tuple[int, ...]
    dtype: str

    @property
    def variables(self) -> list[str]:
        """Names of the stored variables."""
        return sorted({source.variable for source, *_ in self.sources}, key=list(schema.VARIABLES).index)

    @property
    def shard(self) -> int:
        """Tokens of a shard: a power of two, such that one variable of it has at most 64 MB."""
        rows = SHARD_BYTES // (4 * len(self.layer_sizes) * max(self.layer_sizes))
        return max(LEAST_SHARD, min(MOST_SHARD, 1 << max(rows, 1).bit_length() - 1))

    def read(self, start: int, stop: int) -> dict[str, NDArray[np.float32]]:
        """Return the states of tokens by variable, dims (time, layer, neuron), NaN where there is no neuron.

        Raises
        ------
        UsageError
            If a value is not finite, or none that a hidden state can have.
        """
        shape = stop - start, len(self.layer_sizes), max(self.layer_sizes)
        found = {name: np.full(shape, np.nan, np.float32) for name in self.variables}
        for source, dataset, layer in self.sources:
            values = read_rows(dataset, start, stop).astype(np.float32, copy=False)
            _check(source, values, start)
            found[source.variable][:, layer, : values.shape[1]] = values
        return found


def open_states(files: OpenFiles, sources: Sequence[StateSource], n_word: int, limit: int | None) -> ImportedStates:
    """Open the states of a project and check that they fit together.

    Parameters
    ----------
    files
        Its files.
    sources
        Its sources.
    n_word
        Tokens of its words.
    limit
        Tokens that are imported, where not all.

    Raises
    ------
    UsageError
        If lengths or numbers of neurons differ.
    """
    first = min(1, *(source.layer for source in sources))
    found: list[tuple[StateSource, Any, int]] = []
    sizes: dict[int, tuple[int, str]] = {}
    for source in sources:
        dataset, layer = files.dataset(source.place, "time", "neuron"), source.layer - first
        if len(dataset) != n_word if limit is None else len(dataset) < limit:
            raise UsageError(
                f"{source.place.key}: {source.name} has shape {dataset.shape}, but the words are {n_word:,} tokens. "
                f"If both begin with the same token, import the first {min(len(dataset), n_word)}: --limit-tokens."
            )
        n_neuron, before = sizes.setdefault(layer, (dataset.shape[1], source.name))
        if n_neuron != dataset.shape[1]:
            raise UsageError(
                f"{source.place.key}: {source.name} has {dataset.shape[1]} neurons, but {before} of the same layer has "
                f"{n_neuron}. Leave one out: --source {source.name}={SKIP}."
            )
        found.append((source, dataset, layer))
    layer_sizes = tuple(sizes.get(layer, (0, ""))[0] for layer in range(max(sizes) + 1))
    half = all(dataset.dtype == np.float16 for _, dataset, _ in found)
    return ImportedStates(found, layer_sizes, "float16" if half else "float32")


def write_states(run: Path, states: ImportedStates, corpus: ImportedCorpus, fingerprint: str, bar: Progress) -> None:
    """Write ``activations.zarr`` in one step, and the commits of its shards.

    Parameters
    ----------
    run
        Folder of the run.
    states, corpus
        The states, and what lies beside them.
    fingerprint
        Of the project and the options.
    bar
        Told of every token.

    Raises
    ------
    UsageError
        If a value is none that a state can have.
    """
    shard, n_time = states.shard, corpus.layout.n_time
    commits: list[Mapping[str, Any]] = []
    with new_store(run / "activations.zarr") as folder:
        variables = dict.fromkeys(states.variables, states.dtype)
        sizes = n_time, len(states.layer_sizes), max(states.layer_sizes)
        create_activations(folder, *sizes, variables, shard, fingerprint)
        for start in range(0, n_time, shard):
            span = start, min(start + shard, n_time)
            values = states.read(*span)
            sums = write_rows(folder, [span], shard, values)
            columns = corpus.coordinates(*span)
            write_rows(folder, [span], shard, {name: columns[name] for name in COORDINATES})
            commits.append({"spans": [list(span)], "checksums": sums})
            bar.update(span[1] - span[0])
        add_attrs(folder, {"layer_sizes": list(states.layer_sizes)})
    for index, commit in enumerate(commits):
        commit_path(run, index).parent.mkdir(exist_ok=True)
        write_json(commit_path(run, index), sealed(commit))


def _check(source: StateSource, values: Array, start: int) -> None:
    wrong = ~np.isfinite(values)
    what = "a value that is no number"
    if source.variable == "hidden_state" and not wrong.any():
        wrong, what = np.abs(values) > 1, "a value beyond 1, which no hidden state has"
    if wrong.any():
        row, neuron = np.argwhere(wrong)[0].tolist()
        mend = f" If it holds cell states, give --source {source.name}=cell." if "beyond" in what else ""
        raise UsageError(
            f"{source.place.key}: {source.name} has {what}: {values[row, neuron]} at token {start + row:,}, neuron "
            f"{neuron}.{mend} To leave the source out give --source {source.name}={SKIP}."
        )

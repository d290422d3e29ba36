"""Tasks over blocks of neurons that read the stored states of the whole corpus."""

import json
import shutil
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import xarray as xr

from ..cluster import work
from ..errors import UserError
from ..inference.model import LanguageModel
from ..integrity import path_checksum
from ..locations import remove
from ..progress import Progress
from ..state_store import neuron_chunk
from ..store import FINGERPRINT, open_dataset, write_dataset, write_json
from .work import Work, explain

if TYPE_CHECKING:
    from distributed import Client

Index = TypeVar("Index", bound=tuple[int, ...])
Blocks = dict[tuple[int, int], xr.Dataset]
"""What a task found, by layer and first neuron."""
BLOCKS = "blocks"
"""Folder of a run with the results of blocks of a stage that is not done."""


def neuron_blocks(model: LanguageModel) -> list[tuple[int, slice]]:
    """Return layer and neurons of each block: what lies together in a chunk on disk."""
    chunk = neuron_chunk(model.n_neuron)
    starts = range(0, model.n_neuron, chunk)
    return [(layer, slice(at, min(at + chunk, model.n_neuron))) for layer in range(model.n_layer) for at in starts]


def by_neurons(
    state: Work,
    model: LanguageModel,
    name: str,
    task: Callable[..., Any],
    arguments: Callable[[int, slice], tuple[Any, ...]],
    stage: str,
) -> Blocks:
    """Do a task for each block of neurons; what is done is kept in the run, so that a killed program goes on there.

    Parameters
    ----------
    state, model
        The study at work.
    name
        What the tasks are called on the dashboard.
    task
        Called with index, layer, neurons and what ``arguments`` gives for these.
    stage
        The stage that does it: results of other inputs of this stage are not taken.

    Raises
    ------
    UserError
        If a task fails.
    """
    queue = {(layer, cut.start): (layer, cut, *arguments(layer, cut)) for layer, cut in neuron_blocks(model)}
    return do_kept(state, name, task, queue, stage, "blocks")


def do_kept(
    state: Work, name: str, task: Callable[..., Any], queue: Mapping[Index, tuple[Any, ...]], stage: str, unit: str
) -> dict[Index, xr.Dataset]:
    """Do tasks whose results are kept in the run until the stage is done.

    Parameters
    ----------
    state, name, task, stage
        As in `by_neurons`.
    queue
        What each task is called with, after its index.
    unit
        What a task does one of.

    Raises
    ------
    UserError
        If a task fails.
    """

    def bar(n_task: int, n_done: int) -> Progress:
        return state.progress(name, n_task, unit=unit, initial=n_done)

    return in_blocks(state.run, state.client, name, task, queue, state.prints[stage], bar)


def in_blocks(
    run: Path,
    client: "Client | None",
    name: str,
    task: Callable[..., Any],
    tasks: Mapping[Index, tuple[Any, ...]],
    print_: str,
    progress: Callable[[int, int], Progress],
) -> dict[Index, xr.Dataset]:
    """Do tasks whose results are kept in a run until they are put together; what is there is not done again.

    Parameters
    ----------
    run, client
        Folder of the run, and whose workers do it; ``None`` for this process.
    name
        What the tasks are called on the dashboard.
    task, tasks
        Called with an index and the arguments that it has.
    print_
        Of the inputs: results of others are not taken.
    progress
        Makes the progress bar, of so many blocks of which so many are done.

    Raises
    ------
    UserError
        If a task fails.
    """
    folder = run / BLOCKS
    folder.mkdir(exist_ok=True)
    paths = {index: folder / f"{name}-{'-'.join(map(str, index))}.zarr" for index in tasks}
    found = {index: kept for index, path in paths.items() if (kept := _kept(path, print_)) is not None}
    queue = deque((index, *arguments) for index, arguments in tasks.items() if index not in found)
    with progress(len(tasks), len(found)) as bar:
        for (index, *_), outcome in work(client, name, task, queue):
            if isinstance(outcome, BaseException):
                raise UserError(f"The step {name!r} failed: {explain(outcome, run)}")
            write_dataset(paths[index], outcome, print_)
            write_json(_seal_path(paths[index]), {"checksum": path_checksum(paths[index])})
            found[index] = outcome
            bar.update()
    return found


def forget_blocks(state: Work) -> None:
    """Remove the results of blocks: they are part of what a stage has made."""
    shutil.rmtree(state.run / BLOCKS, ignore_errors=True)


def forget_blocks_of(run: Path, name: str) -> None:
    """Remove the results of blocks of one name, and the folder if there are no others."""
    for path in (run / BLOCKS).glob(f"{name}-*"):
        remove(path)
    with suppress(OSError):
        (run / BLOCKS).rmdir()


def _kept(path: Path, print_: str) -> xr.Dataset | None:
    """Return what an earlier try found for a block, ``None`` if nothing, or of other inputs, or damaged."""
    try:
        wanted = json.loads(_seal_path(path).read_text(encoding="utf-8"))["checksum"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    if path_checksum(path) != wanted:
        return None
    kept = open_dataset(path).load()
    return kept.drop_attrs(deep=False) if kept.attrs.get(FINGERPRINT) == print_ else None


def _seal_path(path: Path) -> Path:
    """Return the file with the checksum of a block's result, written after it."""
    return path.with_suffix(".json")


def assemble(
    found: Blocks, like: xr.Dataset | None = None, whole: Mapping[str, Callable[[Any, Any], Any]] | None = None
) -> xr.Dataset:
    """Return the results of all blocks as one dataset, dims (layer, neuron) in the place of (neuron).

    Parameters
    ----------
    found
        The results.
    like
        Has the coordinates.
    whole
        How what a block says as a whole is put together, by name; what is not named is the same in all blocks.
    """
    order, layers = sorted(found), []
    for layer in sorted({layer for layer, _ in found}):
        parts = [found[index] for index in order if index[0] == layer]
        layers.append(xr.concat([part[_by_neuron(part)] for part in parts], dim="neuron"))
    result = xr.concat(layers, dim="layer").transpose(..., "layer", "neuron")
    first, *rest = (found[index] for index in order)
    for name in [str(name) for name in first.data_vars if "neuron" not in first[name].dims]:
        values: Any = first[name].variable
        if whole is not None and name in whole:
            values = reduce(whole[name], (part[name].variable for part in rest), values)
        result[name] = values
    coords = {} if like is None else {name: like.coords[name] for name in like.coords if name in result.dims}
    return result.assign_coords(coords)


def _by_neuron(block: xr.Dataset) -> list[str]:
    return [str(name) for name, variable in block.data_vars.items() if "neuron" in variable.dims]

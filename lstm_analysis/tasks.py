"""What a worker does with one shard of a run: repeatable functions of the run's folder and the shard.

Each leaves its result on disk, verified, before it says that it is done, and returns a small receipt.
"""

import base64
import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray

from . import labels, reductions, selectivity
from .errors import UserError
from .inference.extraction import ShardStates, open_reader, pilot_shares, read_pilot, read_shard, to_float16
from .inference.shards import Shard
from .store import checksum, commit_path, crc32, open_dataset, write_dataset, write_json, write_rows

Receipt = dict[str, Any]
FAN_IN = 8


@dataclass(frozen=True)
class Job:
    """What every task of a run needs to know.

    Parameters
    ----------
    run
        Folder of the run.
    model_digest
        Digest of the model in it.
    carry
        ``document`` or ``sentence``.
    cell, surprisal
        Whether to keep cell states and surprisal.
    dtype
        Stored type of the states; ``none`` to keep none.
    device
        ``auto``, ``cpu`` or ``cuda``.
    shard_tokens
        Tokens of a shard.
    context_group
        Column whose values give at most one context each: ``document`` or ``sentence``.
    """

    run: Path
    model_digest: str
    carry: str
    cell: bool
    surprisal: bool
    dtype: str
    device: str
    shard_tokens: int
    context_group: str = "document"

    def column(self, store: str, name: str, start: int, stop: int) -> NDArray[Any]:
        """Return rows of a column of one of the run's stores."""
        array = zarr.open_group(self.run / store, mode="r")[name]
        assert isinstance(array, zarr.Array)
        return np.asarray(array[start:stop])


def label_shard(
    index: int, shard: Shard, job: Job, sources: dict[str, labels.LabelSource], store: Path
) -> labels.LabelCounts:
    """Label a shard's tokens, write the labels to the store, return their counts."""
    corpus = open_dataset(job.run / "corpus.zarr")
    label = labels.label_block(corpus, sources, shard.start, shard.stop)
    write_rows(store, shard.start, job.shard_tokens, {"label": label})
    type_id = job.column("corpus.zarr", "type_id", shard.start, shard.stop)
    document = job.column("corpus.zarr", "document", shard.start, shard.stop)
    concepts, _ = labels.concept_names(corpus, sources)
    counts = labels.LabelCounts.empty(concepts, corpus.sizes["type"], corpus.sizes["document_name"])
    counts.update(label, type_id, document)
    return counts


def pilot_states(index: int, job: Job, spans: list[tuple[int, int]]) -> NDArray[np.float32]:
    """Return h of the first tokens of a few streams, dims (time, layer, neuron)."""
    reader = open_reader(job.run / "model.safetensors", job.model_digest, job.device)
    shares = pilot_shares([stop - start for start, stop in spans])
    parts = [(start, start + n) for (start, _), n in zip(spans, shares, strict=False)]  # later spans give nothing
    return read_pilot(reader, [job.column("corpus.zarr", "token_id", *part) for part in parts])


def extract_shard(index: int, shard: Shard, job: Job, start: NDArray[np.float32] | None) -> Receipt:
    """Read a shard through the model, write its states, verify them, commit."""
    began = time.monotonic()
    states = _read(shard, job, start)
    names = {"hidden_state": states.hidden, "cell_state": states.cell, "surprisal": states.surprisal}
    arrays = {name: _stored(values, job, name) for name, values in names.items() if values is not None}
    for name in ("token_id", "document", "sentence", "sentence_position"):
        arrays[name] = job.column("corpus.zarr", name, shard.start, shard.stop)
    sums = write_rows(job.run / "activations.zarr", shard.start, job.shard_tokens, arrays)
    return _commit(shard, job, states, began, checksums=sums)


def stream_shard(
    index: int, shard: Shard, job: Job, start: NDArray[np.float32] | None, bin_edge: xr.DataArray
) -> Receipt:
    """Read a shard through the model and keep only its summary; commit."""
    began = time.monotonic()
    states = _read(shard, job, start)
    write_dataset(partial_path(job.run, 0, index), _summarize(states.hidden, shard, job, bin_edge))
    return _commit(shard, job, states, began)


def summarize_shard(index: int, shard: Shard, job: Job, bin_edge: xr.DataArray) -> str | None:
    """Summarise a shard's stored states if they are what its commit says; else return what is wrong with them."""
    try:
        hidden = job.column("activations.zarr", "hidden_state", shard.start, shard.stop)
        if crc32(hidden) != _committed(job, index)["hidden_state"]:
            return "hidden_state differs from what was written"
    except Exception as error:  # what a damaged file raises depends on where it is cut
        return f"{type(error).__name__}: {error}"
    write_dataset(partial_path(job.run, 0, index), _summarize(hidden.astype(np.float32), shard, job, bin_edge))
    return None


def find_damage(index: int, shard: Shard, job: Job) -> str | None:
    """Return what is wrong with a shard's stored rows, judged by the checksums of its commit; ``None`` if nothing."""
    try:
        group = zarr.open_group(job.run / "activations.zarr", mode="r")
        wanted = _committed(job, index)
        differing = [name for name in wanted if checksum(group, name, shard.start, shard.stop) != wanted[name]]
    except Exception as error:  # what a damaged file raises depends on where it is cut
        return f"{type(error).__name__}: {error}"
    return f"{', '.join(differing)} differs from what was written" if differing else None


def merge_partials(index: int, level: int, children: list[int], run: Path) -> int:
    """Merge summaries of one level into one of the next, and remove them; return its level."""
    merged = None
    for child in children:
        partial = open_dataset(partial_path(run, level - 1, child)).load()
        merged = partial if merged is None else reductions.merge_summaries(merged, partial)
    assert merged is not None
    write_dataset(partial_path(run, level, index), merged)
    for child in children:
        shutil.rmtree(partial_path(run, level - 1, child), ignore_errors=True)
    return level


def rank_block(index: int, layer: int, neurons: slice, job: Job) -> xr.Dataset:
    """Return exact auroc and average precision of a few neurons, dims (concept, neuron), from the stored states."""
    states = zarr.open_group(job.run / "activations.zarr", mode="r")["hidden_state"]
    label = zarr.open_group(job.run / "labels.zarr", mode="r")["label"]
    assert isinstance(states, zarr.Array)
    assert isinstance(label, zarr.Array)
    values = np.asarray(states[:, layer, neurons]).astype(np.float32)
    if np.isnan(values.min()):  # none is ever committed
        row = int(np.isnan(values).any(axis=1).argmax())
        raise UserError(
            f"The stored states were damaged after they were summarised: they are missing from token {row} on. Remove "
            f"{job.run / 'summary.zarr'} and run again: damaged shards are then found and extracted anew."
        )
    auroc, average_precision = selectivity.rank_scores(values, np.asarray(label[:]))
    dims = ("concept", "neuron")
    return xr.Dataset({"auroc": (dims, auroc), "average_precision": (dims, average_precision)})


def partial_path(run: Path, level: int, index: int) -> Path:
    """Return the store of a partial summary."""
    return run / "summaries" / f"{level}-{index:08d}.zarr"


def end_state(receipt: Receipt) -> NDArray[np.float32] | None:
    """Return the state a shard handed over, dims (h and c, layer, neuron), or ``None``."""
    found = receipt.get("end_state")
    if found is None:
        return None
    return np.frombuffer(base64.b64decode(found["float32"]), np.float32).reshape(found["shape"]).copy()


def _read(shard: Shard, job: Job, start: NDArray[np.float32] | None) -> ShardStates:
    reader = open_reader(job.run / "model.safetensors", job.model_digest, job.device)
    token_id = job.column("corpus.zarr", "token_id", shard.read_from, shard.stop)
    stream_id = job.column("corpus.zarr", job.carry, shard.read_from, shard.stop)
    return read_shard(reader, shard, token_id, stream_id, start, cell=job.cell, surprisal=job.surprisal)


def _committed(job: Job, index: int) -> dict[str, int]:
    checksums: dict[str, int] = json.loads(commit_path(job.run, index).read_text(encoding="utf-8"))["checksums"]
    return checksums


def _stored(values: NDArray[np.float32], job: Job, name: str) -> NDArray[Any]:
    if job.dtype == "float16" and name != "surprisal":
        return to_float16(values)
    return values


def _summarize(hidden: NDArray[np.float32], shard: Shard, job: Job, bin_edge: xr.DataArray) -> xr.Dataset:
    columns = {
        name: job.column("corpus.zarr", name, shard.start, shard.stop)
        for name in ("sentence_position", job.context_group)
    }
    return reductions.summarize_block(
        hidden,
        job.column("labels.zarr", "label", shard.start, shard.stop),
        bin_edge=bin_edge.values,
        sentence_position=columns["sentence_position"],
        context_group=columns[job.context_group],
        first_time=shard.start,
    )


def _commit(shard: Shard, job: Job, states: ShardStates, began: float, **facts: Any) -> Receipt:
    receipt: Receipt = {"start": shard.start, "stop": shard.stop, **facts}
    if states.surprisal is not None:
        known = states.surprisal[~np.isnan(states.surprisal)].astype(np.float64)
        receipt |= {"surprisal_sum": float(known.sum()), "n_predicted": len(known)}
    if shard.hands_over:
        text = base64.b64encode(states.end.tobytes()).decode()
        receipt["end_state"] = {"shape": list(states.end.shape), "float32": text}
    receipt |= {"seconds": round(time.monotonic() - began, 3), "process": os.getpid()}
    commit_path(job.run, shard.index).parent.mkdir(exist_ok=True)
    write_json(commit_path(job.run, shard.index), receipt)
    return receipt

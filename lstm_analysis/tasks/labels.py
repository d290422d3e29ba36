"""Labelling a shard."""

from functools import lru_cache
from pathlib import Path

import xarray as xr

from .. import labels
from ..dashboard import count
from ..inference.shards import Shard
from ..store import open_dataset, read_fingerprint, write_rows
from .job import Job


def label_shard(
    index: int, shard: Shard, job: Job, sources: dict[str, labels.LabelSource], store: Path
) -> labels.BlockCounts:
    """Label a shard's tokens, write the labels to the store, return their counts."""
    place = job.run / "corpus.zarr"
    corpus = _with_types(place, read_fingerprint(place))
    (start, stop), *_ = shard.spans
    label = labels.label_block(corpus, sources, start, stop)
    write_rows(store, shard.spans, job.rows, {"label": label})
    type_id = job.column("corpus.zarr", "type_id", *shard.spans)
    document = job.column("corpus.zarr", "document", *shard.spans)
    count(tokens=shard.n_token)
    return labels.count_block(label, type_id, document)


@lru_cache(maxsize=1)
def _with_types(place: Path, fingerprint: str | None) -> xr.Dataset:
    """Open a corpus, once a process, with its surface forms in memory: each shard needs them, perhaps millions."""
    corpus = open_dataset(place)
    return corpus.assign_coords(type=corpus["type"].load())

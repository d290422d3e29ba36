"""Labelling a shard."""

from pathlib import Path

from .. import labels
from ..dashboard import count
from ..inference.shards import Shard
from ..store import open_dataset, write_rows
from .job import Job


def label_shard(
    index: int, shard: Shard, job: Job, sources: dict[str, labels.LabelSource], store: Path
) -> labels.BlockCounts:
    """Label a shard's tokens, write the labels to the store, return their counts."""
    corpus = open_dataset(job.run / "corpus.zarr")
    (start, stop), *_ = shard.spans
    label = labels.label_block(corpus, sources, start, stop)
    write_rows(store, shard.spans, job.rows, {"label": label})
    type_id = job.column("corpus.zarr", "type_id", *shard.spans)
    document = job.column("corpus.zarr", "document", *shard.spans)
    count(tokens=shard.n_token)
    return labels.count_block(label, type_id, document)

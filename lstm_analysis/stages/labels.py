"""Stage labels: every token's label for every concept into ``labels.zarr``."""

from collections import deque
from collections.abc import Sequence

import numpy as np
import zarr

from .. import labels, schema, tasks
from ..cluster import shared, work
from ..errors import UserError
from ..inference.model import LanguageModel
from ..inference.shards import tile
from ..store import FINGERPRINT, new_store, open_dataset
from .work import Work, explain, log, make_job

MOST_NAMED = 5
"""Concepts that a warning names."""


def labels_stage(state: Work, model: LanguageModel) -> None:
    """Label every token for every concept into ``labels.zarr``."""
    corpus = open_dataset(state.run / "corpus.zarr")
    sources = labels.build_sources(state.study.concepts, state.study.folder)
    names, origin = labels.concept_names(corpus, sources)
    job = make_job(state, model)
    n_token = state.record.facts["corpus"]["n_token"]
    shards = tile(n_token, job.rows)
    counts = labels.LabelCounts.empty(names, corpus.sizes["type"], corpus.sizes["document_name"])
    with state.stage("labels", "labels.zarr") as facts, new_store(state.run / "labels.zarr") as folder:
        group = zarr.open_group(folder, mode="w", zarr_format=3)
        group.create_array(
            "label",
            shape=(n_token, len(names)),
            chunks=(job.rows, len(names)),
            dtype="int8",
            fill_value=-1,
            dimension_names=schema.VARIABLES["label"].dims,
            attributes=dict(schema.VARIABLES["label"].attrs),
        )
        with (
            shared(state.client, "label-sources", sources) as handed,
            state.progress("label", n_token, n_task=len(shards)) as bar,
        ):
            queue = deque((shard.index, shard, job, handed, folder.resolve()) for shard in shards)
            for (_, shard, *_), outcome in work(state.client, "label", tasks.label_shard, queue):
                if isinstance(outcome, BaseException):
                    raise UserError(f"Labelling failed: {explain(outcome, state.run)}") from outcome
                counts.add(outcome)
                bar.update(shard.n_token)
        table = counts.finalise().assign_coords(source=("concept", np.array(origin, dtype=object)))
        table.assign_attrs({FINGERPRINT: state.prints["labels"]}).to_zarr(
            folder, mode="a", consolidated=False, zarr_format=3
        )
        everywhere = table["concept"].values[(table["n_token"].sel(group="baseline") == 0).values].tolist()
        facts |= {"n_concept": len(names), "empty": labels.empty_concepts(table), "everywhere": everywhere}
    warn(facts["empty"], "matches nothing in this corpus; its scores are NaN with counts 0")
    warn(facts["everywhere"], "has no baseline token to compare with in this corpus; its scores are NaN")


def warn(names: Sequence[str], what: str) -> None:
    """Say what is wrong with concepts: of each of the first few, and of how many more."""
    for name in names[:MOST_NAMED]:
        log.warning("the concept %r %s", name, what)
    if len(names) > MOST_NAMED:
        log.warning("so it is with %d more concepts: their counts are in labels.zarr", len(names) - MOST_NAMED)

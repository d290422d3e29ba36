"""A study at work: where, on what, with which fingerprints; and how its tasks' failures are told."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from numpy.typing import NDArray

from ..config import Study
from ..disk import NO_ROOM, explain_os_error
from ..errors import UsageError, UserError
from ..inference.model import LanguageModel
from ..locations import Location, is_url
from ..progress import Listener, Progress, Step
from ..record import Record
from ..tasks import Job

if TYPE_CHECKING:
    from distributed import Client

log = logging.getLogger("lstm_analysis")

FEW_DOCUMENTS = 20
"""With fewer documents the contexts of a neuron come from different sentences, not from different documents."""


MOST_REASONS = 5
GRAM_ANALYSES = {"pca"}
"""Analyses that need the products of every two neurons in the summary."""
MOST_GRAM_NEURONS = 1 << 12
"""Neurons, of all layers, whose products are summed: two numbers for each pair of them, 268 MB."""


class ShardsFailed(UserError):
    """Some shards failed after all retries; the rest is done.

    Parameters
    ----------
    failures
        Why, by shard; of the shards that failed for one reason the first is shown.
    n_shard
        Number of all shards.
    contents
        What shards hold, for a person.
    """

    def __init__(self, failures: Mapping[int, str], n_shard: int, contents: Mapping[int, str] | None = None) -> None:
        first = {text: i for i, text in sorted(failures.items(), reverse=True)}  # many shards can fail for one reason
        held = {i: f" ({text})" for i, text in (contents or {}).items()}
        reasons = sorted(first.items(), key=lambda pair: pair[1])[:MOST_REASONS]
        shown = "; ".join(f"shard {i}{held.get(i, '')}: {text}" for text, i in reasons)
        super().__init__(
            f"{len(failures)} of {n_shard} shards failed and the rest is done: {shown}. Mend the cause and run again: "
            "only these shards are left.",
            exit_code=3,
        )


@dataclass
class Work:
    """A study at work: where, on what, with which fingerprints.

    Parameters
    ----------
    study
        What to do.
    run
        Folder of the run.
    client
        Dask client; ``None`` works in this process.
    record
        The run's ``run.json``.
    prints
        Fingerprint of each stage's inputs.
    inside
        Place in the folder of a run whose companion it is, such as ``twin``; empty for the run itself.
    beside
        States of the model whose companion it is: phrases are matched by its surprisals, so that both are held against
        the same phrases, and the companion need not compute its own; ``None`` for the run itself.
    listeners
        Told how far each step is.
    on_stage
        Told the name of each stage that begins.
    """

    study: Study
    run: Path
    client: "Client | None"
    record: Record
    prints: dict[str, str]
    inside: str = ""
    beside: Location | None = None
    listeners: Sequence[Listener] = ()
    on_stage: Callable[[str], None] | None = None

    @contextmanager
    def stage(self, name: str, *products: str) -> Iterator[dict[str, Any]]:
        """Note in ``run.json`` when a stage begins and when it is done, with the facts it finds; always runs it."""
        with self.record.stage(name, self.prints[name], products) as facts:
            if self.on_stage is not None:
                self.on_stage(name)
            yield facts

    def progress(
        self,
        name: str,
        total: int | None = None,
        *,
        unit: str = "tokens",
        initial: int = 0,
        n_task: int = 0,
        done_before: Collection[int] = (),
    ) -> Progress:
        """Return the progress of a step of the study; see `Step`."""
        return Progress(Step(name, unit, total, initial, n_task=n_task, done_before=done_before), self.listeners)

    @property
    def activations(self) -> Location:
        """Where the states are kept: where ``run.json`` says, for a run's folder may have got another name."""
        recorded = self.record.content["stages"].get("activations", {}).get("products", ())
        if (url := next(filter(is_url, recorded), None)) is not None:
            return str(url)
        return self.study.store.states(self.run, self.inside)

    @property
    def stored(self) -> bool:
        """Whether states are kept on disk."""
        return self.study.store.activations != "none"


def can_settle(study: Study, cell: str, pieces: bool) -> bool:
    """Whether the c of lanes can be corrected in the end: h of all that is read is stored in full, and so are gates."""
    inference = study.inference
    full = inference.precision == study.store.activations == "float32" and "hidden" in inference.kept(cell)
    return inference.carry == "continuous" and cell == "lstm" and full and not pieces


def needs_gram(study: Study) -> bool:
    """Whether the one pass sums the products of every two neurons, which others do not pay for."""
    return bool(GRAM_ANALYSES & set(study.analyses or ()))


def check_gram(study: Study, model: LanguageModel) -> None:
    """Refuse an analysis of pairs of neurons for a model that has too many.

    Raises
    ------
    UsageError
        If the products of its neurons would take more than is meant to be summed.
    """
    n_neuron = model.n_layer * model.n_neuron
    if needs_gram(study) and n_neuron > MOST_GRAM_NEURONS:
        names = ", ".join(sorted(GRAM_ANALYSES & set(study.analyses or ())))
        raise UsageError(
            f"The analysis {names} sums the products of every two neurons, and the model has {n_neuron:,} (layers "
            f"counted as large as the largest); the limit is {MOST_GRAM_NEURONS:,}. Take {names} out of analyses."
        )


def make_job(state: Work, model: LanguageModel) -> Job:
    """Return what the tasks of the study need to know."""
    inference = state.study.inference
    few = state.record.facts["corpus"]["n_document"] < FEW_DOCUMENTS
    pieces = "piece_id" in zarr.open_group(state.run / "corpus.zarr", mode="r")
    return Job(
        run=state.run.resolve(),
        model_digest=model.digest,
        carry=inference.carry,
        states=inference.kept(model.cell),
        surprisal=inference.surprisal,
        dtype=state.study.store.activations,
        device=inference.device,
        precision=inference.precision,
        kernel=inference.kernel,
        readout=inference.readout,
        tolerance=inference.tolerance,
        rows=inference.shard_tokens,
        settles=can_settle(state.study, model.cell, pieces),
        context_group="sentence" if few else "document",
        activations_url=None if isinstance(state.activations, Path) else state.activations,
        graded=state.study.graded,
        gram=needs_gram(state.study),
    )


def stream_starts(state: Work) -> NDArray[np.int64] | None:
    """Return the first token of each stream (``carry: streams``), where states begin anew inside a document."""
    n_stream, n_token = state.study.inference.streams, state.record.facts["corpus"]["n_token"]
    return None if n_stream is None else np.arange(n_stream, dtype=np.int64) * (n_token // n_stream)


def explain(error: BaseException, run: Path, needed: str = "") -> str:
    """Return one sentence on why a task failed; a full disk stops the run.

    Parameters
    ----------
    error
        The failure.
    run
        Folder of the run.
    needed
        A sentence on how much is still to be written, if that is known.

    Raises
    ------
    UserError
        If the disk is full, or files may not grow.
    """
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        raise explain_os_error(error, run, needed) from None
    if type(error).__name__ == "KilledWorker":
        return (
            "its worker died each time, most likely out of memory: give workers more memory, or make shards smaller "
            "(inference.shard_tokens)"
        )
    if not isinstance(error, UserError):
        log.debug("task failed", exc_info=error)
    return f"{type(error).__name__}: {error}" if not isinstance(error, UserError) else str(error)

"""Where the streams of a run begin and end, and what the tasks of a finished run need to know."""

from typing import Any, cast

import numpy as np
import zarr
from numpy.typing import NDArray

from ..config import InferenceConfig
from ..errors import UserError
from ..inference.checkpoints import load_model
from ..inference.model import LanguageModel
from ..locations import is_url
from ..run import Run
from ..tasks import Job
from .tables import columns, corpus_columns


def run_model(run: Run) -> LanguageModel:
    """Return the model of a run.

    Raises
    ------
    UserError
        If it has none.
    """
    if not (run.path / "model.safetensors").exists():
        why = "it was imported" if "imported" in run.facts else "model.safetensors is missing"
        raise UserError(f"{run.path} has no model to take neurons out of: {why}. Give the run of a study.")
    return load_model(run.path / "model.safetensors")


def run_job(run: Run, model: LanguageModel) -> Job:
    """Return what the tasks of a finished run need to know, as its ``run.json`` says."""
    study: dict[str, Any] = run.record["study"]
    inference, activations = study["inference"], run.record["stages"].get("activations", {})
    return Job(
        run=run.path.resolve(),
        model_digest=model.digest,
        carry=inference["carry"],
        states=tuple(inference["states"] or InferenceConfig().kept(model.cell)),
        surprisal=inference["surprisal"],
        dtype=study["store"]["activations"],
        device=inference["device"],
        precision=inference["precision"],
        kernel=inference["kernel"],
        readout=inference["readout"],
        tolerance=inference["tolerance"],
        rows=inference["shard_tokens"],
        activations_url=next(filter(is_url, activations.get("products", ())), None),
    )


def streams_of(run: Run, time: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first token of the stream that each token is in, and the token after its last, dims of ``time``.

    A stream is what is read with carried state: a document, a sentence, an equal part, or the whole corpus.
    """
    inference, n_token = run.record["study"]["inference"], int(run.facts["corpus"]["n_token"])
    if inference["carry"] == "sentence":
        position, length = _rows(run, time, "sentence_position", "sentence_length")
        return time - position, time - position + length
    starts = np.zeros(1, np.int64)
    if inference["carry"] == "document":
        corpus = zarr.open_group(run.path / "corpus.zarr", mode="r")
        starts = np.asarray(cast("zarr.Array[Any]", corpus["document_start"])[:]).astype(np.int64)
    elif inference["carry"] == "streams":
        starts = np.arange(inference["streams"], dtype=np.int64) * (n_token // inference["streams"])
    place = np.searchsorted(starts, time, side="right") - 1
    return starts[place], np.append(starts, n_token)[place + 1]


def _rows(run: Run, time: NDArray[np.int64], *names: str) -> list[NDArray[np.int64]]:
    """Return columns of the corpus at ascending tokens."""
    found, at = [np.empty(len(time), np.int64) for _ in names], 0
    for piece in columns(corpus_columns(run.path), *names):
        first, stop = np.searchsorted(time, [at, at + len(piece[0])])
        for column, values in zip(found, piece, strict=True):
            column[first:stop] = values[time[first:stop] - at]
        at += len(piece[0])
    return found

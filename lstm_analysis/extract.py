"""Extraction from Python: a corpus dataset and a model in, a run with stored states out."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .config import CorpusConfig, InferenceConfig, ModelConfig, State, Study
from .corpus.pieces import add_pieces
from .errors import UsageError
from .inference.checkpoints import save_model
from .inference.model import LanguageModel
from .lock import RunLock
from .record import Record, fingerprint
from .run import Run, open_run
from .stages import Work
from .stages.activations import activations_stage
from .stages.corpus import report_corpus
from .stages.reading import check_reading
from .store import remove_leftovers, write_dataset
from .store_config import StoreConfig
from .submission.status_writer import StatusWriter
from .vocabulary import END_NAMES

if TYPE_CHECKING:
    from distributed import Client

COLUMNS = ("type_id", "document", "sentence", "sentence_position", "sentence_length")


def extract_activations(
    corpus: xr.Dataset,
    model: LanguageModel,
    run: str | Path,
    *,
    carry: Literal["document", "sentence", "continuous", "streams"] = "document",
    streams: int | None = None,
    tolerance: float = 5e-6,
    states: Sequence[State] | None = None,
    surprisal: bool = True,
    unit: Literal["word", "token"] = "word",
    readout: Literal["last", "first", "mean"] = "last",
    store: Literal["float32", "float16"] = "float32",
    shard_tokens: int = 65_536,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    client: "Client | None" = None,
    force: bool = False,
) -> Run:
    """Read a corpus through a model and keep the states of every neuron after every token.

    Parameters
    ----------
    corpus
        As `read_corpus` gives it, dim ``time``, or some of its rows in their order. What is left out was never read:
        a document or sentence whose beginning is cut off begins, with position 0, at its first row that is there.
    model
        As `load_model` gives it.
    run
        Folder of the run; a second call with the same inputs goes on where the first stopped.
    carry
        Where states are reset: at each ``document`` or ``sentence``, never (``continuous``), or at the beginning of
        each of ``streams`` equal parts.
    streams
        Number of parts for ``carry="streams"``.
    tolerance
        Largest difference by which ``carry="continuous"`` may miss the one pass over the corpus.
    states
        What to keep; by default ``hidden`` and, where the model has one, ``cell``.
    surprisal
        Whether to compute the surprisal of each token.
    unit, readout
        For models that read characters, bytes or pieces of words: whether a place on ``time`` is a ``word`` or one of
        its pieces, a ``token``, as always if the corpus was read with ``level="char"``; and whether the state of a word
        is that after its ``last`` or ``first`` piece, or their ``mean``.
    store
        Stored type of the states.
    shard_tokens
        Tokens of a shard.
    device
        ``auto``, ``cpu`` or ``cuda``.
    client
        Dask client; by default the current one if there is one, else the work is done in this process.
    force
        Replace what other inputs left in the folder.

    Returns
    -------
    The run; ``run.activations`` is lazy, dims (time, layer, neuron).

    Raises
    ------
    UserError
        If the folder belongs to other inputs, or the corpus holds tokens that the model cannot read.
    """
    missing = [name for name in (*COLUMNS, "type", "document_start") if name not in corpus.variables]
    if missing:
        raise UsageError(f"The corpus lacks {', '.join(missing)}; make it with read_corpus.")
    corpus = recount(corpus)
    unit = "token" if "token_name" in corpus else unit
    inference = InferenceConfig(
        carry,
        streams,
        tolerance,
        states=None if states is None else tuple(states),
        readout=readout,
        surprisal=surprisal,
        shard_tokens=shard_tokens,
        device=device,
    )
    study = Study(
        Path(run).name, CorpusConfig("dataset", unit=unit), ModelConfig("in memory"), inference, StoreConfig(store)
    )
    check_reading(inference, model)
    if study.store.activations == "none":
        raise UsageError("extract_activations keeps states; to keep none, run a study with store: none.")
    forms = [str(form) for form in corpus["type"].values]
    if model.vocabulary.end_of_sentence is None and set(forms) & set(END_NAMES):
        raise UsageError(
            "The corpus has end symbols, but the model's vocabulary has none. Read it with end_of_sentence=None."
        )
    digest = fingerprint(forms, unit, *[_digest(corpus[name]) for name in COLUMNS], *_spelling(corpus))
    prints = {"corpus": fingerprint("corpus", digest, model.vocabulary.digest, shard_tokens)}
    reading = {key: value for key, value in study.as_dict()["inference"].items() if key != "device"}
    prints["activations"] = fingerprint("activations", prints["corpus"], model.digest, reading, store)
    path = Path(run)
    path.mkdir(parents=True, exist_ok=True)
    with RunLock(path), StatusWriter(path, study.name) as status:
        record = Record(path, study.as_dict())
        record.adopt(prints, force)
        status.begin()
        state = Work(study, path, client or _current_client(), record, prints)
        state.listeners, state.on_stage = (status,), status.enter_stage
        status.watch(state.client)
        if not record.is_done("corpus"):
            _keep_corpus(state, add_pieces(corpus, model.vocabulary, unit), model)
        if not record.is_done("activations"):
            activations_stage(state, model)
        remove_leftovers(path)
    return open_run(path)


def recount(corpus: xr.Dataset) -> xr.Dataset:
    """Return a corpus, or some of its rows, with documents, sentences and positions counted over the rows there are.

    Parameters
    ----------
    corpus
        As `read_corpus` gives it, or rows of it in their order, dim ``time``.

    Returns
    -------
    The same tokens; a whole corpus comes back as it is.

    Raises
    ------
    UserError
        If there are no rows, or marks whose tokens cannot be told because rows before them are missing.
    """
    if not corpus.sizes["time"]:
        raise UsageError("The corpus has no tokens; if it was cut, check the rows that were chosen.")
    new = _counted(*(corpus[name].values for name in ("document", "sentence", "sentence_position")))
    first = np.flatnonzero(np.diff(new["document"], prepend=-1)).astype(corpus["document_start"].dtype)
    same = {name: values == corpus[name].values for name, values in new.items()}
    if all(rows.all() for rows in same.values()) and len(first) == corpus.sizes["document_name"]:
        return corpus
    if "mark_time" in corpus:
        same["sentence_length"] |= new["sentence"] == new["sentence"][-1]  # the end may be cut off
        beginning = np.array_equal(first, corpus["document_start"].values[: len(first)])
        if not beginning or not all(rows.all() for rows in same.values()):
            raise UsageError(
                "The corpus has marks, and rows before or among those given were left out, so the tokens of its marks "
                "cannot be told any more. Give its beginning, or choose documents with read_corpus(documents=...)."
            )
        corpus = corpus.isel(mark=corpus["mark_time"].values < corpus.sizes["time"])
    columns = {name: ("time", values.astype(corpus[name].dtype), corpus[name].attrs) for name, values in new.items()}
    columns["document_start"] = ("document_name", first, corpus["document_start"].attrs)
    return corpus.isel(document_name=corpus["document"].values[first]).assign(columns)


def _counted(
    document: NDArray[Any], sentence: NDArray[Any], sentence_position: NDArray[Any]
) -> dict[str, NDArray[np.int64]]:
    """Return the columns of document and sentence, dims (time), counted over the rows there are."""
    n = len(document)
    new_document = np.diff(document, prepend=document[0]) != 0
    new_sentence = new_document | (np.diff(sentence, prepend=sentence[0]) != 0)
    new_sentence[1:] |= np.diff(sentence_position) <= 0
    starts = np.concatenate([[0], np.flatnonzero(new_sentence)])
    lengths = np.diff(starts, append=n)
    return {
        "document": np.cumsum(new_document),
        "sentence": np.cumsum(new_sentence),
        "sentence_position": np.arange(n) - np.repeat(starts, lengths),
        "sentence_length": np.repeat(lengths, lengths),
    }


def _keep_corpus(state: Work, corpus: xr.Dataset, model: LanguageModel) -> None:
    with state.stage("corpus", "corpus.zarr", "model.safetensors") as facts:
        save_model(model, state.run / "model.safetensors")
        columns = {name: corpus[name] for name in corpus.variables if corpus[name].dims == ("time",)}
        rows = state.study.inference.shard_tokens
        for name in columns:
            corpus[name].encoding = {"chunks": (rows,)}
        write_dataset(state.run / "corpus.zarr", corpus, state.prints["corpus"])
        read = corpus["piece_id" if "piece_id" in corpus else "token_id"]
        n_unknown = int((read == (-1 if model.vocabulary.unknown is None else model.vocabulary.unknown)).sum())
        facts |= {
            "n_token": corpus.sizes["time"],
            "n_sentence": int(corpus["sentence"][-1]) - int(corpus["sentence"][0]) + 1,
            "n_document": corpus.sizes["document_name"],
            "n_type": corpus.sizes["type"],
            "n_unknown": n_unknown,
            "unknown_share": n_unknown / read.size,
            "limited": False,
        }
    report_corpus(facts)


def _spelling(corpus: xr.Dataset) -> list[Any]:
    """Return what tells apart texts of the same words, where a row is a character."""
    return [corpus["token_name"].values.tolist(), _digest(corpus["token_id"])] if "token_name" in corpus else []


def _digest(column: xr.DataArray) -> str:
    return hashlib.sha256(np.ascontiguousarray(column.values).tobytes()).hexdigest()


def _current_client() -> Any:
    from distributed import default_client

    try:
        return cast(Any, default_client())
    except ValueError:
        return None

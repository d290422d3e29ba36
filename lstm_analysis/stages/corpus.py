"""Stage corpus: its parts read by the workers, put together, and their rows written to ``corpus.zarr``."""

import hashlib
import shutil
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xarray as xr

from .. import tasks
from ..cluster import work
from ..config import AUTOMATIC, Study
from ..corpus import CorpusBuilder, JavaOptions, PieceColumns, Sentence, Source, empty_corpus, find_reader
from ..corpus.copies import find_copies
from ..corpus.indexing import MODULUS, create_columns, plan_chunks
from ..corpus.merging import Merger, dims_of
from ..corpus.part_reading import DocumentScan
from ..corpus.parts import CHARACTER_BYTES, Part, plan_parts
from ..corpus.reader import Reader, report_remarks
from ..errors import UsageError, UserError
from ..inference.checkpoints import save_model
from ..inference.model import LanguageModel
from ..segmentation import NEWLINE, segmenter
from ..store import FINGERPRINT, new_store, open_dataset
from ..tasks import CorpusJob
from .work import Work, explain, log

UNKNOWN_WARNING = 0.2
PARTS = "parts"


def corpus_stage(state: Work, model: LanguageModel) -> None:
    """Read the corpus into ``corpus.zarr`` and put the model beside it."""
    with state.stage("corpus", "corpus.zarr", "model.safetensors") as facts:
        save_model(model, state.run / "model.safetensors")
        job = corpus_job(state, model)
        merger = Merger(job.parts, model.vocabulary, job.of_pieces, job.unit, job.limit_tokens)
        read_parts(state, job, merger)
        if not merger.place.time:
            raise empty_corpus(job.limit_tokens, merger.limited)
        report_remarks(merger.remarks)
        facts |= write_index(state, job, merger)
        n_read = facts.get("n_piece", facts["n_token"])
        end = NEWLINE if job.source.level == "char" else job.end_of_sentence
        facts |= {"end_of_sentence": end, "unknown_share": facts["n_unknown"] / n_read}
        facts["n_remark"] = len(merger.remarks)
        if state.study.corpus.format == "java":
            facts["n_copy"] = report_copies(open_dataset(state.run / "corpus.zarr"))
        shutil.rmtree(job.parts)
    report_corpus(facts)


def corpus_job(state: Work, model: LanguageModel) -> CorpusJob:
    """Return what the tasks that read the corpus need to know."""
    config, run = state.study.corpus, state.run.resolve()
    reader, source = study_reader(state.study)
    of_pieces = model.vocabulary.level != "word"
    return CorpusJob(
        parts=run / PARTS,
        model=run / "model.safetensors",
        vocabulary_digest=model.vocabulary.digest,
        reader=reader,
        source=source,
        end_of_sentence=end_symbol(state.study, model),
        of_pieces=of_pieces,
        unit=config.unit if of_pieces else "word",
        limit_tokens=config.limit_tokens,
        rows=state.study.inference.shard_tokens,
        unknown=model.vocabulary.unknown,
        print_=state.prints["corpus"],
    )


def read_parts(state: Work, job: CorpusJob, merger: Merger) -> None:
    """Have the parts of the corpus read, and put them together in its order, up to the limit.

    Raises
    ------
    UserError
        If a part cannot be read, and the limit does not come before it.
    """
    sizes = {file: entry[0] for file, entry in state.record.facts["files"].items() if entry}
    part_bytes = CHARACTER_BYTES if job.source.level == "char" else None
    parts = plan_parts(job.reader, job.reader.texts(job.source), sizes, part_bytes)
    order = PartOrder(job, merger, parts)
    n_byte = sum(part.n_byte for part in parts)
    with state.progress("corpus", n_byte, unit="bytes", n_task=len(parts)) as bar:
        for (index, part, *_), outcome in work(state.client, "corpus", tasks.corpus_part, order.queue):
            order.take(index, outcome)
            if not isinstance(index, tuple):
                bar.update(part.n_byte)


class PartOrder:
    """Puts parts that come in any order into that of the corpus: first their documents, then all they hold.

    Parameters
    ----------
    job, merger
        What reads and what puts together.
    parts
        All of the corpus.
    """

    def __init__(self, job: CorpusJob, merger: Merger, parts: list[Part]) -> None:
        self._job, self._merger = job, merger
        self._scan = None if job.reader.declares is None else DocumentScan(job.reader)
        scans = self._scan is not None
        self.queue: deque[tuple[Any, ...]] = deque(((p.index, 0) if scans else p.index, p, job) for p in parts)
        self._scanned: dict[int, Any] = {}
        self._read: dict[int, Any] = {}
        self._next_scan = self._next_read = 0

    def take(self, index: int | tuple[int, int], outcome: Any) -> None:
        """Take the outcome of a task, and go on as far as everything before is known."""
        if isinstance(index, tuple):
            self._scanned[index[0]] = outcome
        else:
            self._read[index] = outcome
        while self._next_scan in self._scanned:
            self._place_documents(self._scanned.pop(self._next_scan))
            self._next_scan += 1
        while self._next_read in self._read and not self._merger.limited:
            _refuse_failed(self._read.pop(self._next_read), self._job.parts.parent)
            self._merger.add(self._next_read)
            self._next_read += 1
        if self._merger.limited:
            self.queue.clear()  # what is still being read is not needed any more

    def _place_documents(self, outcome: Any) -> None:
        if isinstance(outcome, BaseException):
            self._read[self._next_scan] = outcome
        else:
            assert self._scan is not None
            part = self._scan.advance(*outcome)
            self.queue.appendleft((part.index, part, self._job))


def _refuse_failed(outcome: Any, run: Path) -> None:
    if isinstance(outcome, UserError):
        raise outcome
    if isinstance(outcome, BaseException):
        raise UserError(f"Reading the corpus failed: {explain(outcome, run)}") from outcome


def write_index(state: Work, job: CorpusJob, merger: Merger) -> dict[str, Any]:
    """Have ``corpus.zarr`` written from the parts; return its counts and digest."""
    total, n_unknown = 0, 0
    with new_store(state.run / "corpus.zarr") as folder:
        create_columns(folder, merger, job.rows)
        chunks = [
            found
            for dim in dims_of(job.of_pieces, job.unit)
            for found in plan_chunks(merger.placed, dim, job.rows, merger.size(dim))
        ]
        queue = deque((i, part, job, folder.resolve()) for i, part in enumerate(chunks))
        with state.progress("index", sum(c.stop - c.start for c in chunks), unit="rows", n_task=len(chunks)) as bar:
            for (_, found, *_), outcome in work(state.client, "index", tasks.index_part, queue):
                if isinstance(outcome, BaseException):
                    raise UserError(f"Writing the corpus failed: {explain(outcome, state.run)}") from outcome
                total += outcome.digest
                n_unknown += outcome.n_unknown
                bar.update(found.stop - found.start)
        tables = merger.dataset().assign_attrs({FINGERPRINT: job.print_})
        tables.to_zarr(folder, mode="a", consolidated=False, zarr_format=3)
    sha = hashlib.sha256((total % MODULUS).to_bytes(32, "big"))
    for name in sorted(map(str, tables.coords)):
        sha.update("\0".join(map(str, tables[name].values)).encode())
    return merger.counts() | {"n_unknown": n_unknown, "digest": sha.hexdigest()}


def study_reader(study: Study) -> tuple[Reader, Source]:
    """Return the reader of a study's corpus, and what it reads."""
    config = study.corpus
    paths = [study.resolve(path) for path in config.path]
    java = JavaOptions(config.comments, config.subtokens, config.structure, config.encoding)
    return find_reader(config.format, paths, config.sentences, config.documents, java, config.level)


def study_sentences(study: Study) -> Iterator[Sentence]:
    """Yield the sentences of a study's corpus."""
    reader, source = study_reader(study)
    return (sentence for sentence in reader(source) if source.wants(sentence.document))


def corpus_builder(study: Study, model: LanguageModel) -> CorpusBuilder:
    """Return what turns the study's sentences into the columns of its corpus."""
    cut = segmenter(model.vocabulary)
    pieces = None if cut is None else PieceColumns(cut, study.corpus.unit)
    return CorpusBuilder(end_symbol(study, model), study.corpus.limit_tokens, pieces)


def end_symbol(study: Study, model: LanguageModel) -> str | None:
    """Return the symbol that ends each sentence: the study's, or that of the model's vocabulary.

    A tokenizer's is used only if the study asks for it: many a model has it at the ends of documents alone.
    """
    asked = study.corpus.end_of_sentence
    if study.corpus.level == "char":
        return None  # a line's end is a word of the text
    if asked != AUTOMATIC:
        if asked is not None and model.vocabulary.index(asked) in (None, model.vocabulary.unknown):
            raise UsageError(
                f"corpus.end_of_sentence is {asked!r}, which the model's vocabulary lacks. Give the symbol that the "
                "model was trained with, or null for none."
            )
        return asked
    return None if model.vocabulary.level == "subword" else model.vocabulary.end_of_sentence


def report_copies(corpus: xr.Dataset) -> int:
    """Warn of documents that are copies of others; return how many are."""
    copies = find_copies(corpus)
    if copies:
        names = corpus["document_name"].values
        log.warning(
            "%d of %d documents are copies of others, token by token (%s is one of %s), so what they hold counts more "
            "than once, and may be both in a text and in what is held out of it. Name others in corpus.documents, or "
            "remove the copies, if that is not what you want.",
            len(copies), len(names), *(names[i] for i in copies[0]),
        )  # fmt: skip
    return len(copies)


def report_corpus(facts: dict[str, Any]) -> None:
    """Say what was read, and warn if the model does not know much of it."""
    log.info(
        "corpus: %s tokens in %s sentences of %s documents, %s types, %.2f %% unknown to the model%s",
        *(f"{facts[name]:,}" for name in ("n_token", "n_sentence", "n_document", "n_type")),
        100 * facts["unknown_share"],
        "; stopped at corpus.limit_tokens" if facts["limited"] else "",
    )
    if facts["unknown_share"] > UNKNOWN_WARNING:
        log.warning(
            "%.0f %% of the tokens are unknown to the model and are all read as the same symbol, so its states say "
            "little about them. Usual causes: the model was trained on lower-cased text (model.lower_case: true), with "
            "numbers as one token (model.number: N) or with other tokens (clitics, punctuation) than the corpus has, "
            "or on another language or level (words, characters).",
            100 * facts["unknown_share"],
        )

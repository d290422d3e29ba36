"""Reading a part of the corpus, and writing the rows of ``corpus.zarr`` that begin in it."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..corpus import PieceColumns
from ..corpus.indexing import Chunks, Written, write_chunks
from ..corpus.part_file import is_written, part_path, write_part
from ..corpus.part_reading import Declared, read_part, scan_text
from ..corpus.parts import Part
from ..corpus.piece_columns import Unit
from ..corpus.reader import Reader
from ..corpus.sentences import Source
from ..inference.checkpoints import load_model
from ..segmentation import Segmenter, segmenter


@dataclass(frozen=True)
class CorpusJob:
    """What every task that reads the corpus needs to know.

    Parameters
    ----------
    parts
        Folder of the parts.
    model
        File of the model.
    vocabulary_digest
        Of the model's vocabulary.
    reader, source
        What reads what.
    end_of_sentence
        Symbol appended to each sentence, ``None`` for none.
    of_pieces, unit
        Whether the model reads pieces of words, and what a place on ``time`` is.
    limit_tokens
        Tokens after which nothing is needed.
    rows
        Rows of a chunk on disk.
    unknown
        Row of the vocabulary that stands for what it lacks.
    print_
        Says what the corpus is made from.
    """

    parts: Path
    model: Path
    vocabulary_digest: str
    reader: Reader
    source: Source
    end_of_sentence: str | None
    of_pieces: bool
    unit: Unit
    limit_tokens: int | None
    rows: int
    unknown: int | None
    print_: str


def corpus_part(index: int | tuple[int, int], part: Part, job: CorpusJob) -> Any:
    """Find the documents that begin in a part, or read it.

    Formats whose lines begin documents need both, in this order.

    Parameters
    ----------
    index
        Of the part to be read; of one whose documents are to be found in a tuple.
    part, job
        What to read, and how.
    """
    if isinstance(index, tuple):
        return scan_corpus_part(part, job)
    return read_corpus_part(part, job)


def scan_corpus_part(part: Part, job: CorpusJob) -> tuple[Part, list[tuple[Declared, int]]]:
    """Return a part with settled ends, and the lines of each of its texts that begin documents."""
    part = part.settled(job.reader)
    return part, [scan_text(job.reader, text) for text in part.texts]


def read_corpus_part(part: Part, job: CorpusJob) -> None:
    """Read a part into its file, unless it is there."""
    path, print_ = part_path(job.parts, part.index), f"{job.print_} {part.digest}"
    if is_written(path, print_):
        return
    if job.reader.declares is None:
        part = part.settled(job.reader)
    pieces = PieceColumns(open_segmenter(job.model, job.vocabulary_digest), job.unit) if job.of_pieces else None
    write_part(path, read_part(job.reader, job.source, part, job.end_of_sentence, pieces, job.limit_tokens), print_)


@lru_cache(maxsize=1)
def open_segmenter(model: Path, vocabulary_digest: str) -> Segmenter:
    """Return what cuts words into the pieces of a model, loaded once a process."""
    found = segmenter(load_model(model).vocabulary)
    assert found is not None
    return found


def index_part(index: int, chunks: Chunks, job: CorpusJob, store: Path) -> Written:
    """Write the chunks of the corpus store that begin in a part."""
    return write_chunks(store, job.parts, chunks, job.rows, job.unit, job.unknown)

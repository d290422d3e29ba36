"""Corpora: readers that yield sentences, and the dataset they become."""

from collections.abc import Iterator, Sequence

import xarray as xr

from ..errors import UsageError, nearest
from .conllu import read_conllu
from .dataset import CorpusBuilder, EmptyCorpus, corpus_dataset, empty_corpus
from .jsonl import read_jsonl
from .piece_columns import PieceColumns
from .pieces import add_pieces
from .reader import Reader
from .sentences import Mark, Sentence, Source
from .sotu import read_sotu
from .text import read_text
from .tsv import read_tsv

__all__ = [
    "READERS", "CorpusBuilder", "EmptyCorpus", "Mark", "PieceColumns", "Reader", "Sentence", "Source", "add_pieces",
    "empty_corpus", "find_reader", "read_corpus", "read_sentences",
]  # fmt: skip

READERS: dict[str, Reader] = {
    "text": read_text,
    "conllu": read_conllu,
    "tsv": read_tsv,
    "jsonl": read_jsonl,
    "sotu": read_sotu,
}
CUTS = ("line", "split")
SUFFIXES = {".txt": "text", ".conllu": "conllu", ".tsv": "tsv", ".jsonl": "jsonl"}


def read_sentences(
    format: str, paths: Sequence[str] = (), sentences: str = "line", documents: Sequence[str] = ()
) -> Iterator[Sentence]:
    """Yield the sentences of a corpus.

    Parameters
    ----------
    format
        A name in `READERS`.
    paths
        Paths, globs or fsspec URLs.
    sentences
        For running text: ``line`` or ``split``.
    documents
        Glob patterns of the document names to read; empty for all.
    """
    reader, source = find_reader(format, paths, sentences, documents)
    yield from (sentence for sentence in reader(source) if source.wants(sentence.document))


def find_reader(
    format: str, paths: Sequence[str], sentences: str = "line", documents: Sequence[str] = ()
) -> tuple[Reader, Source]:
    """Return the reader of a corpus and what it reads; parameters as of `read_sentences`.

    Raises
    ------
    UsageError
        If there is no such reader, or no such way to cut running text.
    """
    if format not in READERS:
        raise UsageError(f"Unknown corpus format {format!r}; {nearest(format, READERS)}")
    if sentences not in CUTS:
        raise UsageError(f"corpus.sentences is {sentences!r}; {nearest(sentences, CUTS)}")
    return READERS[format], Source(tuple(paths), sentences, tuple(documents))


def read_corpus(
    path: str | Sequence[str] = (),
    format: str | None = None,
    *,
    end_of_sentence: str | None = "</s>",
    limit_tokens: int | None = None,
    sentences: str = "line",
    documents: Sequence[str] = (),
) -> xr.Dataset:
    """Read a corpus into memory.

    Parameters
    ----------
    path
        Path, glob or fsspec URL, or several of them.
    format
        A name in `READERS`; by default that of the first path's suffix.
    end_of_sentence
        Symbol appended to each sentence; ``None`` for none.
    limit_tokens
        Read whole sentences up to this many tokens.
    sentences
        For text: ``line`` (one sentence a line) or ``split`` (running text through the sentence splitter).
    documents
        Glob patterns of the document names to read; empty for all.

    Returns
    -------
    Dataset with dim ``time``: ``type_id, document, sentence, sentence_position, sentence_length``, a column
    ``<name>_id`` for each annotation, and the tables ``type``, ``document_name`` and ``<name>``.
    """
    paths = [path] if isinstance(path, str) else list(path)
    if format is None:
        stem = paths[0].removesuffix(".gz") if paths else ""
        format = next((name for suffix, name in SUFFIXES.items() if stem.endswith(suffix)), None)
        if format is None:
            raise UsageError(f"Cannot tell the format of {paths} by its suffix; give format=, one of {list(READERS)}.")
    return corpus_dataset(read_sentences(format, paths, sentences, documents), end_of_sentence, limit_tokens)

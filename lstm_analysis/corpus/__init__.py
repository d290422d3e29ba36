"""Corpora: readers that yield sentences, and the dataset they become."""

from collections.abc import Iterator, Sequence

import xarray as xr

from ..corpus_config import refuse_cut_characters
from ..errors import UsageError, nearest, one_of
from .alphabet import Alphabet
from .character_readers import CHARACTER_READERS
from .conllu import read_conllu
from .dataset import CorpusBuilder, EmptyCorpus, corpus_dataset, empty_corpus
from .java.reader import read_java
from .jsonl import read_jsonl
from .piece_columns import PieceColumns
from .pieces import add_pieces
from .reader import Reader
from .sentences import PLAIN_JAVA, Encoding, JavaOptions, Level, Mark, Sentence, Source
from .sotu import read_sotu
from .text import read_text
from .tsv import read_tsv

__all__ = [
    "CHARACTER_READERS", "READERS", "CorpusBuilder", "EmptyCorpus", "JavaOptions", "Level", "Mark", "PieceColumns",
    "Reader", "Sentence", "Source", "add_pieces", "empty_corpus", "find_reader", "read_corpus", "read_sentences",
]  # fmt: skip

READERS: dict[str, Reader] = {
    "text": read_text,
    "conllu": read_conllu,
    "tsv": read_tsv,
    "jsonl": read_jsonl,
    "sotu": read_sotu,
    "java": read_java,
}
CUTS = ("line", "split")
LEVELS = ("word", "char")
SUFFIXES = {".txt": "text", ".conllu": "conllu", ".tsv": "tsv", ".jsonl": "jsonl", ".java": "java"}


def read_sentences(
    format: str,
    paths: Sequence[str] = (),
    sentences: str = "line",
    documents: Sequence[str] = (),
    java: JavaOptions = PLAIN_JAVA,
    level: Level = "word",
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
    java
        How Java is read.
    level
        ``word``, or ``char`` for lines with all their characters.
    """
    reader, source = find_reader(format, paths, sentences, documents, java, level)
    yield from (sentence for sentence in reader(source) if source.wants(sentence.document))


def find_reader(
    format: str,
    paths: Sequence[str],
    sentences: str = "line",
    documents: Sequence[str] = (),
    java: JavaOptions = PLAIN_JAVA,
    level: Level = "word",
) -> tuple[Reader, Source]:
    """Return the reader of a corpus and what it reads; parameters as of `read_sentences`.

    Raises
    ------
    UsageError
        If there is no such reader, no such level, or no such way to cut running text; if it is not Java, but to be read
        so.
    """
    if format not in READERS:
        raise UsageError(f"Unknown corpus format {format!r}; {nearest(format, READERS)}")
    if sentences not in CUTS:
        raise UsageError(f"corpus.sentences is {sentences!r}; {nearest(sentences, CUTS)}")
    if level not in LEVELS:
        raise UsageError(f"corpus.level is {level!r}; {one_of(level, LEVELS)}")
    refuse_cut_characters(level, sentences)
    given = [name for name, value in java._asdict().items() if value != getattr(PLAIN_JAVA, name)]
    if given and format != "java":
        raise UsageError(
            f"corpus.{given[0]} is for the format java; the corpus has the format {format}. Remove the key."
        )
    readers = READERS if level == "word" else CHARACTER_READERS
    return readers[format], Source(tuple(paths), sentences, tuple(documents), java, level)


def read_corpus(
    path: str | Sequence[str] = (),
    format: str | None = None,
    *,
    end_of_sentence: str | None = "</s>",
    limit_tokens: int | None = None,
    sentences: str = "line",
    documents: Sequence[str] = (),
    comments: bool = False,
    subtokens: bool = False,
    structure: bool = False,
    encoding: Encoding = "utf-8",
    level: Level = "word",
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
    comments, subtokens, structure, encoding
        For Java: whether the words of comments are tokens, whether identifiers are cut into their parts, whether there
        are columns of a syntax tree, and what a source is that is not UTF-8: an error (``utf-8``), or ``latin-1``.
    level
        ``word``, or ``char``: every character is kept, a line is a sentence, and ``end_of_sentence`` is not used,
        because the lines have ends of their own.

    Returns
    -------
    Dataset with dim ``time``: ``type_id, document, sentence, sentence_position, sentence_length``, a column
    ``<name>_id`` for each annotation, a column for each kind of number, and the tables ``type``, ``document_name`` and
    ``<name>``. Of characters: as `corpus.pieces` describes a row a piece, with the characters as `token_name`.
    """
    paths = [path] if isinstance(path, str) else list(path)
    if format is None:
        stem = paths[0].removesuffix(".gz") if paths else ""
        format = next((name for suffix, name in SUFFIXES.items() if stem.endswith(suffix)), None)
        if format is None:
            raise UsageError(f"Cannot tell the format of {paths} by its suffix; give format=, one of {list(READERS)}.")
    java = JavaOptions(comments, subtokens, structure, encoding)
    found = read_sentences(format, paths, sentences, documents, java, level)
    if level == "char":
        return corpus_dataset(found, None, limit_tokens, PieceColumns(Alphabet(), "token"))
    return corpus_dataset(found, end_of_sentence, limit_tokens)

"""Reading a part of the corpus, on a worker."""

from collections.abc import Iterator
from dataclasses import replace

from ..errors import UserError
from .coded import CodedPieces
from .coding import Coder, code_pieces
from .files import DocumentNames, raw_lines
from .part_file import CodedPart
from .parts import Part
from .piece_columns import PieceColumns
from .reader import Reader, Remark, Text
from .sentences import Sentence, Source

Declared = list[tuple[int, str]]
"""Number in its text and content of each line that may begin a document."""


def scan_text(reader: Reader, text: Text) -> tuple[Declared, int]:
    """Return the lines of a text that begin documents, and its number of lines: quick, for no line is cut up."""
    declares, found, i = reader.declares, [], 0
    assert declares is not None
    counted = replace(text, lines_before=0)  # names that hold a number are made later
    for i, raw in enumerate(raw_lines(text.file, text.start, text.stop), 1):
        if raw[:1] == b"#" or (i == 1 and text.start == 0):
            line = raw.decode("utf-8", "replace").removeprefix("\ufeff" if text.start == 0 and i == 1 else "")
            line = line.rstrip("\r\n")
            if declares(line, counted, i) is not None:
                found.append((i, line))
    return found, i


class DocumentScan:
    """Follows the documents of a corpus from part to part, so that each part knows what comes before it.

    Parameters
    ----------
    reader
        Of a format whose lines begin documents.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader, self._names = reader, DocumentNames()
        self._document: str | None = None
        self._n_line = 0

    def advance(self, part: Part, scanned: list[tuple[Declared, int]]) -> Part:
        """Return the part, which must be the next one, with what has to be known to read it."""
        assert self._reader.declares is not None
        texts: list[Text] = []
        declared: set[str] = set()
        taken: frozenset[str] = frozenset()
        for text, (lines, n_line) in zip(part.texts, scanned, strict=True):
            if text.start == 0:
                self._names.begin(text.name)
                self._document, self._n_line = None, 0
            text = replace(text, document=self._document, lines_before=self._n_line)
            found = [name for i, line in lines if (name := self._reader.declares(line, text, i)) is not None]
            taken |= self._names.taken(set(found) - declared)
            declared |= set(found)
            for name in found:
                self._document = self._names.distinct(name)
            self._n_line += n_line
            texts.append(text)
        return replace(part, texts=tuple(texts), earlier=taken)


def read_part(
    reader: Reader,
    source: Source,
    part: Part,
    end_of_sentence: str | None,
    pieces: PieceColumns | None,
    limit_tokens: int | None,
) -> CodedPart:
    """Read a part of the corpus.

    Parameters
    ----------
    reader, source
        Of the corpus.
    part
        What to read, with settled ends and what has to be known of the parts before it.
    end_of_sentence
        Symbol appended to each sentence, ``None`` for none.
    pieces
        How words are cut for a model that reads pieces.
    limit_tokens
        No more of a part is needed.
    """
    coder = Coder(end_of_sentence, pieces)
    head: CodedPieces | None = None
    remarks: list[str] = []
    error, n_row, n_first = None, 0, 0
    try:
        for sentence in _sentences(reader, source, part, remarks):
            n = coder.measure(sentence)
            if not coder.n_sentence:
                head, n_first = _head(pieces, sentence, end_of_sentence), n
            coder.add(sentence, n)
            n_row += n
            if limit_tokens is not None and n_row - n_first > limit_tokens:
                break
    except UserError as found:
        error = str(found)
    return CodedPart(
        coder.take(), head, list(coder.types), coder.documents, list(coder.marked_concepts),
        {name: list(codes) for name, codes in coder.annotations.items()}, coder.goes_on, error, remarks,
    )  # fmt: skip


def _sentences(reader: Reader, source: Source, part: Part, remarks: list[str]) -> Iterator[Sentence]:
    """Yield the sentences of a part that are wanted, and put what is remarked on its texts to the others."""
    names = DocumentNames(part.earlier)
    for text in part.texts:
        if text.start == 0:
            names.begin(text.name)
        else:
            names.go_on(text.name)
        for found in reader.read(text, names):
            if isinstance(found, Remark):
                remarks.append(found.text)
            elif source.wants(found.document):
                yield found


def _head(pieces: PieceColumns | None, sentence: Sentence, end_of_sentence: str | None) -> CodedPieces | None:
    if pieces is None or sentence.before is not None:
        return None
    end = [] if end_of_sentence is None else [end_of_sentence]
    return code_pieces([pieces.segmenter.segment([*sentence.tokens, *end], goes_on=True)])

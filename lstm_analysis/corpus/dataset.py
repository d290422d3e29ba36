"""Sentences to the corpus dataset: dictionary-coded columns along ``time`` and their tables."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from .. import schema
from ..errors import UserError
from .coding import Coder
from .columns import TIME, Columns, Place, beside, column_dataset, columns_along
from .piece_columns import PieceColumns, Unit
from .sentences import Sentence
from .tables import Tables, refuse_taken


@dataclass
class CorpusBuilder:
    """Turns sentences into blocks of rows, keeping only the tables in memory.

    Parameters
    ----------
    end_of_sentence
        Symbol appended to each sentence, ``None`` for none.
    limit_tokens
        Stop before the first sentence that would go past this many tokens.
    pieces
        How words are cut for a model that reads pieces of them.
    """

    end_of_sentence: str | None = None
    limit_tokens: int | None = None
    pieces: PieceColumns | None = None
    limited: bool = False
    place: Place = field(default_factory=Place)
    _tables: Tables = field(default_factory=Tables)

    def __post_init__(self) -> None:
        self._coder = Coder(self.end_of_sentence, self.pieces)
        self._tables = Tables(self._coder.types, self._coder.documents, marked_concepts=self._coder.marked_concepts)

    @property
    def unit(self) -> Unit:
        """What a place on ``time`` is."""
        return "word" if self.pieces is None else self.pieces.unit

    @property
    def types(self) -> dict[str, int]:
        """Surface forms and their codes."""
        return self._tables.types

    @property
    def documents(self) -> list[str]:
        """Names of the documents."""
        return self._tables.documents

    @property
    def n_token(self) -> int:
        """Rows along ``time`` of the blocks so far."""
        return self.place.time

    @property
    def n_sentence(self) -> int:
        """Sentences of the blocks so far."""
        return self.place.sentence

    def blocks(self, sentences: Iterable[Sentence], rows: int) -> Iterator[xr.Dataset]:
        """Yield datasets of ``rows`` tokens (the last one shorter), dims ``time``.

        Columns along other dims hold what the sentences read since the block before have added.
        """
        pending: Columns = {}
        for time, others in self._columns(sentences, rows):
            pending = {name: np.concatenate([pending[name], new]) if pending else new for name, new in time.items()}
            while len(pending["type_id"]) >= rows:
                yield column_dataset({name: column[:rows] for name, column in pending.items()}, others)
                pending, others = {name: column[rows:] for name, column in pending.items()}, {}
        if pending and len(pending["type_id"]):
            yield column_dataset(pending, others)

    def _columns(self, sentences: Iterable[Sentence], rows: int) -> Iterator[tuple[Columns, Columns]]:
        """Yield columns of many sentences: at least ``rows`` tokens with those that are pending, all but the last."""
        coder, n_pending = self._coder, 0
        for sentence in sentences:
            n_row = coder.measure(sentence)
            if self.limit_tokens is not None and self.n_token + coder.n_row + n_row > self.limit_tokens:
                self.limited = True
                break
            coder.add(sentence, n_row)
            if coder.n_sentence == 1:
                refuse_taken(coder.annotations, coder.numbers, self.pieces is not None)
                self._tables.annotations = coder.annotations
            if n_pending + coder.n_row >= rows:
                n_pending = (n_pending + coder.n_row) % rows
                yield self._take()
        if coder.n_row:
            yield self._take()

    def _take(self) -> tuple[Columns, Columns]:
        coded = self._coder.take()
        dim = beside(self.pieces is not None, self.unit)
        self._tables.add(coded, self.unit, self.place.time, len(self._tables.document_starts))
        found = columns_along(TIME, coded, self.place, self.unit)
        others = {} if dim is None else columns_along(dim, coded, self.place, self.unit)
        self.place = self.place.after(coded, len(coded.n_word), self.unit)
        return found, others

    def tables(self) -> xr.Dataset:
        """Return the code tables and marks of all sentences of the blocks so far."""
        names = self.pieces.segmenter.vocabulary.tokens if self.pieces is not None and self.unit == "token" else None
        return self._tables.dataset(names)


def corpus_dataset(
    sentences: Iterable[Sentence],
    end_of_sentence: str | None,
    limit_tokens: int | None,
    pieces: PieceColumns | None = None,
) -> xr.Dataset:
    """Return the corpus of the sentences in memory, dims ``time`` and one dim a table.

    Raises
    ------
    UserError
        If there is no sentence.
    """
    builder = CorpusBuilder(end_of_sentence, limit_tokens, pieces)
    blocks = list(builder.blocks(sentences, rows=1 << 20))
    if not blocks:
        raise empty_corpus(limit_tokens, builder.limited)
    names = {str(name): block[name].dims for block in blocks for name in block}
    columns = {
        name: (dims, np.concatenate([block[name].values for block in blocks if name in block]))
        for name, dims in names.items()
    }
    dataset: xr.Dataset = schema.attach_attrs(xr.Dataset(columns).merge(builder.tables()))
    return dataset


class EmptyCorpus(UserError):
    """A corpus has no sentence."""


def empty_corpus(limit_tokens: int | None, limited: bool) -> UserError:
    """Return the error for a corpus without a token; ``limited`` says that its first sentence is beyond the limit."""
    if limited:
        return UserError(
            f"corpus.limit_tokens is {limit_tokens}, but the first sentence alone is longer. Raise the limit."
        )
    return EmptyCorpus(
        "The corpus is empty: its files hold no sentence. Check corpus.path, corpus.format and documents."
    )

"""Words as the pieces a model reads: characters, bytes or those of a tokenizer.

A corpus of a model that reads pieces is stored in one of two ways.

``corpus.unit: word``: ``time`` is the word. Beside the usual columns there are `piece_id` (piece; int32), the running
text, and along ``time`` `piece_first` and `piece_last` (int64): the word's pieces are ``piece_first .. piece_last``,
both included. `token_id` is that of the last one.

``corpus.unit: token``: ``time`` is the piece. `type_id`, `document`, `sentence` and the annotations are those of the
word that the piece belongs to, which is `word` (time; int64), the last one if it belongs to several; `token_id` is
the piece's; `sentence_position` and `sentence_length` count pieces, as do `document_start` and `mark_time`. The words
themselves lie along ``corpus_word``:
`word_type_id, word_sentence, word_sentence_position, word_sentence_length` and ``word_<annotation>_id``.
`token_name` (token_name) holds the names of the vocabulary's rows.

``corpus.level: char`` is stored in the second way, and a sentence is a line. A character of white space is one of the
word after it, and those at the end of a line are of the line's end, a word ``"\\n"``; their numbers and annotations are
those of that word, too.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import xarray as xr

from .. import schema
from ..errors import UsageError
from ..segmentation import Speller, require_characters, segmenter
from ..vocabulary import Vocabulary
from .columns import column_dataset
from .piece_columns import PieceColumns, Rows, Unit

DERIVED = ("token_id", "piece_first", "piece_last")


def add_pieces(corpus: xr.Dataset, vocabulary: Vocabulary, unit: Unit = "word") -> xr.Dataset:
    """Return a corpus in memory with the pieces that a model reads.

    Parameters
    ----------
    corpus
        As `read_corpus` gives it: one row a word, or a character, which it stays.
    vocabulary
        Of the model.
    unit
        What a place on ``time`` is to be: a ``word``, or a ``token``, which is a piece.

    Returns
    -------
    The corpus with the variables that this module describes. Of a model that reads words: with `token_id` only.

    Raises
    ------
    UserError
        If the words cannot be cut into pieces of the vocabulary.

    >>> from lstm_analysis.corpus.dataset import corpus_dataset
    >>> from lstm_analysis.corpus.sentences import Sentence
    >>> corpus = corpus_dataset([Sentence("d", ["ab", "a"])], None, None)
    >>> pieces = add_pieces(corpus, Vocabulary((" ", "a", "b")))
    >>> pieces.piece_id.to_numpy(), pieces.piece_last.to_numpy()
    (array([1, 2, 0, 1], dtype=int32), array([1, 3]))
    >>> add_pieces(corpus, Vocabulary((" ", "a", "b")), "token").word.to_numpy()
    array([0, 0, 1, 1])
    """
    if "token_name" in corpus:
        return _respelled(corpus, vocabulary)
    cut = segmenter(vocabulary)
    if cut is None:
        token_id = vocabulary.encode(corpus["type"].values.tolist())[corpus["type_id"].values]
        assigned: xr.Dataset = schema.attach_attrs(corpus.assign(token_id=("time", token_id)))
        return assigned
    pieces, names = PieceColumns(cut, unit), corpus["type"].values
    rows = {str(n): v.values for n, v in corpus.data_vars.items() if v.dims == ("time",) and n not in DERIVED}
    time: Rows = {}
    places: list[range] = []
    n_time = 0
    for begins, sentence in _sentences(corpus):
        length = pieces.cut(names[rows["type_id"][sentence]].tolist(), begins)
        for name, column in pieces.add({name: column[sentence].tolist() for name, column in rows.items()}).items():
            time.setdefault(name, []).extend(column)
        words = (pieces.places(i) for i in range(sentence.stop - sentence.start))
        places += [range(n_time + place.start, n_time + place.stop) for place in words]
        n_time += length
    columns = column_dataset(time, pieces.take())
    if unit == "word":
        return corpus.assign({name: columns[name] for name in (*DERIVED, "piece_id")})
    tables = _retimed(corpus.drop_dims("time"), places)
    names_of_rows = {name: (name, np.array(values, dtype=object)) for name, values in pieces.tables.items()}
    by_token: xr.Dataset = schema.attach_attrs(columns.merge(tables).assign_coords(names_of_rows))
    return by_token


def _respelled(corpus: xr.Dataset, vocabulary: Vocabulary) -> xr.Dataset:
    """Return a corpus of characters with the rows of a vocabulary.

    Raises
    ------
    UsageError
        If the model reads no characters, or a character is several of the bytes that it reads.
    """
    require_characters(vocabulary)
    speller, characters = Speller(vocabulary), corpus["token_name"].values.tolist()
    rows = [speller.segment_exactly([character], [""]).ids for character in characters]
    several = next((character for character, row in zip(characters, rows, strict=True) if len(row) > 1), None)
    if several is not None:
        raise UsageError(
            f"The corpus in memory has a row a character, and {several!r} is several of the bytes that the model "
            "reads. Run a study instead (corpus.level: char), which gives each byte a row."
        )
    token_id = np.array(rows, np.int32)[:, 0][corpus["token_id"].values]
    names = ("token_name", np.array(vocabulary.tokens, dtype=object))
    assigned = corpus.drop_vars("token_name").assign(token_id=("time", token_id)).assign_coords(token_name=names)
    respelled: xr.Dataset = schema.attach_attrs(assigned)
    return respelled


def _sentences(corpus: xr.Dataset) -> Iterator[tuple[bool, slice]]:
    """Yield the rows of each sentence, and whether a document begins with it."""
    new_document = np.diff(corpus["document"].values, prepend=-1) != 0
    starts = np.flatnonzero(new_document | (np.diff(corpus["sentence"].values, prepend=-1) != 0))
    for start, stop in pairwise([*starts.tolist(), corpus.sizes["time"]]):
        yield bool(new_document[start]), slice(start, stop)


def _retimed(tables: xr.Dataset, places: list[range]) -> xr.Dataset:
    """Return the tables of a corpus with their words' indices on ``time`` as those of the words' pieces.

    Parameters
    ----------
    tables
        `document_start` and perhaps marks.
    places
        The pieces of each word.
    """
    start = tables["document_start"]
    tables = tables.assign(document_start=start.copy(data=[places[i].start for i in start.values]))
    if "mark_time" not in tables:
        return tables
    marks = [places[i] for i in tables["mark_time"].values]
    each = tables.isel(mark=np.repeat(np.arange(len(marks)), [len(place) for place in marks]))
    time = np.array([i for place in marks for i in place], dtype=np.int64)
    return each.assign(mark_time=each["mark_time"].copy(data=time))

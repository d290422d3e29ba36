"""Variables of ``corpus.zarr`` and ``labels.zarr``."""

from .dims import OCCURRENCE, SPAN, WORD, T
from .variable import Variable

MISSING = -1
"""What a column of numbers of the corpus says of a token that has none."""

CORPUS: dict[str, Variable] = {
    # corpus.zarr
    "type_id": Variable(T, "int32", "1", "index of the token's surface form in `type`", (0, None)),
    "token_id": Variable(T, "int32", "1", "index of the token in the model's vocabulary", (0, None)),
    "document": Variable(T, "int64", "1", "index of the token's document in `document_name`", (0, None)),
    "sentence": Variable(T, "int64", "1", "index of the token's sentence in the corpus", (0, None)),
    "sentence_position": Variable(T, "int32", "token", "place of the token in its sentence", (0, None)),
    "sentence_length": Variable(T, "int32", "token", "tokens of the sentence, end symbol included", (1, None)),
    "type": Variable(("type",), "str", "", "surface forms"),
    "document_name": Variable(("document_name",), "str", "", "names of the documents"),
    "document_start": Variable(("document_name",), "int64", "1", "first token of the document", (0, None)),
    "mark_time": Variable(SPAN, "int64", "1", "token that a marked span of the corpus covers", (0, None)),
    "mark_concept": Variable(SPAN, "int32", "1", "index of the mark's concept in `marked_concept`", (0, None)),
    "mark_value": Variable(SPAN, "int8", "1", "1 where the mark says target, 0 baseline", (0, 1)),
    "marked_concept": Variable(("marked_concept",), "str", "", "concepts that the corpus marks"),
    # corpus.zarr of a model that reads pieces of words: one row a word (corpus.unit: word)
    "piece_id": Variable(("piece",), "int32", "1", "index of the piece in the model's vocabulary", (0, None)),
    "piece_first": Variable(
        T, "int64", "1", "first piece of the word, its blank included: index on `piece`", (0, None)
    ),
    "piece_last": Variable(T, "int64", "1", "last piece of the word: index on `piece`", (0, None)),
    # ... one row a piece (corpus.unit: token)
    "word": Variable(T, "int64", "1", "index of the token's word in the corpus", (0, None)),
    "token_name": Variable(("token_name",), "str", "", "names of the rows of the model's vocabulary"),
    "word_type_id": Variable(WORD, "int32", "1", "index of the word's surface form in `type`", (0, None)),
    "word_sentence": Variable(WORD, "int64", "1", "index of the word's sentence in the corpus", (0, None)),
    "word_sentence_position": Variable(WORD, "int32", "word", "place of the word in its sentence", (0, None)),
    "word_sentence_length": Variable(WORD, "int32", "word", "words of its sentence, end symbol included", (1, None)),
}

_PLACE = (MISSING, None)
NUMBERS: dict[str, Variable] = {
    "char_start": Variable(T, "int32", "character", "first character of the token in its document's text", _PLACE),
    "char_stop": Variable(T, "int32", "character", "character after its last one", _PLACE),
    "column": Variable(T, "int32", "character", "characters before the token in its line", _PLACE),
    "line_length": Variable(T, "int32", "character", "characters of the line that the token begins in", _PLACE),
    "indentation": Variable(T, "int32", "character", "white space that this line begins with", _PLACE),
    "brace_depth": Variable(T, "int32", "1", "braces open around the token, its own included", _PLACE),
    "parenthesis_depth": Variable(T, "int32", "1", "parentheses open around it, its own included", _PLACE),
    "generic_depth": Variable(T, "int32", "1", "lists of type arguments open around it, its own included", _PLACE),
    "bracket_depth": Variable(T, "int32", "1", "brackets of any kind open around it, its own included", _PLACE),
    "quote_depth": Variable(T, "int32", "1", "quotation marks open around it, its own included", _PLACE),
}
"""Columns of numbers that readers give by these names; a corpus may have others."""

LABELS: dict[str, Variable] = {
    "label": Variable(("time", "concept"), "int8", "1", "1 target, 0 baseline, -1 left out", (-1, 1)),
    "source": Variable(("concept",), "str", "", "label source that the concept comes from"),
    "occurrence_start": Variable(OCCURRENCE, "int64", "1", "first token of an idiom's occurrence", (0, None)),
    "occurrence_stop": Variable(OCCURRENCE, "int64", "1", "token after its final word", (1, None)),
    "occurrence_idiom": Variable(OCCURRENCE, "int32", "1", "index of its idiom in `idiom`", (0, None)),
    "occurrence_value": Variable(OCCURRENCE, "int8", "1", "1 where it is used idiomatically, 0 literally", (0, 1)),
    "idiom": Variable(("idiom",), "str", "", "names of the idioms"),
}

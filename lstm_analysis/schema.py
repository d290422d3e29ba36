"""The vocabulary of the package: every dim and every stored variable, named once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import UserError

if TYPE_CHECKING:
    import xarray as xr

DIMS = (
    "draw", "concept", "group", "sentence_position", "extreme", "rank", "time", "layer", "neuron", "offset", "edge",
    "bin",
)  # fmt: skip
GROUPS = ("baseline", "target")
EXTREMES = ("lowest", "highest")
LAST_POSITION = 60
"""Summaries and tuning curves have a row for each ``sentence_position`` 0..60; row 60 holds all later ones too."""
CONTEXT_OFFSETS = range(-12, 9)
"""Tokens around an extreme one whose values are kept."""
RESOLUTION = 1e-5
"""A neuron whose values span less is constant: scores would be those of its round-off, so they are NaN."""


@dataclass(frozen=True)
class Variable:
    """A stored variable: its dims in order, its type on disk, its unit and one sentence of meaning.

    ``limits`` are the smallest and largest possible value, ``None`` where there is no limit.
    """

    dims: tuple[str, ...]
    dtype: str
    units: str
    meaning: str
    limits: tuple[float | None, float | None] = (None, None)

    @property
    def attrs(self) -> dict[str, str]:
        """The attributes the variable carries in a dataset."""
        return {"units": self.units, "long_name": self.meaning}


_T = ("time",)
_STATE = ("time", "layer", "neuron")
_SCORE = ("concept", "layer", "neuron")
_MOMENT = ("concept", "group", "layer", "neuron")
_TUNING = ("sentence_position", "layer", "neuron")
_NEURON = ("layer", "neuron")
_TOP = ("extreme", "rank", "layer", "neuron")
_SPAN = ("mark",)
_OCCURRENCE = ("occurrence",)
_WORD = ("corpus_word",)

VARIABLES: dict[str, Variable] = {
    # corpus.zarr
    "type_id": Variable(_T, "int32", "1", "index of the token's surface form in `type`", (0, None)),
    "token_id": Variable(_T, "int32", "1", "index of the token in the model's vocabulary", (0, None)),
    "document": Variable(_T, "int64", "1", "index of the token's document in `document_name`", (0, None)),
    "sentence": Variable(_T, "int64", "1", "index of the token's sentence in the corpus", (0, None)),
    "sentence_position": Variable(_T, "int32", "token", "place of the token in its sentence", (0, None)),
    "sentence_length": Variable(_T, "int32", "token", "tokens of the sentence, end symbol included", (1, None)),
    "type": Variable(("type",), "str", "", "surface forms"),
    "document_name": Variable(("document_name",), "str", "", "names of the documents"),
    "document_start": Variable(("document_name",), "int64", "1", "first token of the document", (0, None)),
    "mark_time": Variable(_SPAN, "int64", "1", "token that a marked span of the corpus covers", (0, None)),
    "mark_concept": Variable(_SPAN, "int32", "1", "index of the mark's concept in `marked_concept`", (0, None)),
    "mark_value": Variable(_SPAN, "int8", "1", "1 where the mark says target, 0 baseline", (0, 1)),
    "marked_concept": Variable(("marked_concept",), "str", "", "concepts that the corpus marks"),
    # corpus.zarr of a model that reads pieces of words: one row a word (corpus.unit: word)
    "piece_id": Variable(("piece",), "int32", "1", "index of the piece in the model's vocabulary", (0, None)),
    "piece_first": Variable(
        _T, "int64", "1", "first piece of the word, its blank included: index on `piece`", (0, None)
    ),
    "piece_last": Variable(_T, "int64", "1", "last piece of the word: index on `piece`", (0, None)),
    # ... one row a piece (corpus.unit: token)
    "word": Variable(_T, "int64", "1", "index of the token's word in the corpus", (0, None)),
    "token_name": Variable(("token_name",), "str", "", "names of the rows of the model's vocabulary"),
    "word_type_id": Variable(_WORD, "int32", "1", "index of the word's surface form in `type`", (0, None)),
    "word_sentence": Variable(_WORD, "int64", "1", "index of the word's sentence in the corpus", (0, None)),
    "word_sentence_position": Variable(_WORD, "int32", "word", "place of the word in its sentence", (0, None)),
    "word_sentence_length": Variable(_WORD, "int32", "word", "words of its sentence, end symbol included", (1, None)),
    # activations.zarr
    "hidden_state": Variable(_STATE, "float32", "1", "hidden state h after reading the token", (-1, 1)),
    "cell_state": Variable(_STATE, "float32", "1", "cell state c after reading the token"),
    "input_gate": Variable(
        _STATE, "float32", "1", "input gate at the token: share of the candidate that is added", (0, 1)
    ),
    "forget_gate": Variable(_STATE, "float32", "1", "forget gate at the token: what share of c is kept", (0, 1)),
    "output_gate": Variable(_STATE, "float32", "1", "output gate at the token: what share of tanh(c) is shown", (0, 1)),
    "candidate": Variable(_STATE, "float32", "1", "candidate at the token: what the input gate lets in", (-1, 1)),
    "reset_gate": Variable(_STATE, "float32", "1", "reset gate of a GRU: share of the past in the candidate", (0, 1)),
    "update_gate": Variable(_STATE, "float32", "1", "update gate of a GRU: what share of h is kept", (0, 1)),
    "surprisal": Variable(_T, "float32", "bit", "-log2 p(token given its past); NaN where there is no past", (0, None)),
    # labels.zarr
    "label": Variable(("time", "concept"), "int8", "1", "1 target, 0 baseline, -1 left out", (-1, 1)),
    "source": Variable(("concept",), "str", "", "label source that the concept comes from"),
    "occurrence_start": Variable(_OCCURRENCE, "int64", "1", "first token of an idiom's occurrence", (0, None)),
    "occurrence_stop": Variable(_OCCURRENCE, "int64", "1", "token after its final word", (1, None)),
    "occurrence_idiom": Variable(_OCCURRENCE, "int32", "1", "index of its idiom in `idiom`", (0, None)),
    "idiom": Variable(("idiom",), "str", "", "names of the idioms"),
    # summaries
    "n_token": Variable(("concept", "group"), "int64", "token", "tokens that the moments rest on", (0, None)),
    "n_type": Variable(("concept", "group"), "int64", "type", "distinct surface forms among them", (0, None)),
    "n_document": Variable(("concept", "group"), "int64", "document", "documents among them", (0, None)),
    "value_sum": Variable(_MOMENT, "int64", "2**-30", "sum of round(value * 2**30)"),
    "square_sum_high": Variable(_MOMENT, "int64", "2**-28", "sum of the high part of the squares", (0, None)),
    "square_sum_low": Variable(_MOMENT, "int64", "2**-60", "sum of the low 32 bits of the squares", (0, 2**32 - 1)),
    "histogram": Variable((*_MOMENT, "bin"), "int64", "token", "tokens with a value in the bin", (0, None)),
    "bin_edge": Variable((*_NEURON, "edge"), "float32", "1", "a value's bin is the number of edges not above it"),
    "value_min": Variable(_NEURON, "float32", "1", "smallest value of the neuron; NaN where its layer has fewer"),
    "value_max": Variable(_NEURON, "float32", "1", "largest value of the neuron; NaN where its layer has fewer"),
    "position_n_token": Variable(("sentence_position",), "int64", "token", "tokens at the position", (0, None)),
    "position_value_sum": Variable(_TUNING, "int64", "2**-30", "sum of round(value * 2**30) at the position"),
    "position_square_sum_high": Variable(_TUNING, "int64", "2**-28", "squares at the position, high", (0, None)),
    "position_square_sum_low": Variable(_TUNING, "int64", "2**-60", "squares at the position, low", (0, 2**32 - 1)),
    "context_time": Variable(_TOP, "int64", "1", "token at which the neuron is extreme; -1 where there is none"),
    "context_group": Variable(_TOP, "int64", "1", "document or sentence of that token; -1 where there is none"),
    "context_value": Variable((*_TOP, "offset"), "float32", "1", "values around it; NaN past the shard's tokens"),
    # scores
    "auroc": Variable(_SCORE, "float64", "1", "probability that a target value exceeds a baseline value", (0, 1)),
    "auroc_error_bound": Variable(_SCORE, "float64", "1", "largest possible error of auroc; 0 if exact", (0, 0.5)),
    "d_prime": Variable(_SCORE, "float64", "sd", "difference of the means over the root mean variance"),
    "mean_difference": Variable(_SCORE, "float64", "1", "mean of the target minus mean of the baseline"),
    "average_precision": Variable(_SCORE, "float64", "1", "mean precision over the recall steps", (0, 1)),
    "average_precision_error_bound": Variable(_SCORE, "float64", "1", "its largest possible error", (0, 1)),
    "prevalence": Variable(("concept",), "float64", "1", "share of target tokens: average_precision by chance", (0, 1)),
    "mutual_information": Variable(_SCORE, "float64", "bit", "plug-in information between value bin and label", (0, 1)),
    "mutual_information_bias": Variable(_SCORE, "float64", "bit", "expected value for independent tokens", (0, None)),
    "tuning_mean": Variable(_TUNING, "float64", "1", "mean value at the position in the sentence"),
    "tuning_sd": Variable(_TUNING, "float64", "1", "standard deviation at the position in the sentence", (0, None)),
    "eta2": Variable(_NEURON, "float64", "1", "share of variance between positions, bias-corrected", (None, 1)),
}


STORED_STATE = {"hidden": "hidden_state", "cell": "cell_state"} | {
    name: name for name in ("input_gate", "forget_gate", "output_gate", "candidate", "reset_gate", "update_gate")
}
"""Stored variable of each state that a study can ask for."""
_LSTM_STATES = ("hidden", "cell", "input_gate", "forget_gate", "output_gate", "candidate")
CELL_STATES = {
    "lstm": _LSTM_STATES,
    "mlstm": _LSTM_STATES,
    "gru": ("hidden", "reset_gate", "update_gate", "candidate"),
}
"""States that each kind of recurrent layer can show."""


def attach_attrs(dataset: "xr.Dataset") -> "xr.Dataset":
    """Return the dataset with the units and meaning of each of its variables that the vocabulary knows."""
    dataset = dataset.copy()
    for name in map(str, dataset.variables):
        if name in VARIABLES:
            dataset[name].attrs.update(VARIABLES[name].attrs)
    return dataset


def require_dims(array: Any, name: str) -> Any:
    """Return the array if it has the dims that ``name`` has in the vocabulary.

    Raises
    ------
    UserError
        Naming the dims needed, those found, and the transpose that mends it.
    """
    expected = VARIABLES[name].dims
    if array.dims != expected:
        mend = f"use {name}.transpose{expected}" if set(array.dims) == set(expected) else "rename or add dims"
        raise UserError(f"{name} needs dims {expected}, got {array.dims}; {mend}.")
    return array

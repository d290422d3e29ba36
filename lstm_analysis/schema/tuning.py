"""Graded variables, and the variables of ``tuning.zarr``: a table of its own, for names occur elsewhere."""

from .corpus import CORPUS, MISSING
from .dims import NEURON, T
from .variable import Variable

DERIVED: dict[str, Variable] = {
    "sentence_position": CORPUS["sentence_position"],
    "sentence_length": CORPUS["sentence_length"],
    "word_position": Variable(
        T, "int32", "token", "place of the token in its word, white space before it not counted", (MISSING, None)
    ),
    "word_length": Variable(T, "int32", "token", "tokens of the word that the token belongs to", (MISSING, None)),
}
"""Graded variables that no reader gives as numbers: the first two every corpus has, the others come from `word`."""
VALUE_EDGES = (
    *range(60), 60, 70, 80, 90, 100, 120, 140, 160, 180, 200, 250, 300, 350, 400, 500, 600, 800, 1000, 2000,
)  # fmt: skip
"""Smallest value of each row of a tuning curve: exact below 60, coarser above; the last is open."""
N_VALUE_ROW = 1 + len(VALUE_EDGES)
"""Rows of the sums by value: the first is that of tokens without a value."""

_CURVE = ("variable", "variable_value", *NEURON)
_EACH = ("variable", *NEURON)

GRADED_TUNING: dict[str, Variable] = {
    "tuning_mean": Variable(_CURVE, "float64", "1", "mean of h at tokens with the value"),
    "tuning_sd": Variable(_CURVE, "float64", "1", "standard deviation of h at tokens with the value", (0, None)),
    "tuning_mean_low": Variable(_CURVE, "float64", "1", "lower end of the interval of tuning_mean"),
    "tuning_mean_high": Variable(_CURVE, "float64", "1", "upper end of the interval of tuning_mean"),
    "n_token": Variable(("variable", "variable_value"), "int64", "token", "tokens with the value", (0, None)),
    "n_token_missing": Variable(("variable",), "int64", "token", "tokens without a value", (0, None)),
    "n_document": Variable(("variable",), "int64", "document", "documents in which the value changes", (0, None)),
    "eta2": Variable(_EACH, "float64", "1", "share of variance between values, bias-corrected", (None, 1)),
    "eta2_type_adjusted": Variable(
        _EACH, "float64", "1", "share of the variance left by word types that lies between values", (None, 1)
    ),
    "r": Variable(
        _EACH, "float64", "1", "Pearson correlation of h with the rank of the value, both less their document's mean",
        (-1, 1),
    ),
    "p_value": Variable(_EACH, "float64", "1", "two-sided p of r: values shifted within documents", (0, 1)),
    "p_fwer": Variable(_EACH, "float64", "1", "p adjusted for all neurons by max-T", (0, 1)),
    "q_value": Variable(_EACH, "float64", "1", "Benjamini-Hochberg q over all variables and neurons", (0, 1)),
    "graded_neuron": Variable(
        _EACH, "int8", "1", "1: follows the value step by step whatever the words; -1 not tested", (-1, 1)
    ),
}  # fmt: skip
GRADED_TUNING |= {
    f"{name}_{end}": Variable(_EACH, "float64", "1", f"{which} end of the interval of {name}", limits)
    for name, limits in (("eta2", (None, None)), ("r", (-1, 1)))
    for end, which in (("low", "lower"), ("high", "upper"))
}
"""Variables of ``tuning.zarr``."""

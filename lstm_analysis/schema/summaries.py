"""Variables of ``summary.zarr`` and ``contexts.zarr``."""

from .dims import BY_VALUE, MOMENT, NEURON, PAIR, TOP, TUNING, TYPE
from .variable import Variable

SUMMARIES: dict[str, Variable] = {
    "n_token": Variable(("concept", "group"), "int64", "token", "tokens that the moments rest on", (0, None)),
    "n_type": Variable(("concept", "group"), "int64", "type", "distinct surface forms among them", (0, None)),
    "n_document": Variable(("concept", "group"), "int64", "document", "documents among them", (0, None)),
    "value_sum": Variable(MOMENT, "int64", "2**-30", "sum of round(value * 2**30)"),
    "square_sum_high": Variable(MOMENT, "int64", "2**-28", "sum of the high part of the squares", (0, None)),
    "square_sum_low": Variable(MOMENT, "int64", "2**-60", "sum of the low 32 bits of the squares", (0, 2**32 - 1)),
    "histogram": Variable((*MOMENT, "bin"), "int64", "token", "tokens with a value in the bin", (0, None)),
    "bin_edge": Variable((*NEURON, "edge"), "float32", "1", "a value's bin is the number of edges not above it"),
    "value_min": Variable(NEURON, "float32", "1", "smallest value of the neuron; NaN where its layer has fewer"),
    "value_max": Variable(NEURON, "float32", "1", "largest value of the neuron; NaN where its layer has fewer"),
    "position_n_token": Variable(("sentence_position",), "int64", "token", "tokens at the position", (0, None)),
    "position_value_sum": Variable(TUNING, "int64", "2**-30", "sum of round(value * 2**30) at the position"),
    "position_square_sum_high": Variable(TUNING, "int64", "2**-28", "squares at the position, high", (0, None)),
    "position_square_sum_low": Variable(TUNING, "int64", "2**-60", "squares at the position, low", (0, 2**32 - 1)),
    "table_type_id": Variable(("table_type",), "int32", "1", "index in `type` of the row of the type table", (0, None)),
    "type_n_token": Variable(("table_type",), "int64", "token", "tokens of the type", (0, None)),
    "type_n_document": Variable(("table_type",), "int64", "document", "documents the type occurs in", (0, None)),
    "type_value_sum": Variable(TYPE, "int64", "2**-30", "sum of round(value * 2**30) over the type's tokens"),
    "document_group_n_token": Variable(("document_group",), "int64", "token", "tokens whose type has a row", (0, None)),
    "document_group_value_sum": Variable(
        ("document_group", *NEURON), "int64", "2**-30", "sum of round(value * 2**30) over these tokens"
    ),
    "type_target_n_token": Variable(
        ("concept", "table_type"), "int64", "token", "target tokens of the type", (0, None)
    ),
    "type_labelled_n_token": Variable(
        ("concept", "table_type"), "int64", "token", "target and baseline tokens of the type", (0, None)
    ),
    "position_type_n_token": Variable(
        ("sentence_position", "table_type"), "int64", "token", "tokens of the type at the position", (0, None)
    ),
    "position_table_value_sum": Variable(TUNING, "int64", "2**-30", "sum at the position over tokens with a row"),
    "table_square_sum_high": Variable(NEURON, "int64", "2**-28", "their squares, high part", (0, None)),
    "table_square_sum_low": Variable(NEURON, "int64", "2**-60", "their squares, low 32 bits", (0, 2**32 - 1)),
    "graded_n_token": Variable(BY_VALUE[:2], "int64", "token", "tokens with the value of the variable", (0, None)),
    "graded_value_sum": Variable(BY_VALUE, "int64", "2**-30", "sum of round(value * 2**30) at the variable's value"),
    "graded_square_sum_high": Variable(BY_VALUE, "int64", "2**-28", "squares at the variable's value, high", (0, None)),
    "graded_square_sum_low": Variable(
        BY_VALUE, "int64", "2**-60", "squares at the variable's value, low", (0, 2**32 - 1)
    ),
    "graded_type_n_token": Variable(
        (*BY_VALUE[:2], "table_type"), "int64", "token", "tokens of the type with the variable's value", (0, None)
    ),
    "graded_table_value_sum": Variable(
        BY_VALUE, "int64", "2**-30", "sum at the variable's value over tokens with a row"
    ),
    "gram_n_token": Variable((), "int64", "token", "tokens whose products are summed", (0, None)),
    "gram_value_sum": Variable(NEURON, "int64", "2**-18", "sum of round(value * 2**18)"),
    "gram_high": Variable(
        PAIR, "int64", "2**-4", "sum of the products of two neurons' round(value * 2**18), high part"
    ),
    "gram_low": Variable(PAIR, "int64", "2**-36", "the low 32 bits of that sum", (0, 2**32 - 1)),
    "duplicate_of": Variable(NEURON, "int64", "1", "neurons with |r| > .95 share the number; -1 where there is none"),
    "context_time": Variable(TOP, "int64", "1", "token at which the neuron is extreme; -1 where there is none"),
    "context_group": Variable(TOP, "int64", "1", "document or sentence of that token; -1 where there is none"),
    "context_value": Variable((*TOP, "offset"), "float32", "1", "values around it; NaN past the shard's tokens"),
}

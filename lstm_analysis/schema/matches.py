"""Variables of the results of matching: a table of its own, for scores have names they have elsewhere."""

from .variable import Variable

_MATCH, _SELECTED, _LENGTH = ("match",), ("selected",), ("run_length",)

MATCHES: dict[str, Variable] = {
    "start": Variable(_MATCH, "int64", "1", "first token of the match", (0, None)),
    "length": Variable(_MATCH, "int64", "token", "tokens of the match", (1, None)),
    "jaccard": Variable(_MATCH, "float64", "1", "of the neurons on in the query or in the match the share on in both",
                        (0, 1)),
    "n_missing": Variable(_MATCH, "int64", "neuron", "selected neurons that the match does not select", (0, None)),
    "n_union": Variable(_MATCH, "int64", "neuron", "neurons selected or on in the match", (0, None)),
    "n_shared": Variable(_MATCH, "int64", "neuron", "selected neurons that the match selects too", (0, None)),
    "is_query": Variable(_MATCH, "bool", "", "whether the match overlaps the span that was looked for"),
    "document": Variable(_MATCH, "int64", "1", "document of the match's first token", (0, None)),
    "p_value": Variable(_MATCH, "float64", "1", "share of random spans whose match of this rank is as good", (0, 1)),
    "null_jaccard": Variable(_MATCH, "float64", "1", "median Jaccard coefficient of these matches", (0, 1)),
    "n_draw": Variable((), "int64", "1", "random spans that p_value rests on", (0, None)),
    "null_n_selected_low": Variable((), "int64", "neuron", "fewest neurons that a random span selects", (0, None)),
    "null_n_selected_high": Variable((), "int64", "neuron", "most neurons that a random span selects", (0, None)),
    "jaccard_complete_above": Variable((), "float64", "1", "no place with a larger Jaccard coefficient was left out",
                                       (0, 1)),
    "n_time_searched": Variable((), "int64", "token", "tokens, from the first, that were searched", (0, None)),
    "length_histogram": Variable(_LENGTH, "int64", "1", "candidates of this length", (0, None)),
    "length_histogram_strict": Variable(_LENGTH, "int64", "1", "of these those with no neuron missing", (0, None)),
    "selected_layer": Variable(_SELECTED, "int64", "1", "layer of a selected neuron", (0, None)),
    "selected_neuron": Variable(_SELECTED, "int64", "1", "the selected neuron", (0, None)),
    "selected_sign": Variable(_SELECTED, "int8", "1", "1 where it is on upwards, -1 downwards", (-1, 1)),
}  # fmt: skip

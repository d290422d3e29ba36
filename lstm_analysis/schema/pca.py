"""Variables of ``pca.zarr`` and ``probes.zarr``: tables of their own, for scores have names they have elsewhere."""

from .dims import NEURON
from .variable import Variable

_SPACE, _PART = ("space",), ("space", "component")
_TOLD = ("concept", "space", "n_dimension")
_PAIR = ("pair", "space", "n_dimension")
_OF_IDIOMS = ("space", "n_dimension")
_POINT, _OCCURRENCE = ("point",), ("occurrence",)
_PROBE, _CHOSEN = ("concept", "n_neuron"), ("concept", "n_neuron", "rank")
_SHARE = (0, 1)

WORD_SETS: dict[str, Variable] = {
    "n_type_member": Variable(("concept",), "int64", "type", "words of the concept that are told apart", (0, None)),
    "n_type_matched": Variable(("concept",), "int64", "type", "words that they are told from", (0, None)),
    "untold": Variable(("concept",), "str", "", "why the concept's words are not told apart; empty if they are"),
}

PCA: dict[str, Variable] = {
    **WORD_SETS,
    "loading": Variable((*_PART, *NEURON), "float64", "1", "component, a unit vector; NaN outside the space", (-1, 1)),
    "explained_variance": Variable(_PART, "float64", "1", "variance along the component, divisor n - 1", (0, None)),
    "explained_variance_ratio": Variable(_PART, "float64", "1", "its share of the space's variance", _SHARE),
    "total_variance": Variable(_SPACE, "float64", "1", "sum of the variances of the space's neurons", (0, None)),
    "participation_ratio": Variable(_SPACE, "float64", "1", "directions the variance is spread over", (1, None)),
    "n_neuron": Variable(_SPACE, "int64", "neuron", "neurons of the space", (0, None)),
    "n_token": Variable((), "int64", "token", "tokens that the basis rests on", (0, None)),
    "state_mean": Variable(NEURON, "float64", "1", "mean of h over all tokens", (-1, 1)),
    "accuracy": Variable(_TOLD, "float64", "1", "balanced accuracy at words left out, against matched words", _SHARE),
    "accuracy_null": Variable(_TOLD, "float64", "1", "its mean over random sets of words of the same strata", _SHARE),
    "accuracy_null_high": Variable(_TOLD, "float64", "1", "95th percentile over these", _SHARE),
    "p_value": Variable(_TOLD, "float64", "1", "share of these that reach the accuracy", _SHARE),
    "p_fwer": Variable(("concept",), "float64", "1", "the best accuracy against the best of each of these", _SHARE),
    "pair_first": Variable(("pair",), "int64", "1", "one of two concepts: index on `concept`", (0, None)),
    "pair_second": Variable(("pair",), "int64", "1", "the other one", (0, None)),
    "pair_accuracy": Variable(_PAIR, "float64", "1", "balanced accuracy at words left out of two concepts", _SHARE),
    "pair_p_value": Variable(_PAIR, "float64", "1", "share of random exchanges of words that reach it", _SHARE),
    "idiom_accuracy": Variable(_OF_IDIOMS, "float64", "1", "idioms left out whose two uses are told right", _SHARE),
    "idiom_accuracy_null_high": Variable(_OF_IDIOMS, "float64", "1", "95th percentile with signs turned", _SHARE),
    "idiom_p_value": Variable(_OF_IDIOMS, "float64", "1", "share of random signs that reach it", _SHARE),
    "n_idiom_separated": Variable((), "int64", "idiom", "idioms with idiomatic and literal uses", (0, None)),
    "word_score": Variable(("space", "point", "component"), "float64", "1", "score of a shown word's effect"),
    "point_concept": Variable(
        _POINT, "int64", "1", "concept that the word is shown for: index on `concept`", (0, None)
    ),
    "point_type": Variable(_POINT, "str", "", "the word"),
    "point_n_token": Variable(_POINT, "int64", "token", "its tokens", (0, None)),
    "point_member": Variable(_POINT, "int8", "1", "1 a word of the concept, 0 a matched word", _SHARE),
    "occurrence_score": Variable(
        ("space", "occurrence", "component"), "float64", "1", "score of an idiom's occurrence at its last word"
    ),
    "occurrence_time": Variable(_OCCURRENCE, "int64", "1", "that token", (0, None)),
    "occurrence_idiom": Variable(_OCCURRENCE, "int64", "1", "index of its idiom in `idiom`", (0, None)),
    "occurrence_value": Variable(_OCCURRENCE, "int8", "1", "1 where it is used idiomatically, 0 literally", _SHARE),
    "idiom": Variable(("idiom",), "str", "", "names of the idioms"),
}

PROBES: dict[str, Variable] = {
    **WORD_SETS,
    "probe_auroc": Variable(_PROBE, "float64", "1", "AUROC of a probe of so many neurons at words left out", _SHARE),
    "probe_accuracy": Variable(_PROBE, "float64", "1", "its balanced accuracy there", _SHARE),
    "control_auroc": Variable(_PROBE, "float64", "1", "mean of probe_auroc for random sets of words", _SHARE),
    "control_accuracy": Variable(_PROBE, "float64", "1", "mean of probe_accuracy for random sets of words", _SHARE),
    "probe_selectivity": Variable(_PROBE, "float64", "1", "probe_accuracy minus control_accuracy", (-1, 1)),
    "probe_p": Variable(_PROBE, "float64", "1", "share of random sets whose AUROC reaches it", _SHARE),
    "chosen_layer": Variable(_CHOSEN, "int64", "1", "layer of a neuron chosen on all words; -1: no more", (-1, None)),
    "chosen_neuron": Variable(_CHOSEN, "int64", "1", "that neuron; -1: no more", (-1, None)),
    "chosen_share": Variable(_CHOSEN, "float64", "1", "folds that chose it as well", _SHARE),
}

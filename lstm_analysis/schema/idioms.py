"""Variables of ``idioms.zarr``: a table of its own, for scores have names they have elsewhere, and other dims."""

from .dims import NEURON
from .variable import Variable

_BY_NEURON = ("contrast", "layer", "neuron")
_BY_IDIOM = ("contrast", "idiom")
_ACTIVE = ("state", "threshold", "flank", "idiom")
_PAIR = ("idiom", "idiom_other")

IDIOMS: dict[str, Variable] = {
    "auroc": Variable(("contrast", "idiom", "layer", "neuron"), "float64", "1",
                      "probability that h at the idiom's final word exceeds that at a control", (0, 1)),
    "n_idiomatic": Variable(_BY_IDIOM, "int64", "1", "idiomatic occurrences that auroc rests on", (0, None)),
    "n_control": Variable(_BY_IDIOM, "int64", "1", "controls that auroc rests on", (0, None)),
    "n_idiom_tested": Variable(("contrast",), "int64", "idiom", "idioms with 5 occurrences and 5 controls", (0, None)),
    "auroc_macro": Variable(_BY_NEURON, "float64", "1", "mean of auroc over the tested idioms", (0, 1)),
    "auroc_macro_low": Variable(_BY_NEURON, "float64", "1", "its t interval over idioms, low end", (0, 1)),
    "auroc_macro_high": Variable(_BY_NEURON, "float64", "1", "its t interval over idioms, high end", (0, 1)),
    "auroc_macro_readout": Variable(("contrast", "readout", "layer", "neuron"), "float64", "1",
                                    "mean of auroc over the tested idioms, by readout", (0, 1)),
    "n_idiom_readout": Variable(("contrast", "readout"), "int64", "idiom", "idioms that this mean is over", (0, None)),
    "tau2": Variable(_BY_NEURON, "float64", "1", "variance of auroc between idioms (Paule-Mandel)", (0, None)),
    "p_value": Variable(_BY_NEURON, "float64", "1", "two-sided t test of auroc_macro = .5 over idioms", (0, 1)),
    "p_fwer": Variable(_BY_NEURON, "float64", "1", "sign flip over idioms against the largest of all neurons", (0, 1)),
    "q_value": Variable(_BY_NEURON, "float64", "1", "p_value after Benjamini and Hochberg over all neurons", (0, 1)),
    "breadth_lower_bound": Variable(_BY_NEURON, "float64", "idiom",
                                    "idioms at which the neuron differs in one direction, at least", (0, None)),
    "breadth_direction": Variable(_BY_NEURON, "float64", "1", "that direction: 1 up, -1 down, 0 none", (-1, 1)),
    "breadth_limit": Variable(("contrast",), "int64", "idiom", "largest such bound that the counts allow", (0, None)),
    "auroc_held_out": Variable(_BY_IDIOM, "float64", "1",
                               "auroc, in the direction chosen, of the neuron chosen on all other idioms", (0, 1)),
    "held_out_layer": Variable(_BY_IDIOM, "int64", "1", "layer of that neuron; -1 where there is none", (-1, None)),
    "held_out_neuron": Variable(_BY_IDIOM, "int64", "1", "that neuron; -1 where there is none", (-1, None)),
    "idiom_neuron": Variable(NEURON, "bool", "", "whether the neuron is called an idiom neuron"),
    "phrase_neuron": Variable(NEURON, "bool", "", "whether breadth_lower_bound is 1"),
    "phrase_neuron_idiom": Variable(NEURON, "int32", "1", "idiom of a phrase neuron; -1 for the others", (-1, None)),
    "n_active": Variable(_ACTIVE, "float64", "neuron", "neurons active over the phrase, mean of places", (0, None)),
    "n_active_expected": Variable(_ACTIVE, "float64", "neuron", "the same of matched collocations, mean", (0, None)),
    "n_active_p": Variable(_ACTIVE, "float64", "1", "share of matched collocations with as many or more", (0, 1)),
    "n_collocation": Variable(("idiom",), "int64", "1", "collocations matched to the idiom", (0, None)),
    "collocation_distance": Variable(("idiom",), "float64", "1", "their mean distance in deciles", (0, None)),
    "n_active_both": Variable(_PAIR, "int32", "neuron", "neurons active in both idioms", (0, None)),
    "active_jaccard": Variable(_PAIR, "float64", "1", "of all that are active in one the share in both", (0, 1)),
    "active_lift": Variable(_PAIR, "float64", "1", "n_active_both over what the neurons' base rates give", (0, None)),
    "n_selective_both": Variable(_PAIR, "int32", "neuron", "neurons that differ at both idioms", (0, None)),
    "selective_jaccard": Variable(_PAIR, "float64", "1", "of all that differ at one the share at both", (0, 1)),
    "selective_lift": Variable(_PAIR, "float64", "1", "n_selective_both over what the base rates give", (0, None)),
}  # fmt: skip

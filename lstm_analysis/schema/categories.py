"""Variables of ``categories.zarr``."""

from .dims import SCORE
from .variable import Variable

_OVERLAP = ("neuron_set", "concept", "concept_other")
_HELD_OUT = ("half", "concept")
_SHOWN = ("concept", "shown")
CATEGORIES: dict[str, Variable] = {
    "called": Variable(
        SCORE, "int8", "1", "1 the neuron is called for the concept, 0 it is not, -1 not tested", (-1, 1)
    ),
    "sign": Variable(SCORE, "int8", "1", "1 the neuron goes up for the concept, -1 down, 0 undefined", (-1, 1)),
    "n_called": Variable(("concept",), "int64", "neuron", "neurons called for the concept", (0, None)),
    "n_tested": Variable(("concept",), "int64", "neuron", "neurons that have a p for the concept", (0, None)),
    "set_size": Variable(("neuron_set", "concept"), "int64", "neuron", "neurons in the concept's set", (0, None)),
    "overlap_n": Variable(_OVERLAP, "int64", "neuron", "neurons in the sets of both concepts", (0, None)),
    "overlap_n_same_sign": Variable(_OVERLAP, "int64", "neuron", "of these, with the same sign for both", (0, None)),
    "overlap_jaccard": Variable(_OVERLAP, "float64", "1", "overlap_n over the neurons in one set or both", (0, 1)),
    "overlap_lift": Variable(_OVERLAP, "float64", "1", "overlap_n over that of independent sets", (0, None)),
    "held_out_layer": Variable(_HELD_OUT, "int64", "1", "layer of the best neuron on this half of the words; -1: none"),
    "held_out_neuron": Variable(_HELD_OUT, "int64", "1", "the best neuron on this half of the words; -1: none"),
    "held_out_chosen_smd": Variable(_HELD_OUT, "float64", "sd", "its type_smd on the words it was chosen on"),
    "held_out_smd": Variable(_HELD_OUT, "float64", "sd", "its type_smd on the other half of the words"),
    "shown_layer": Variable(_SHOWN, "int64", "1", "layer of a neuron whose words are listed; -1: no more"),
    "shown_neuron": Variable(_SHOWN, "int64", "1", "neuron whose words are listed; -1: no more"),
    "member_type": Variable((*_SHOWN, "member"), "str", "", "member words, strongest in the neuron's direction first"),
    "member_effect": Variable((*_SHOWN, "member"), "float64", "sd", "effect of the word minus that of matched words"),
    "member_n_token": Variable((*_SHOWN, "member"), "int64", "token", "tokens of the word", (0, None)),
}

"""Variables of ``training_dynamics.zarr``: a table of its own, for scores are by epoch here."""

from .categories import CATEGORIES
from .dims import NEURON, SCORE
from .idioms import IDIOMS
from .periodicity import PERIODICITY
from .scores import SCORES
from .sentence_position import SENTENCE_POSITION
from .tuning import GRADED_TUNING
from .variable import Variable

_EACH, _CONCEPT = ("epoch", *SCORE), ("epoch", "concept")


def _by_epoch(variable: Variable) -> Variable:
    return Variable(("epoch", *variable.dims), variable.dtype, variable.units, variable.meaning, variable.limits)


def _since(dims: tuple[str, ...], what: str) -> Variable:
    return Variable(dims, "float64", "epoch", f"first epoch kept from which on {what}; NaN if it is not at the end",
                    (0, None))  # fmt: skip


_MEASURES = ("auroc", "d_prime", "mean_difference", "average_precision", "mutual_information")
TRAINING_DYNAMICS: dict[str, Variable] = {
    "epoch": Variable(("epoch",), "float64", "epoch", "passes over the training text; 0 is the untrained network",
                      (0, None)),
    **{name: _by_epoch(SCORES[name]) for name in (*_MEASURES, "type_smd", "p_fwer")},
    "called": _by_epoch(CATEGORIES["called"]),
    "selective": Variable(_EACH, "bool", "", "whether p_fwer is at most alpha and the score farther from neutral than "
                          "the untrained network accounts for"),
    **{name: _by_epoch(SENTENCE_POSITION[name]) for name in ("eta2", "eta2_type_adjusted", "tau", "cliff_neuron")},
    "idiom_neuron": _by_epoch(IDIOMS["idiom_neuron"]),
    "rhythm": _by_epoch(PERIODICITY["rhythm"]),
    **{f"graded_{name}": _by_epoch(GRADED_TUNING[name]) for name in ("r", "eta2", "eta2_type_adjusted")},
    "graded_neuron": _by_epoch(GRADED_TUNING["graded_neuron"]),
    "selective_since": _since(SCORE, "the neuron is selective, in the direction that it has at the end"),
    "half_since": _since(SCORE, "the score is on the side of neutral, and half as far from it, as at the end"),
    "called_since": _since(SCORE, "the neuron is called for the concept"),
    "cliff_since": _since(NEURON, "it is a cliff neuron"),
    "idiom_since": _since(NEURON, "it is an idiom neuron"),
    "periodic_since": _since(NEURON, "it is periodic"),
    "graded_since": _since(("variable", *NEURON), "it is called for the variable"),
    "untrained_best": Variable(("concept",), "float64", "1", "largest distance of the score from neutral among the "
                               "neurons of the untrained network", (0, None)),
    "untrained_floor": Variable(("concept",), "float64", "1", "distance that the best neuron of a share alpha of "
                                "untrained networks exceeds, extrapolated from this one", (0, None)),
    "n_called": Variable(_CONCEPT, "int64", "neuron", "neurons called for the concept", (0, None)),
    "n_selective": Variable(_CONCEPT, "int64", "neuron", "neurons selective for the concept", (0, None)),
    "best_layer": Variable(_CONCEPT, "int64", "1", "layer of the neuron farthest from neutral; -1: none", (-1, None)),
    "best_neuron": Variable(_CONCEPT, "int64", "1", "that neuron; -1: none", (-1, None)),
    "best_score": Variable(_CONCEPT, "float64", "1", "its score"),
    "final_best_score": Variable(_CONCEPT, "float64", "1", "score of the neuron that is the best at the end"),
    "held_out_layer": Variable(("half", "concept"), "int64", "1",
                               "layer of the best neuron at the end on this half of the words; -1: none", (-1, None)),
    "held_out_neuron": Variable(("half", "concept"), "int64", "1", "that neuron; -1: none", (-1, None)),
    "held_out_smd": Variable(("half", "epoch", "concept"), "float64", "sd", "its type_smd on the words of the other "
                             "half"),
    "validation_perplexity": Variable(("epoch",), "float64", "1", "perplexity of the text kept from training",
                                      (1, None)),
}  # fmt: skip

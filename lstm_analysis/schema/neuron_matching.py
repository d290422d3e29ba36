"""Variables of ``neuron_matching.zarr``, of one model or of two."""

from .dims import NEURON
from .variable import Variable

_OTHER = ("layer_other", "neuron_other")
_R = (-1, 1)


def _best(prefix: str, neuron: tuple[str, ...], whose: str) -> dict[str, Variable]:
    ranked = ("rank", *neuron)
    return {
        f"{prefix}best_layer": Variable(ranked, "int32", "1", f"layer of the {whose} most like it; -1 for none"),
        f"{prefix}best_neuron": Variable(ranked, "int32", "1", "and its place in the layer; -1 for none"),
        f"{prefix}r": Variable(ranked, "float32", "1", "Pearson correlation of h with it over tokens", _R),
        f"{prefix}r_residual": Variable(
            ranked, "float32", "1", "the same of what types and places in the sentence leave of h", _R
        ),
    }


NEURON_MATCHING: dict[str, Variable] = {
    **_best("", NEURON, "neurons, best first,"),
    "mutual": Variable(NEURON, "int8", "1", "1: it is the best of its best; -1 where it has none", (-1, 1)),
    "r_rotated": Variable(
        NEURON, "float64", "1", "largest |r| with a direction of randomly rotated layers, mean over rotations", (0, 1)
    ),
    "r_twin": Variable(NEURON, "float64", "1", "largest |r| of the model's neuron with one of its random twin", (0, 1)),
    "excess_r": Variable(NEURON, "float64", "1", "best |r| less r_twin, or without a twin less r_rotated", (-1, 1)),
    "family": Variable(NEURON, "int32", "1", "neurons with the number form a family (mean |r| >= .5); -1: alone"),
    "duplicate": Variable(NEURON, "int32", "1", "the same at mean |r| >= .95"),
    "assigned_layer": Variable(NEURON, "int32", "1", "layer of its partner, one for each neuron; -1 for none"),
    "assigned_neuron": Variable(NEURON, "int32", "1", "and its place in the layer; -1 for none"),
    "assigned_r": Variable(NEURON, "float32", "1", "Pearson correlation with the partner", _R),
    **_best("other_", _OTHER, "first model's neurons, best first,"),
    "n_token": Variable((), "int64", "token", "tokens that r rests on", (0, None)),
    "n_token_residual": Variable((), "int64", "token", "tokens of frequent types, that r_residual rests on", (0, None)),
    "n_concept": Variable((), "int64", "concept", "common concepts that r rests on", (0, None)),
}

"""Variables of ``lesion.zarr``: a table of its own, for p-values are of lesions here."""

from .variable import Variable

_LESION, _MEMBER = ("lesion",), ("lesion", "member")
_SCORE, _COUNT = ("lesion", "concept", "prediction"), ("concept", "group", "prediction")

LESION: dict[str, Variable] = {
    "delta_loss": Variable(_SCORE, "float64", "nat/token", "what the concept's tokens lose above their controls"),
    "delta_loss_se": Variable(_SCORE, "float64", "nat/token", "its standard error over tokens", (0, None)),
    "delta_loss_target": Variable(_SCORE, "float64", "nat/token", "loss with minus without, at the concept's tokens"),
    "delta_loss_control": Variable(_SCORE, "float64", "nat/token", "the same at their matched controls"),
    "p_value": Variable(_SCORE, "float64", "1", "share of matched random neurons that cost as much", (0, 1)),
    "p_fwer": Variable(_SCORE, "float64", "1", "the same, all concepts looked at at once (max-T)", (0, 1)),
    "random_delta_loss": Variable(("draw", *_SCORE), "float32", "nat/token", "delta_loss of a matched random neuron"),
    "selective": Variable(("lesion", "concept"), "bool", "", "whether a neuron of the lesion is found for the concept"),
    "delta_loss_overall": Variable(_LESION, "float64", "nat/token", "loss with minus without, over random tokens"),
    "delta_loss_overall_se": Variable(_LESION, "float64", "nat/token", "its standard error over tokens", (0, None)),
    "p_overall": Variable(_LESION, "float64", "1", "share of matched random neurons that cost as much", (0, 1)),
    "random_delta_loss_overall": Variable(("draw", "lesion"), "float32", "nat/token",
                                          "delta_loss_overall of a matched random neuron"),
    "n_random": Variable(_LESION, "int64", "1", "random neurons, or sets, that it is held against", (0, None)),
    "chosen_for": Variable(_LESION, "str", "", "concepts it was chosen for; empty if it was named"),
    "member_layer": Variable(_MEMBER, "int64", "1", "layer of a lesioned neuron; -1: no more", (-1, None)),
    "member_neuron": Variable(_MEMBER, "int64", "1", "the lesioned neuron; -1: no more", (-1, None)),
    "member_value": Variable(_MEMBER, "float64", "1", "what its h is replaced by; NaN: what it is elsewhere"),
    "random_layer": Variable(("draw", *_MEMBER), "int64", "1", "layer of a random neuron; -1: no more", (-1, None)),
    "random_neuron": Variable(("draw", *_MEMBER), "int64", "1", "the random neuron; -1: no more", (-1, None)),
    "intact_loss": Variable(_COUNT, "float64", "nat/token", "loss of the intact model", (0, None)),
    "intact_loss_overall": Variable((), "float64", "nat/token", "the same over random tokens", (0, None)),
    "n_token": Variable(_COUNT, "int64", "token", "tokens that the losses rest on", (0, None)),
    "n_token_overall": Variable((), "int64", "token", "random tokens", (0, None)),
    "n_control_same_type": Variable(("concept",), "int64", "token", "controls that are the same word", (0, None)),
}  # fmt: skip

"""What a model loses without some neurons: tokens that are looked at, random neurons, what is concluded."""

from .conclude import conclude_lesions
from .dissociation import dissociations, hurt, unused
from .random_neurons import NeuronSet, draw_random, outgoing_norms
from .sampling import Piece, Tokens, choose_tokens
from .windows import PREDICTIONS, Windows, plan_windows

__all__ = [
    "PREDICTIONS", "NeuronSet", "Piece", "Tokens", "Windows", "choose_tokens", "conclude_lesions", "dissociations",
    "draw_random", "hurt", "outgoing_norms", "plan_windows", "unused",
]  # fmt: skip

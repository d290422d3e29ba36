"""The study key ``lesion``: how neurons are taken out, and where the model is looked at without them."""

from dataclasses import dataclass
from typing import Literal

from .ranges import at_least, known_choices


@dataclass(frozen=True)
class LesionConfig:
    """How lesions are made and looked at.

    Parameters
    ----------
    kind
        What h is replaced by: its ``mean``, ``zero``, or (``resample``) what it is at other tokens.
    n_token
        Most tokens of a concept that are looked at, and as many controls.
    n_before
        Tokens that are read with the lesion before the first token that is looked at.
    n_random
        Matched random neurons, or sets, that each lesion is held against.
    """

    kind: Literal["mean", "zero", "resample"] = "mean"
    n_token: int = 500
    n_before: int = 32
    n_random: int = 100

    def __post_init__(self) -> None:
        known_choices(self, "lesion")
        at_least(1, self, "lesion", "n_token", "n_before")
        at_least(0, self, "lesion", "n_random")

"""What neurons can be ranked by."""

from dataclasses import dataclass

from .measures import MEASURES


@dataclass(frozen=True)
class Rankable:
    """A score by which neurons are ranked.

    Parameters
    ----------
    neutral
        Its value for a neuron that has nothing to do with it; ``None`` where there is no fixed one.
    two_signed
        Whether scores below ``neutral`` are findings too: then the distance from it ranks, else the score.
    meaning
        What it says.
    """

    neutral: float | None
    two_signed: bool
    meaning: str


RANKABLE: dict[str, Rankable] = {
    **{name: Rankable(m.neutral, m.two_signed, m.meaning) for name, m in MEASURES.items()},
    "type_smd": Rankable(0.0, True, "distance of member words from matched words in token standard deviations"),
    "type_auroc": Rankable(0.5, True, "how well the neuron ranks member words above matched words"),
    "breadth": Rankable(0.0, False, "share of member words beyond nearly all matched words"),
    "type_smd_odd": Rankable(0.0, True, "type_smd of one half of the member words"),
    "type_smd_even": Rankable(0.0, True, "type_smd of the other half of the member words"),
    "selectivity_over_control": Rankable(0.0, False, "size of type_smd above that of random categories"),
    # sentence position
    "cliff_mean": Rankable(0.0, True, "fall from the end symbol to the next token"),
    "cliff_r_current": Rankable(0.0, True, "correlation of the fall with the length of the sentence just ended"),
    "level_r_current": Rankable(0.0, True, "correlation of the level after the reset with that length"),
    "level_partial_r_previous": Rankable(0.0, True, "correlation of that level with the sentence before"),
    "short_rise": Rankable(0.0, True, "rise at the end symbol after short sentences"),
    "eta2": Rankable(0.0, False, "share of variance between positions in the sentence, or values of a variable"),
    "eta2_type_adjusted": Rankable(0.0, False, "the same once words are taken out"),
    "amplitude": Rankable(0.0, True, "how far the neuron rises or falls within a sentence"),
    "tau": Rankable(None, False, "tokens of an e-fold of that"),
    "r": Rankable(0.0, True, "correlation with the rank of a variable's value inside documents"),
    "r2": Rankable(0.0, False, "share of the tuning curve that the fit explains"),
}
"""Scores by name; the first one that there is ranks by default."""

"""What the summary shows of a question: the sentence, the picture, how sure it is, what is lost without the neuron."""

import math
from dataclasses import dataclass, field

from ..numerals import number

DOTS = ("p", "twin", "replicates")
"""What each of the three dots stands for."""


def short_of(value: float, limit: float, digits: int = 2) -> str:
    """Return a number with as many digits more as show on which side of a limit it is.

    >>> short_of(0.263, 0.7), short_of(0.6996, 0.7)
    ('0.26', '0.6996')
    """
    enough = (n for n in range(digits, 9) if (round(value, n) >= limit) == (value >= limit))
    return number(value, next(enough, 9))


@dataclass(frozen=True)
class Measure:
    """How the score of a question is written and drawn.

    Parameters
    ----------
    name, units
        Of the score.
    neutral, two_sided
        The score of what knows nothing, and whether scores below it count as those above; scores are drawn by how far
        they are from it.
    least
        Distance from neutral that a call asks for; NaN if none.
    reach
        Distance at which the axis ends, if no score is beyond.
    percent
        Whether it is a share that is written in percent.
    digits, signed
        As in `number`.
    """

    name: str
    units: str = ""
    neutral: float = 0.0
    two_sided: bool = False
    least: float = math.nan
    reach: float = 1.0
    percent: bool = False
    digits: int = 2
    signed: bool = False

    def distance(self, value: float) -> float:
        """Return how far a score is from the neutral one, below 0 on the side that does not count."""
        return abs(value - self.neutral) if self.two_sided else value - self.neutral

    def is_beyond(self, value: float, reached: float) -> bool | None:
        """Return whether a score is farther from neutral than another one; ``None`` if one of them is not known."""
        if not (math.isfinite(value) and math.isfinite(reached)):
            return None
        return self.distance(value) > self.distance(reached)

    def say(self, value: float) -> str:
        """Return a score in words."""
        if self.percent:
            return f"{number(100 * value, self.digits)} %"
        return f"{number(value, self.digits, self.signed)}{f' {self.units}' if self.units else ''}"


@dataclass(frozen=True)
class Reached:
    """What another network reaches: its strongest (a neuron, or a set), its score, how many it has that are called."""

    name: str
    strongest: str
    score: float
    n_called: int
    asked: bool = True
    matched: str = ""
    r: float = math.nan


@dataclass(frozen=True)
class Bar:
    """The picture: distances from neutral on an axis from 0 to ``end``; NaN is not drawn.

    ``others`` are those of replicates.
    """

    measure: Measure
    score: float
    low: float = math.nan
    high: float = math.nan
    twin: float = math.nan
    others: tuple[float, ...] = ()

    @property
    def end(self) -> float:
        """The distance at which the axis ends."""
        values = (self.measure.reach, self.measure.least * 1.1, *self._sizes())
        return max(value for value in values if math.isfinite(value))

    @property
    def known(self) -> list[float]:
        """The scores of other models that have one."""
        return [value for value in self.others if math.isfinite(value)]

    def axis(self, distance: float) -> str:
        """Return the score at a distance from neutral, as it stands at the axis."""
        value = self.measure.neutral + distance
        return f"{100 * value:.3g} %" if self.measure.percent else f"{value:.3g}"

    def _sizes(self) -> list[float]:
        ends = (self.score, self.low, self.high, self.twin, *self.others)
        return [self.measure.distance(value) for value in ends if math.isfinite(value)]

    def at(self, value: float, width: float) -> float:
        """Return where a score is drawn on an axis so many pixels wide."""
        return self.along(self.measure.distance(value), width)

    def along(self, distance: float, width: float) -> float:
        """Return where a distance from neutral is drawn."""
        return round(max(0.0, min(1.0, distance / self.end)) * width, 1)

    def ends(self, width: float) -> tuple[float, float]:
        """Return where the interval begins and stops; what lies beyond neutral is cut off."""
        sign = -1 if self.score < self.measure.neutral else 1
        places = [self.along(sign * (value - self.measure.neutral), width) for value in (self.low, self.high)]
        return min(places), max(places)


@dataclass(frozen=True)
class AtConcept:
    """What the concept's tokens lose above their controls (nat/token), beside the median of random neurons."""

    loss: float
    se: float
    p: float
    p_fwer: float
    random: float
    hurt: bool


@dataclass(frozen=True)
class Loss:
    """What the model loses without a neuron (nat/token), with 90 % of matched random neurons."""

    neuron: str
    overall: float
    se: float
    p: float
    low: float
    high: float
    n_random: int
    concept: AtConcept | None

    def at(self, value: float, width: float) -> float:
        """Return where a loss is drawn on an axis so many pixels wide, which begins with the smallest of all or at 0.

        The axis has the random neurons, the loss with its standard error, and 0.
        """
        ends = [0.0, self.low, self.high, self.overall - self.se, self.overall + self.se]
        known = [end for end in ends if math.isfinite(end)]
        span = max(known) - min(known)
        return round((value - min(known)) / span * width, 1) if span else 0.0


@dataclass(frozen=True)
class Answer:
    """A question of the study and its answer.

    Parameters
    ----------
    group
        Kind of question; those of one kind share the places of the summary.
    name, kind
        What is asked for, and what that is: empty where the name says it.
    anchor
        Id of the section that has all of it.
    concept
        Concept of that name, if the question is of one.
    found
        Whether the rule of the analysis finds it.
    neuron
        The strongest neuron, empty where the answer is not of a neuron.
    text
        What is said, of that neuron or in whole.
    also
        Other neurons called, duplicates as one.
    alike
        Neurons that do the same as the strongest.
    n_called
        Neurons, or sets, called.
    bar
        The picture, ``None`` for none.
    p, p_over
        A p, and what it is over, empty for all neurons.
    twin
        What the random twin reaches, ``None`` if it was not asked.
    replicates
        What each other trained model reaches.
    dots
        For each of `DOTS` yes, no, or not known (``None``).
    loss
        Without the neuron, ``None`` if it was not taken out.
    since
        Epoch of training since which it is so, NaN if that is not known.
    notes
        What else is to be said.
    """

    group: str
    name: str
    anchor: str
    found: bool
    text: str
    kind: str = ""
    concept: str = ""
    neuron: str = ""
    also: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    n_called: int = 0
    bar: Bar | None = None
    p: float = math.nan
    p_over: str = ""
    twin: Reached | None = None
    replicates: tuple[Reached, ...] = ()
    dots: tuple[bool | None, ...] = field(default=(None, None, None))
    loss: Loss | None = None
    since: float = math.nan
    notes: tuple[str, ...] = ()

    @property
    def strength(self) -> tuple[int, float]:
        """What answers of one kind are ordered by: dots that hold, then the distance from neutral."""
        bar = self.bar
        size = bar.measure.distance(bar.score) if bar is not None and math.isfinite(bar.score) else 0.0
        return sum(dot is True for dot in self.dots), size

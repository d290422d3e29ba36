"""Training dynamics as slow loops: one neuron, one concept, one epoch at a time."""

import math
from collections.abc import Sequence

NAN = float("nan")


def first_lasting(epochs: Sequence[float], holds: Sequence[bool]) -> float:
    """The first epoch such that it holds there and at all later ones."""
    for i, epoch in enumerate(epochs):
        if all(holds[i:]):
            return epoch
    return NAN


def floor(scores: Sequence[float], neutral: float, alpha: float, bounded: bool) -> float:
    """What the best neuron of a share alpha of untrained networks exceeds."""
    distance = sorted((abs(score - neutral) for score in scores if not math.isnan(score)), reverse=True)
    if not distance:
        return NAN
    n_tail = min(max(len(distance) // 20, 10), len(distance) - 1)
    if n_tail == 0 or (bounded and distance[0] >= 0.5):
        return distance[0]

    def logit(value: float) -> float:
        return math.log((0.5 + value) / (0.5 - value)) if bounded else value

    threshold = logit(distance[n_tail])
    excess = sum(logit(value) - threshold for value in distance[:n_tail]) / n_tail
    found = threshold + n_tail * excess * (((n_tail + 1) / alpha) ** (1 / n_tail) - 1)
    return max(distance[0], 1 / (1 + math.exp(-found)) - 0.5 if bounded else found)


def selective(score: float, p: float, neutral: float, alpha: float, untrained_floor: float) -> bool:
    """Whether a neuron is selective at an epoch."""
    return p <= alpha and abs(score - neutral) > untrained_floor


def selective_since(
    epochs: Sequence[float], scores: Sequence[float], p: Sequence[float], neutral: float, alpha: float, floor: float
) -> float:
    """Since when a neuron is selective in the direction of the end."""
    up = scores[-1] > neutral
    holds = [
        selective(score, q, neutral, alpha, floor) and (score > neutral) == up
        for score, q in zip(scores, p, strict=True)
    ]
    return first_lasting(epochs, holds)


def half_since(epochs: Sequence[float], scores: Sequence[float], neutral: float) -> float:
    """Since when a neuron has half of what it has at the end."""
    effects = [score - neutral for score in scores]
    if effects[-1] == 0:
        return NAN
    return first_lasting(epochs, [effect / effects[-1] >= 0.5 for effect in effects])


def strongest(scores: Sequence[float], neutral: float) -> int:
    """Place of the score farthest from neutral, -1 if there is none."""
    best = -1
    for i, score in enumerate(scores):
        if not math.isnan(score) and (best < 0 or abs(score - neutral) > abs(scores[best] - neutral)):
            best = i
    return best

"""Matching once more, as slow and obvious loops."""

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

Conjunct = tuple[int, ...]
"""A neuron, its place after the first dim, and the sign with which it is on."""


def value_of(state: float, tanh: bool) -> float:
    return float(np.tanh(state)) if tanh else float(state)


def is_on(values: np.ndarray, t: int, one: Conjunct, threshold: float, tanh: bool = False) -> bool:
    """Return whether a neuron is on: its value, with its sign, rounded to five digits, reaches the threshold."""
    *place, sign = one
    value = np.tanh(values[(t, *place)]) if tanh else values[(t, *place)]
    value = abs(float(value)) if sign == 0 else sign * float(value)
    return not math.isnan(value) and round(value, 5) >= threshold


def all_conjuncts(values: np.ndarray, sides: str) -> list[Conjunct]:
    signs = {"up": (1,), "both": (1, -1), "absolute": (0,)}[sides]
    return [(*place, sign) for sign in signs for place in np.ndindex(values.shape[1:])]


def select(values: np.ndarray, start: int, stop: int, threshold: Any, left: int, right: int, sides: str) -> set:
    """Return the neurons that are on at all tokens of a span and off at all of its flanks."""
    found = set()
    for one in all_conjuncts(values, sides):
        level = float(np.broadcast_to(threshold, values.shape[1:])[one[:-1]])
        inside = all(is_on(values, t, one, level) for t in range(start, stop))
        flanks = [t for t in (*range(start - left, start), *range(stop, stop + right)) if 0 <= t < len(values)]
        unknown = any(math.isnan(values[(t, *one[:-1])]) for t in flanks)
        if inside and not unknown and not any(is_on(values, t, one, level) for t in flanks):
            found.add(one)
    return found


def maximal_runs(counts: list[int]) -> dict[tuple[int, int], int]:
    """Return every stretch that is longest for some level, half-open, with the highest such level."""
    found: dict[tuple[int, int], int] = {}
    for level in range(1, max(counts, default=0) + 1):
        start = None
        for t, count in enumerate([*counts, 0]):
            if count >= level and start is None:
                start = t
            if count < level and start is not None:
                found[start, t] = level
                start = None
    return found


def native(
    values: np.ndarray,
    chosen: set,
    threshold: float,
    left: int,
    right: int,
    sides: str,
    n_results: int,
    length: int = 0,
    document: np.ndarray | None = None,
    span: tuple[int, int] | None = None,
) -> list[tuple[int, int, int, int]]:
    """Return start, stop, neurons in both sets and neurons in either of the best matches, the slow way."""
    counts = [sum(is_on(values, t, one, threshold) for one in chosen) for t in range(len(values))]
    candidates = []
    for start, stop in maximal_runs(counts):
        if length in (0, stop - start):
            active = select(values, start, stop, threshold, left, right, sides)
            if active & chosen:
                candidates.append((start, stop, len(active & chosen), len(active | chosen)))
    candidates.sort(key=lambda c: (-Fraction(c[2], c[3]), -c[2], c[0] - c[1], c[0]))
    taken: list[tuple[int, int, int, int]] = []
    groups = set()
    for start, stop, shared, union in candidates:
        group = None if document is None else int(document[start])
        if span is not None and start < span[1] and stop > span[0]:
            group = None
        overlaps = any(start < other[1] and stop > other[0] for other in taken)
        if not overlaps and (group is None or group not in groups) and len(taken) < n_results:
            taken.append((start, stop, shared, union))
            groups.add(group)
    return taken


def lstmvis(
    states: np.ndarray,
    cells: list[int],
    threshold: float,
    query: str = "fast",
    phrase_length: int = 0,
    constrain_left: bool = False,
    constrain_right: bool = False,
    n_results: int = 50,
    fast_time: int = 500_000,
) -> tuple[list[list[float]], list[int], list[int]]:
    """Return factors (start, length, Jaccard, missing, union, shared) as LSTMVis does, and lengths of candidates."""
    level_of_on = math.atanh(threshold)
    most = {"fast": 1000, "precise": 10_000}[query]
    searched = states[:fast_time] if query == "fast" else states
    counts = [sum(float(row[cell]) >= level_of_on for cell in cells) for row in searched]
    collected: dict[tuple[int, int], tuple[int, int, int]] = {}
    level = len(cells)
    while level > 0 and len(collected) < most:
        clamped = [min(count, level) for count in counts]
        entries = []
        for start, stop in equal_runs(clamped):
            length = stop - start
            fits = length == phrase_length if phrase_length > 0 else length >= 2
            if clamped[start] == level and fits:
                drop = level if constrain_left or constrain_right else 0
                drop -= clamped[start - 1] if constrain_left else 0
                drop -= clamped[stop] if constrain_right and stop < len(clamped) else 0
                entries.append((length, start, drop))
        for entry in set(entries):
            collected.setdefault(entry[:2], entry)
        level -= 1
    candidates = sorted(collected.values(), key=lambda entry: -entry[2])[:most]
    factors = []
    for length, start, _ in candidates:
        if start < 1 or start + length + 1 > len(states):
            continue
        active = set()
        for cell in range(states.shape[1]):
            on = [float(states[t, cell]) >= level_of_on for t in range(start - 1, start + length + 1)]
            beside = (constrain_left and on[0]) or (constrain_right and on[-1])
            if all(on[1:-1]) and not beside:
                active.add(cell)
        shared, union = len(active & set(cells)), len(active | set(cells))
        factors.append([start, length, shared / union, len(cells) - shared, union, shared])
    lengths = [int(factor[1]) for factor in factors]
    strict = [int(factor[1]) for factor in factors if factor[3] == 0]
    factors.sort(key=lambda factor: (-factor[5], factor[4], -factor[1]))
    return factors[:n_results], lengths, strict


def equal_runs(values: list[int]) -> list[tuple[int, int]]:
    """Return the stretches of equal values, half-open."""
    edges = [0, *(t for t in range(1, len(values)) if values[t] != values[t - 1]), len(values)]
    return [(a, b) for a, b in pairwise(edges) if b > a]

"""Strata of word types: which types a category's members may be exchanged with.

A type's effect is known the better, and is the less like chance, the more frequent and the less bursty the type is; and
neurons code frequency and part of speech whatever a category means. So a member is only ever held against types that
are alike in

- **frequency**: deciles of the number of tokens, cut again where a decile spans more than a factor of 2 (the first
  decile of a Zipf distribution spans a factor of a thousand), as long as each part keeps `FEWEST_IN_STRATUM` types;
- **part of speech** of most of the type's tokens, where the corpus has one; rare ones are taken together;
- **burstiness**: above or below the median, within the frequency stratum, of the effective number of document groups
  ``n(type)^2 / sum over groups of n(type, group)^2``. That number is what the variance of a type's effect goes with
  when tokens of one document have something in common: burstier types are noisier.

Inside a frequency stratum the rest of log frequency is taken out linearly (`without_frequency`).

A cell in which a category leaves too few other types is merged with its nearest kin (`match_types`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]

N_QUANTILE = 10
FEWEST_IN_STRATUM = 50
FEWEST_MATCHED = 5
"""Types that are no members which a cell needs, and at least half as many as members."""
LEFT_OUT_LIMIT = 0.2
"""If a larger share of the members has no match within its part of speech, the category is one, and the strata do
without it."""


@dataclass(frozen=True)
class TypeClasses:
    """What types are matched on, dims (type): codes of frequency stratum, its decile, part of speech, burstiness.

    ``part_of_speech`` is ``None`` where the corpus has none, ``burstiness`` where there is one document group only.
    """

    frequency: Codes
    decile: Codes
    part_of_speech: Codes | None
    burstiness: Codes | None


@dataclass(frozen=True)
class Matching:
    """The members of a category and the types they are held against.

    Parameters
    ----------
    stratum
        Dims (type); -1 for a type that is not used: a stratum without members, a member without match.
    member
        Dims (type); true for the members that are used.
    n_unmatched
        Members left out because no stratum has types to hold them against.
    factors
        What the strata are made of.
    """

    stratum: Codes
    member: NDArray[np.bool_]
    n_unmatched: int
    factors: tuple[str, ...]


def classify_types(
    n_token: NDArray[np.int64], part_of_speech: NDArray[np.int64] | None, square_sum: NDArray[np.float64] | None
) -> TypeClasses:
    """Return what the types of a corpus are matched on.

    Parameters
    ----------
    n_token
        Tokens of each type, dims (type).
    part_of_speech
        Code of each type, dims (type); ``None`` if there is none.
    square_sum
        Sum over document groups of the squared number of tokens there, dims (type); ``None`` with one group only.
    """
    frequency, decile = _frequency_strata(n_token)
    burstiness = None
    if square_sum is not None:
        n_effective = n_token / square_sum * n_token
        burstiness = np.zeros(len(n_token), dtype=np.int64)
        for code in range(frequency.max(initial=-1) + 1):
            inside = np.flatnonzero(frequency == code)
            burstiness[inside] = n_effective[inside] > np.median(n_effective[inside])
    pooled = None if part_of_speech is None else _pool_rare(part_of_speech)
    return TypeClasses(frequency, decile, pooled, burstiness)


def match_types(classes: TypeClasses, member: NDArray[np.bool_], usable: NDArray[np.bool_]) -> Matching:
    """Return the strata for one category.

    Cells start as frequency stratum x part of speech x burstiness. Where a cell with members has fewer than
    `FEWEST_MATCHED` other types, or fewer than half as many as members, it gives up burstiness together with its twin,
    then the cut of the decile. What is still short is left out and counted. If that is more than `LEFT_OUT_LIMIT` of
    the members, all begins again without part of speech.

    Parameters
    ----------
    classes
        A result of `classify_types`.
    member
        Types of the category, dims (type).
    usable
        Types that may take part at all, members included, dims (type).
    """
    matching = _merge(classes, member, usable, classes.part_of_speech)
    if classes.part_of_speech is not None and matching.n_unmatched > LEFT_OUT_LIMIT * member.sum():
        matching = _merge(classes, member, usable, None)
    return matching


def without_frequency(
    effect: NDArray[np.float64], n_token: NDArray[np.int64], classes: TypeClasses
) -> NDArray[np.float64]:
    """Return the effects without what is linear in the log frequency of the types inside each frequency stratum.

    Even within a stratum members may be the more frequent ones, and a neuron that codes frequency tells them apart:
    with a category drawn in proportion to frequency and strong coding a test on deciles has size .34, on strata .10, on
    these effects .05. Means of strata stay as they are.

    Parameters
    ----------
    effect
        Dims (type, neuron).
    n_token
        Tokens of each type, dims (type).
    classes
        A result of `classify_types`.
    """
    adjusted = effect.copy()
    for code in range(classes.frequency.max(initial=-1) + 1):
        inside = np.flatnonzero(classes.frequency == code)
        log_n = np.log(n_token[inside])
        log_n -= log_n.mean()
        if n_token[inside].min() < n_token[inside].max():
            adjusted[inside] -= np.outer(log_n, log_n @ effect[inside] / (log_n @ log_n))
    return adjusted


def _merge(
    classes: TypeClasses, member: NDArray[np.bool_], usable: NDArray[np.bool_], part_of_speech: Codes | None
) -> Matching:
    """Return the strata with or without part of speech, the sparse ones merged."""
    spoken = [] if part_of_speech is None else [part_of_speech]
    bursty = [] if classes.burstiness is None else [classes.burstiness]
    stratum = _cells([classes.frequency, *spoken, *bursty])
    for parent in (_cells([classes.frequency, *spoken]), _cells([classes.decile, *spoken])):
        merged = np.isin(parent, parent[_short(stratum, member, usable)])
        stratum = np.where(merged, stratum.max(initial=-1) + 1 + parent, stratum)
    short = _short(stratum, member, usable)
    held = usable & np.isin(stratum, stratum[member & usable]) & ~short
    cell = np.full(len(member), -1, dtype=np.int64)
    cell[held] = np.unique(stratum[held], return_inverse=True)[1]
    names = ["log-frequency decile", *(["part of speech"] if spoken else []), *(["burstiness"] if bursty else [])]
    return Matching(cell, member & held, int((member & usable & short).sum()), tuple(names))


def _cells(codes: list[Codes]) -> Codes:
    """Return one code for each combination that occurs."""
    return np.unique(np.stack(codes), axis=1, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _short(stratum: Codes, member: NDArray[np.bool_], usable: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which usable types lie in a stratum with members but too few others, dims (type)."""
    size = int(stratum.max(initial=-1)) + 1
    n_member = np.bincount(stratum[usable & member], minlength=size)
    n_other = np.bincount(stratum[usable & ~member], minlength=size)
    too_few = (n_member > 0) & (n_other < np.maximum(FEWEST_MATCHED, n_member / 2))
    return usable & too_few[stratum]


def _frequency_strata(n_token: NDArray[np.int64]) -> tuple[Codes, Codes]:
    """Return the code of each type's frequency stratum and of its decile; types of equal frequency stay together."""
    n_part = max(1, min(N_QUANTILE, len(n_token) // FEWEST_IN_STRATUM))
    ordered = np.sort(n_token)
    decile = np.searchsorted(ordered[np.arange(1, n_part) * len(ordered) // n_part], n_token, side="right")
    frequency = np.zeros(len(n_token), dtype=np.int64)
    for code in np.unique(decile):
        inside = np.flatnonzero(decile == code)
        frequency[inside] = frequency.max(initial=-1) + 1 + _cut(n_token[inside])
    return _cells([frequency]), _cells([decile])


def _cut(n_token: NDArray[np.int64]) -> Codes:
    """Return the part of each type of a decile: from the most frequent down, a new part once one is full and wide."""
    part = np.zeros(len(n_token), dtype=np.int64)
    order = np.argsort(-n_token, kind="stable")
    first = 0
    for place in range(1, len(order)):
        here, before = n_token[order[place]], n_token[order[place - 1]]
        full = place - first >= FEWEST_IN_STRATUM and len(order) - place >= FEWEST_IN_STRATUM
        if full and here < before and n_token[order[first]] > 2 * here:
            first = place
        part[order[place]] = part[order[place - 1]] + (first == place)
    return part


def _pool_rare(part_of_speech: NDArray[np.int64]) -> Codes:
    """Return the codes with those of fewer than `FEWEST_IN_STRATUM` types as one."""
    code, n_type = np.unique(part_of_speech, return_counts=True)
    return np.where(np.isin(part_of_speech, code[n_type < FEWEST_IN_STRATUM]), -1, part_of_speech).astype(np.int64)

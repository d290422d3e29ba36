"""The section on semantic categories: neurons called for them, the words and passages that carry it, overlap."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from .duplicates import others_like
from .heat_map import HeatMap, heat_map
from .material import Material
from .numerals import neuron_name
from .passages import OFFSETS, Token, around, passage, read_words

N_WORD, N_LAST = 12, 4
N_OVERLAP = 24
BEFORE = 3
"""Tokens shown before the one at which a neuron is extreme."""
NO_DRAWS = "No null distribution was computed (selectivity.draws: 0)."
SCORES = (
    "type_smd", "breadth", "type_smd_odd", "type_smd_even", "selectivity_over_control", "p_fwer", "q_value", "auroc",
)  # fmt: skip


@dataclass(frozen=True)
class Word:
    """A member word, its effect (sd), its tokens."""

    text: str
    effect: float
    n_token: int


@dataclass(frozen=True)
class Ngram:
    """The last tokens up to one at which a neuron is extreme, and the documents whose most extreme token has them."""

    tokens: tuple[Token, ...]
    n_document: int


@dataclass(frozen=True)
class CategoryNeuron:
    """A neuron whose words are listed: the strongest members first, then the weakest of those that are known."""

    name: str
    sign: int
    called: bool
    scores: dict[str, float]
    duplicates: tuple[str, ...]
    first: tuple[Word, ...]
    last: tuple[Word, ...]
    n_word: int
    ngrams: tuple[Ngram, ...]


@dataclass(frozen=True)
class HeldOut:
    """The best neuron on one half of the words: its ``type_smd`` on them, and on the other half."""

    half: str
    name: str
    chosen: float
    kept: float


@dataclass(frozen=True)
class Category:
    """A tested category with its counts, its neurons, and how many of a random twin's neurons are called."""

    index: int
    name: str
    source: str
    n_member: int
    n_matched: int
    n_unmatched: int
    strata: str
    few: bool
    n_called: int
    n_called_twin: int | None
    neurons: tuple[CategoryNeuron, ...]
    held_out: tuple[HeldOut, ...]


@dataclass(frozen=True)
class CategorySection:
    """What there is to show: tested categories, concepts that were not tested by reason, overlaps by kind of set."""

    tested: tuple[Category, ...]
    untested: tuple[tuple[str, tuple[str, ...]], ...]
    overlap: Mapping[str, HeatMap]

    @property
    def n_called(self) -> int:
        """Calls, a neuron called for two categories counting twice."""
        return sum(category.n_called for category in self.tested)

    @property
    def n_called_twin(self) -> int | None:
        """The same of the random twin."""
        counts = [category.n_called_twin for category in self.tested if category.n_called_twin is not None]
        return sum(counts) if counts else None


def category_section(material: Material) -> CategorySection | None:
    """Return what the section shows; ``None`` if the study leaves the analysis out.

    Parameters
    ----------
    material
        The run.
    """
    found = material.categories
    if found is None:
        return None
    scores, names = material.scores, material.scores["concept"].values.tolist()
    nulls = [str(text) for text in scores["type_null"].values] if "type_null" in scores else [NO_DRAWS] * len(names)
    tested = [i for i, why in enumerate(nulls) if not why]
    ngrams = _all_ngrams(material, found, tested)
    categories = [_category(material, found, i, ngrams) for i in tested]
    categories.sort(key=lambda category: (-category.n_called, category.index))
    untested = _reasons([(str(name), why) for name, why in zip(names, nulls, strict=True) if why])
    return CategorySection(tuple(categories), untested, _overlaps(found, tested))


def _reasons(pairs: list[tuple[str, str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return reasons with the concepts they hold for; those that differ in their numbers only are one."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for concept, why in pairs:
        groups.setdefault(re.sub(r"\d+", "0", why), []).append((concept, why))
    found = [(one_reason([why for _, why in group]), tuple(name for name, _ in group)) for group in groups.values()]
    return tuple(sorted(found, key=lambda item: -len(item[1])))


def one_reason(texts: list[str]) -> str:
    """Return texts that differ in their numbers only as one, with the smallest and the largest of each number.

    >>> one_reason(["It has 3 of 5.", "It has 1 of 5."])
    'It has 1–3 of 5.'
    """
    parts = zip(*(re.split(r"(\d+)", text) for text in texts), strict=True)
    spans = []
    for i, part in enumerate(parts):
        numbers = sorted(map(int, part)) if i % 2 else []
        spans.append(f"{numbers[0]}–{numbers[-1]}" if len(set(numbers)) > 1 else part[0])
    return "".join(spans)


def _category(
    material: Material, found: xr.Dataset, index: int, ngrams: Mapping[tuple[int, int, int], tuple[Ngram, ...]]
) -> Category:
    one = found.isel(concept=index)
    concept, source = str(material.scores["concept"].values[index]), str(material.scores["source"].values[index])
    own = material.scores.isel(concept=index)
    neurons: list[CategoryNeuron] = []
    known: set[int] = set()
    for rank in range(one.sizes["shown"]):
        layer, neuron = int(one["shown_layer"].values[rank]), int(one["shown_neuron"].values[rank])
        if layer < 0:
            continue
        group = int(own["duplicate_of"].values[layer, neuron]) if "duplicate_of" in own else -1
        if group < 0 or group not in known:
            neurons.append(_neuron(own, one, rank, ngrams[index, layer, neuron]))
        known.add(group)
    return Category(
        index=index,
        name=concept,
        source=source,
        n_member=int(own["n_type_member"].item()),
        n_matched=int(own["n_type_matched"].item()),
        n_unmatched=int(own["n_type_unmatched"].item()),
        strata=str(own["type_strata"].values),
        few=bool(own["few_types"].item()),
        n_called=int(one["n_called"].item()),
        n_called_twin=_called_by_twin(material, concept, source),
        neurons=tuple(neurons),
        held_out=_held_out(one),
    )


def _called_by_twin(material: Material, concept: str, source: str) -> int | None:
    if material.twin is None or material.twin.categories is None:
        return None
    scores = material.twin.scores
    same = np.flatnonzero((scores["concept"].values == concept) & (scores["source"].values == source))
    return int(material.twin.categories["n_called"].values[same[0]]) if len(same) else None


def _neuron(own: xr.Dataset, one: xr.Dataset, rank: int, ngrams: tuple[Ngram, ...]) -> CategoryNeuron:
    layer, neuron = int(one["shown_layer"].values[rank]), int(one["shown_neuron"].values[rank])
    place = {"layer": layer, "neuron": neuron}
    texts = [str(text) for text in one["member_type"].values[rank]]
    columns = zip(texts, one["member_effect"].values[rank], one["member_n_token"].values[rank], strict=True)
    words = [Word(text, float(effect), int(n)) for text, effect, n in columns if n > 0 and np.isfinite(effect)]
    last = words[max(N_WORD, len(words) - N_LAST) :]
    scores = {name: float(own[name].isel(place).item()) for name in SCORES if name in own}
    group = own["duplicate_of"].transpose("layer", "neuron").values if "duplicate_of" in own else None
    same = () if group is None else others_like(group, layer, neuron)
    return CategoryNeuron(
        neuron_name(layer, neuron), int(one["sign"].isel(place).item()), bool(one["called"].isel(place).item() == 1),
        scores, same, tuple(words[:N_WORD]), tuple(last), len(words), ngrams,
    )  # fmt: skip


def _held_out(one: xr.Dataset) -> tuple[HeldOut, ...]:
    found = []
    for half in one["half"].values.tolist():
        of = one.sel(half=half)
        if int(of["held_out_layer"].item()) >= 0:
            name = neuron_name(int(of["held_out_layer"].item()), int(of["held_out_neuron"].item()))
            chosen, kept = float(of["held_out_chosen_smd"].item()), float(of["held_out_smd"].item())
            found.append(HeldOut(str(half), name, chosen, kept))
    return tuple(found)


def _all_ngrams(
    material: Material, found: xr.Dataset, concepts: Iterable[int]
) -> dict[tuple[int, int, int], tuple[Ngram, ...]]:
    """Return the n-grams at which shown neurons are extreme, by concept, layer and neuron."""
    times: dict[tuple[int, int, int], xr.Dataset] = {}
    for i in concepts:
        pairs = zip(found["shown_layer"].values[i].tolist(), found["shown_neuron"].values[i].tolist(), strict=True)
        for layer, neuron in pairs:
            if layer >= 0:
                sign = int(found["sign"].isel(concept=i, layer=layer, neuron=neuron).item())
                at = material.contexts.sel(extreme="lowest" if sign < 0 else "highest").isel(layer=layer, neuron=neuron)
                times[i, layer, neuron] = at.sel(offset=OFFSETS).transpose("rank", ...)
    needed = np.concatenate([np.empty(0, np.int64), *(at["context_time"].values for at in times.values())])
    needed = needed[needed >= 0]
    if not len(needed):
        return {key: () for key in times}
    words = read_words(material, around(needed, material.corpus.sizes["time"]), sorted({key[0] for key in times}))
    return {key: _ngrams(material, words, key[0], at) for key, at in times.items()}


def _ngrams(material: Material, words: xr.Dataset, concept: int, at: xr.Dataset) -> tuple[Ngram, ...]:
    """Return the n-grams of a neuron, the same one of several documents once."""
    lines: dict[tuple[str, ...], list[tuple[Token, ...]]] = {}
    for time, value in zip(at["context_time"].values.tolist(), at["context_value"].values, strict=True):
        if time >= 0:
            line = passage(material, words, concept, time, value)
            tokens = (*line.before[-BEFORE:], line.centre)
            lines.setdefault(tuple(token.word for token in tokens), []).append(tokens)
    return tuple(Ngram(found[0], len(found)) for found in lines.values())


def _overlaps(found: xr.Dataset, tested: list[int]) -> dict[str, HeatMap]:
    """Return the overlaps of the sets that two tested categories or more have."""
    names = [str(name) for name in found["concept"].values]
    maps = {}
    for kind in found["neuron_set"].values.tolist():
        of = found.sel(neuron_set=kind)
        size = of["set_size"].values
        order = sorted((i for i in tested if size[i] > 0), key=lambda i: (-size[i], i))[:N_OVERLAP]
        if len(order) > 1:
            n, jaccard, lift = of["overlap_n"].values, of["overlap_jaccard"].values, of["overlap_lift"].values
            maps[str(kind)] = heat_map(names, n, jaccard, lift, np.array(order), len(tested))
    return maps

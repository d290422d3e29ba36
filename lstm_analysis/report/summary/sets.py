"""Answers that are not of single neurons: word sets in components and probes, phrases, neurons that do the same."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from markupsafe import Markup

from ...analyses.neuron_matching import DUPLICATE_R, FAMILY_R
from ...explorer_links import neuron_link
from ..material import Material
from ..numerals import number
from .answer import Answer, Bar, Measure, Reached
from .question import in_each
from .reading import Network, named

ACCURACY = Measure("accuracy at words left out", neutral=0.5, reach=0.4)
AUROC = Measure("auroc at words left out", neutral=0.5, reach=0.4)
JACCARD = Measure("jaccard")
R = Measure("|r|", least=DUPLICATE_R)


@dataclass(frozen=True)
class Told:
    """What a network has of one set (a concept, a phrase) and of all of them: score and p, sets found, sets tested."""

    name: str
    at: int
    score: float
    p: float
    n_found: int
    n_tested: int


@dataclass(frozen=True)
class Tables:
    """Score and p of each set by name, NaN where it was not tested, and the places of the sets."""

    score: dict[str, float]
    p: dict[str, float]
    at: dict[str, int]

    def told(self, alpha: float, name: str = "") -> Told | None:
        """Return what there is of a set, by default of the best one that is found, else of all; ``None`` for none."""
        tested = [one for one, score in self.score.items() if np.isfinite(score) and np.isfinite(self.p[one])]
        found = [one for one in tested if self.p[one] <= alpha]
        if not tested or (name and name not in tested):
            return None
        best = name or max(found or tested, key=lambda one: self.score[one])
        return Told(best, self.at[best], self.score[best], self.p[best], len(found), len(tested))


Look = Callable[[Network], Tables | None]


def set_answers(material: Material) -> list[Answer]:
    """Return the answers to those of these questions that the study asked and that could be answered.

    Parameters
    ----------
    material
        The run.
    """
    made = (_components(material), _probes(material), _phrases(material), _duplicates(material))
    return [one for one in made if one is not None]


def _components(material: Material) -> Answer | None:
    def say(own: Told, twin: Told | None) -> str:
        assert material.pca is not None
        most = int(material.pca["n_dimension"].max())
        beside = "" if twin is None else f"; the random twin tells {twin.n_found:,}"
        verb = "is" if own.n_found == 1 else "are"
        return (
            f"{_of(own)} of words {verb} told from matched words in up to {most} components{beside}; best {own.name}, "
            f"{ACCURACY.name} {number(own.score)} (.5 by chance)"
        )

    return _answer(material, "components", "Sets of words in all neurons", "pca", ACCURACY, _accuracies, say,
                   "all spaces")  # fmt: skip


def _accuracies(network: Network) -> Tables | None:
    found = network.pca
    if found is None:
        return None
    best = found["accuracy"].max(("space", "n_dimension"))
    return _tables(found, best, found["p_fwer"])


def _probes(material: Material) -> Answer | None:
    def say(own: Told, twin: Told | None) -> str:
        assert material.probes is not None
        one = material.probes.isel(concept=own.at)
        last, first = one.isel(n_neuron=-1), one.isel(n_neuron=0, rank=0)
        neuron = named((int(first["chosen_layer"]), int(first["chosen_neuron"])))
        beside = "" if twin is None else f"; a random twin's neuron {twin.n_found:,}"
        return Markup(
            "one neuron tells {} of words from matched words at words left out{}; best {}: auroc {} ({} in {} % of the "
            "folds; {} neurons {}, random sets {})"
        ).format(
            _of(own), beside, own.name, number(own.score), neuron_link(neuron),
            number(100 * float(first["chosen_share"]), 0), int(last["n_neuron"]), number(float(last["probe_auroc"])),
            number(float(first["control_auroc"])),
        )  # fmt: skip

    return _answer(material, "probes", "Sets of words in few neurons", "probes", AUROC, _by_one_neuron, say,
                   "random sets of words")  # fmt: skip


def _by_one_neuron(network: Network) -> Tables | None:
    found = network.probes
    if found is None:
        return None
    one = found.isel(n_neuron=0)
    return _tables(found, one["probe_auroc"], one["probe_p"])


def _tables(found: xr.Dataset, score: xr.DataArray, p: xr.DataArray) -> Tables:
    """Return the scores of concepts; those of one name are told by their sources."""
    plain = [str(name) for name in found["concept"].values]
    sources = found["source"].values.tolist()
    names = [name if plain.count(name) == 1 else f"{name} ({of})" for name, of in zip(plain, sources, strict=True)]
    told = (found["untold"] == "").values
    values = (np.where(told, one.values.astype(np.float64), np.nan).tolist() for one in (score, p))
    by_score, by_p = (dict(zip(names, one, strict=True)) for one in values)
    return Tables(by_score, by_p, {name: i for i, name in enumerate(names)})


def _phrases(material: Material) -> Answer | None:
    def say(own: Told, _twin: Told | None) -> str:
        verb = "comes" if own.n_found == 1 else "come"
        return (
            f"of {_of(own, 'phrase')} what is on together {verb} again elsewhere, more than for random spans; best "
            f"match of {own.name}: jaccard {number(own.score)}"
        )

    return _answer(material, "phrases", "Phrases", "matches", JACCARD, _first_matches, say, "random spans")


def _first_matches(network: Network) -> Tables | None:
    """Return the best match of each phrase beside itself; one without a match has none."""
    found = network.matches
    if found is None:
        return None
    score: dict[str, float] = {}
    p: dict[str, float] = {}
    for i, name in enumerate(found["phrase"].values.tolist()):
        one = found.isel(phrase=i)
        other = np.flatnonzero((one["start"].values >= 0) & ~one["is_query"].values)
        at = int(other[0]) if len(other) else None
        score[str(name)] = np.nan if at is None else float(one["jaccard"][at])
        p[str(name)] = np.nan if at is None else float(one["p_value"][at])
    return Tables(score, p, {name: i for i, name in enumerate(score)})


def _answer(
    material: Material,
    group: str,
    name: str,
    anchor: str,
    measure: Measure,
    look: Look,
    say: Callable[[Told, Told | None], str],
    p_over: str,
) -> Answer | None:
    """Return the answer for the best set, the twin and the other models judged by the same set."""
    tables = look(material)
    own = None if tables is None else tables.told(material.alpha)
    if own is None:
        return None
    twin = None if material.twin is None else look(material.twin)
    same = None if twin is None else twin.told(material.alpha, own.name)
    others = tuple(_elsewhere(one.name, look(one), own.name, material.alpha) for one in material.replicates)
    in_twin = None if same is None else Reached("random twin", "", same.score, same.n_found)
    beyond = None if same is None else measure.is_beyond(own.score, same.score)
    scores = tuple(one.score for one in others)
    twin_score = float("nan") if same is None else same.score
    return Answer(
        group, name, anchor, own.n_found > 0, say(own, same), n_called=own.n_found,
        bar=Bar(measure, own.score, twin=twin_score, others=scores), p=own.p, p_over=p_over, twin=in_twin,
        replicates=others, dots=(own.p <= material.alpha, beyond, in_each(others)),
    )  # fmt: skip


def _elsewhere(name: str, tables: Tables | None, which: str, alpha: float) -> Reached:
    """Return the score of a set in another model, which has it called if its p is at most alpha."""
    told = None if tables is None else tables.told(alpha, which)
    if told is None:
        return Reached(name, "", float("nan"), 0, asked=False)
    return Reached(name, "", told.score, int(told.p <= alpha))


def _of(own: Told, what: str = "set") -> str:
    return f"{own.n_found:,} of {own.n_tested:,} {what}{'' if own.n_tested == 1 else 's'}"


@dataclass(frozen=True)
class _Pair:
    """The two neurons most alike, their r, and how many neurons are duplicates and in families."""

    first: str
    second: str
    r: float
    n_duplicate: int
    n_family: int


def _pair(network: Network) -> _Pair | None:
    """Return what there is of neurons that do the same; ``None`` where families were not looked for."""
    found = network.neuron_matching
    if found is None or not found["r_rotated"].notnull().any():
        return None
    best = found.isel(rank=0).transpose("layer", "neuron", ...)
    r = np.abs(best["r"].values.astype(np.float64))
    at = np.unravel_index(int(np.nan_to_num(r, nan=-1.0).argmax()), r.shape)
    second = (int(best["best_layer"].values[at]), int(best["best_neuron"].values[at]))
    family = found["family"].values
    return _Pair(named((int(at[0]), int(at[1]))), named(second), float(r[at]), int((found["duplicate"] >= 0).sum()),
                 len(np.unique(family[family >= 0])))  # fmt: skip


def _duplicates(material: Material) -> Answer | None:
    own = _pair(material)
    if own is None:
        return None
    twin = None if material.twin is None else _pair(material.twin)
    others = tuple(_as_reached(one.name, _pair(one)) for one in material.replicates)
    families = f"{own.n_family:,} famil{'y holds' if own.n_family == 1 else 'ies hold'} together at {FAMILY_R:g}"
    pair = (neuron_link(own.first), neuron_link(own.second))
    alike = Markup("{} and {} are most alike, |r| {}").format(*pair, number(own.r, 3))
    asked = Markup("{} neurons do what another one does (mean |r| ≥ {}); {}; {}")
    text = asked.format(f"{own.n_duplicate:,}", f"{DUPLICATE_R:g}", alike, families)
    if not own.n_duplicate:
        text = Markup("{}, where {} is asked for; {}").format(alike, f"{DUPLICATE_R:g}", families)
    in_twin = None if twin is None else _as_reached("random twin", twin)
    beyond = None if in_twin is None else R.is_beyond(own.r, in_twin.score)
    bar = Bar(R, own.r, twin=float("nan") if twin is None else twin.r, others=tuple(one.score for one in others))
    return Answer(
        "matching", "Neurons that do the same", "matching", own.n_duplicate > 0, text, n_called=own.n_duplicate,
        bar=bar, twin=in_twin, replicates=others, dots=(None, beyond, in_each(others)),
    )  # fmt: skip


def _as_reached(name: str, pair: _Pair | None) -> Reached:
    if pair is None:
        return Reached(name, "", float("nan"), 0, asked=False)
    return Reached(name, pair.first, pair.r, pair.n_duplicate)

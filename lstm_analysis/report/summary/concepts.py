"""Questions about concepts: categories of words, and concepts that their words do not decide."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...analyses.categories import BREADTH_FROM, SMD_FROM
from ..headline import MIN_TOKEN, MIN_TYPE, null_name
from ..material import Material
from ..numerals import number
from ..scale import leading_scale
from .answer import Measure, short_of
from .question import Lacking, Question
from .reading import Network, Place, Reading, detail, grid, place_of, read

TOLD = Measure("breadth", "of its words", least=BREADTH_FROM, reach=0.75, percent=True, digits=0)
WORDS = Measure("type_smd", "sd", two_sided=True, least=SMD_FROM, reach=1.0, signed=True)


def category_questions(material: Material) -> list[Question]:
    """Return a question for each category that was tested over words.

    Parameters
    ----------
    material
        The run.
    """
    found = material.categories
    if found is None:
        return []
    names = zip(found["concept"].values.tolist(), found["source"].values.tolist(), strict=True)
    chosen = zip(names, (found["n_tested"] > 0).values.tolist(), strict=True)
    return [
        Question(
            "categories", name, "category of words", "categories", partial(_words, name, source),
            partial(_say_words, material.alpha), concept=name, source=source, since="called_since", lacking=_narrow,
            note=_few,
        )
        for (name, source), tested in chosen if tested
    ]  # fmt: skip


def _words(name: str, source: str, network: Network) -> Reading | None:
    """Return effects over words; the scores and the categories have the same concepts."""
    found, at = network.categories, place_of(network.scores, name, source)
    if found is None or at is None:
        return None
    scores = network.scores.isel(concept=at)
    return read(scores, WORDS, "type_smd", grid(found["called"].isel(concept=at)) == 1, "p_fwer_type")


def _say_words(alpha: float, reading: Reading, place: Place) -> str:
    smd, breadth, p = (detail(reading, name, place) for name in ("type_smd", "breadth", "p_fwer_type"))
    n_word = int(reading.details["n_type_member"]) - int(reading.details["n_type_unmatched"])
    size = f"{number(smd, 2, signed=True)} sd"
    tells = f"tells {_percent(breadth)} of its {n_word:,} words from 95 % of the others"
    end = _halves(reading, place)
    if reading.called[place]:
        return f"is {'higher' if smd > 0 else 'lower'} at its words than at matched ones: {size}, and {tells}{end}"
    lacks = [f"{size}{f' ({SMD_FROM} asked for)' if not abs(smd) >= SMD_FROM else ''}"]
    lacks += [f"{tells}{f' ({100 * BREADTH_FROM:.0f} % asked for)' if not breadth >= BREADTH_FROM else ''}"]
    lacks += [] if p <= alpha else ["chance over all neurons may do as much"]
    return f"separates its words most: {', '.join(lacks)}{_broadest(reading)}"


def _narrow(reading: Reading) -> Lacking:
    """Return the share of words that neurons tell, of which a neuron falls short whose effect is large enough."""
    place = reading.strongest()
    return None if place is None or not reading.size[place] >= SMD_FROM else (TOLD, "breadth")


def _few(reading: Reading, _twin: Reading | None) -> str:
    return "fewer than 20 words: the test has little power" if int(reading.details["few_types"]) == 1 else ""


def _halves(reading: Reading, place: Place) -> str:
    """Return the effects on the two halves of the words."""
    odd, even = (detail(reading, f"type_smd_{half}", place) for half in ("odd", "even"))
    if not (np.isfinite(odd) and np.isfinite(even)):
        return ""
    return f"; on each half of the words {number(odd, 2, signed=True)} and {number(even, 2, signed=True)}"


def _broadest(reading: Reading) -> str:
    """Return the neuron that tells most of the words, if no neuron tells as many as is asked for."""
    breadth = np.asarray(grid(reading.details["breadth"]), np.float64)
    if not np.isfinite(breadth).any() or np.nanmax(breadth) >= BREADTH_FROM:
        return ""
    return f"; no neuron tells more than {_percent(float(np.nanmax(breadth)))}"


def _percent(share: float) -> str:
    """Return a share of words in percent."""
    return f"{short_of(100 * share, 100 * BREADTH_FROM, 0)} %"


def token_questions(material: Material) -> tuple[list[Question], list[str]]:
    """Return a question for each concept that is tested by turning its labels round, and the concepts that lack a twin.

    A neuron counts as found if p over all neurons is at most alpha and it is farther from neutral than every neuron of
    the untrained twin, whose neurons have such a p nearly everywhere. Idioms and concepts of few words are left out: no
    score of theirs supports a claim.

    Parameters
    ----------
    material
        The run.
    """
    scores = material.scores
    if "p_null" not in scores or "p_fwer" not in scores:
        return [], []
    chosen = [index for index in range(scores.sizes["concept"]) if _is_by_tokens(material, index)]
    names = [(str(scores["concept"].values[i]), str(scores["source"].values[i])) for i in chosen]
    if material.twin is None:
        return [], [name for name, _ in names]
    made = [_token_question(material, *pair) for pair in names]
    return [one for one in made if one is not None], []


def _is_by_tokens(material: Material, index: int) -> bool:
    one = material.scores.isel(concept=index)
    if null_name(str(one["p_null"].values)) != "shift" or str(one["source"].values) in _idiom_sources(material):
        return False
    target = one.sel(group="target")
    n_type = int(target["n_type"]) if "n_type" in target else MIN_TYPE
    return int(target["n_token"]) >= MIN_TOKEN and n_type >= MIN_TYPE


def _idiom_sources(material: Material) -> set[str]:
    """Return the names of the sources that are idioms, which have an analysis of their own."""
    sources = material.study.get("concepts") or ()
    return {"idiom", *(str(one.get("name") or "idiom") for one in sources if one.get("source") == "idioms")}


def _token_question(material: Material, name: str, source: str) -> Question | None:
    assert material.twin is not None
    measure = _measure(material)
    of_twin = _distances(material.twin, measure, name, source)
    if of_twin is None or not np.isfinite(of_twin).any():
        return None
    rule = (float(np.nanmax(of_twin)), material.alpha)
    return Question("tokens", name, "concept by tokens", "neurons", partial(_tokens, measure, rule, name, source),
                    partial(_say_tokens, rule), concept=name, source=source, since="selective_since")  # fmt: skip


def _measure(material: Material) -> Measure:
    scale = leading_scale(material.scores)
    return Measure(scale.measure, neutral=scale.neutral, two_sided=True, reach=scale.reach, digits=3)


def _distances(network: Network, measure: Measure, name: str, source: str) -> NDArray[np.float64] | None:
    at = place_of(network.scores, name, source)
    if at is None or measure.name not in network.scores:
        return None
    values = grid(network.scores[measure.name].isel(concept=at))
    return np.abs(np.asarray(values, np.float64) - measure.neutral)


def _tokens(measure: Measure, rule: tuple[float, float], name: str, source: str, network: Network) -> Reading | None:
    floor, alpha = rule
    distance, at = _distances(network, measure, name, source), place_of(network.scores, name, source)
    if distance is None or at is None or "p_fwer" not in network.scores:
        return None
    one = network.scores.isel(concept=at)
    called = (distance > floor) & (np.asarray(grid(one["p_fwer"]), np.float64) <= alpha)
    return read(one, measure, measure.name, called, "p_fwer", measure.name)


def _say_tokens(rule: tuple[float, float], reading: Reading, place: Place) -> str:
    measure, score, p = reading.measure, float(reading.score[place]), detail(reading, "p_fwer", place)
    what = f"{measure.name} {measure.say(score)}"
    if reading.called[place]:
        return f"is {'higher' if score > measure.neutral else 'lower'} at its tokens than elsewhere: {what}"
    floor, alpha = rule
    lacks = [] if p <= alpha else ["chance over all neurons may do as much"]
    lacks += [] if measure.distance(score) > floor else ["the untrained twin has a neuron as far from neutral"]
    return f"is farthest from neutral: {what}, but {' and '.join(lacks)}"

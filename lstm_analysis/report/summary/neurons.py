"""Questions to all neurons: the place in the sentence, idioms, graded variables, periods."""

from functools import partial

import numpy as np
import xarray as xr

from ...analyses.periodicity import NONE, PERIODIC, SENTENCE_LOCKED
from ...analyses.periodicity.line_test import MIN_FRACTION
from ...analyses.sentence_position.conclusion import MIN_CLIFF_SD, MIN_ETA2, MIN_R2
from ...analyses.tuning.conclusion import MIN_ETA2 as MIN_GRADED_ETA2
from ...analyses.tuning.conclusion import MIN_R
from ..idiom_section import MEANINGS
from ..material import Material
from ..numerals import interval, number
from .answer import Measure, short_of
from .question import Lacking, Question
from .reading import Network, Place, Reading, detail, grid, read

PLACE = Measure("eta2 after words", least=MIN_ETA2, reach=0.3)
MEAN = Measure("mean auroc", neutral=0.5, two_sided=True, reach=0.3, digits=3)
GRADED = Measure("eta2 after words", least=MIN_GRADED_ETA2)
LINE = Measure("line_fraction", least=MIN_FRACTION, reach=0.015, percent=True)


def neuron_questions(material: Material) -> list[Question]:
    """Return those of these questions that the study asked and that could be answered.

    Parameters
    ----------
    material
        The run.
    """
    asked = []
    if material.tuning is not None and "cliff_neuron" in material.tuning:
        asked += [Question("position", "Place in the sentence", "", "position", _position, _say_position,
                           since="cliff_since")]  # fmt: skip
    if material.idioms is not None:
        asked += [_idioms(material, material.idioms)]
    if material.graded is not None and "graded_neuron" in material.graded:
        asked += [_graded_question(str(name)) for name in material.graded["variable"].values]
    if material.periodicity is not None and "frequency" in material.periodicity.dims:
        asked += [Question("periodicity", "Periods", "", "periodicity", _periods, _say_period, since="periodic_since",
                           note=_locked)]  # fmt: skip
    return asked


def _position(network: Network) -> Reading | None:
    found = network.tuning
    if found is None or "cliff_neuron" not in found:
        return None
    return read(found, PLACE, "eta2_type_adjusted", grid(found["cliff_neuron"]) == 1)


def _say_position(reading: Reading, place: Place) -> str:
    share, cliff, sd, tau, r2 = (
        detail(reading, name, place) for name in ("eta2_type_adjusted", "cliff_mean", "value_sd", "tau", "r2")
    )
    ends = interval(detail(reading, "tau_low", place), detail(reading, "tau_high", place), 1)
    if reading.called[place]:
        back = f"comes back with tau = {number(tau, 1)} tokens {ends}".strip() if np.isfinite(tau) else "comes back"
        does = "falls" if cliff > 0 else "jumps up"
        return (
            f"{does} by {number(abs(cliff))} where a sentence ends and {back}; the place has {number(share)} of its "
            "variance after words"
        )
    lacks = []
    if not share >= MIN_ETA2:
        has = short_of(share, MIN_ETA2)
        lacks += [f"the place has {has} of its variance after words ({number(MIN_ETA2)} asked for)"]
    if not abs(cliff) >= MIN_CLIFF_SD * sd:
        in_sd = short_of(abs(cliff) / sd if sd > 0 else np.nan, MIN_CLIFF_SD)
        lacks += [f"its cliff at a sentence's end is {in_sd} sd ({number(MIN_CLIFF_SD, 1)} asked for)"]
    if not lacks:
        lacks = [f"it does not come back from its cliff as is asked for (r2 {number(r2)}; {number(MIN_R2, 1)})"]
    return f"is bound to it most: {', and '.join(lacks)}"


def _idioms(material: Material, found: xr.Dataset) -> Question:
    contrast = str(found.attrs["primary_contrast"])
    say = partial(_say_idiom, float(material.alpha))
    ask = partial(_read_idioms, contrast)
    note = partial(_differ, float(material.alpha))
    lacking = partial(_narrow, float(material.alpha))
    return Question("idioms", "Idioms", "", "idioms", ask, say, since="idiom_since", lacking=lacking, note=note)


def _narrow(alpha: float, reading: Reading) -> Lacking:
    """Return at how many idioms neurons are shown to differ, of which calls fall short where not of p."""
    place = reading.strongest()
    if place is None or not reading.p[place] <= alpha:
        return None
    n_idiom = int(reading.details["n_idiom_tested"])
    breadth = Measure("breadth_lower_bound", f"of {n_idiom} idioms", least=-(-n_idiom // 2), reach=n_idiom, digits=0)
    return breadth, "breadth_lower_bound"


def _read_idioms(contrast: str, network: Network) -> Reading | None:
    found = network.idioms
    if found is None or contrast not in found["contrast"].values:
        return None
    one = found.sel(contrast=contrast)
    if not np.isfinite(one["p_fwer"].values).any():
        return None
    return read(one, MEAN, "auroc_macro", grid(one["idiom_neuron"]).astype(bool), "p_fwer", "auroc_macro")


def _say_idiom(alpha: float, reading: Reading, place: Place) -> str:
    of = MEANINGS.get(str(reading.details["contrast"].values), str(reading.details["contrast"].values))
    n_idiom, limit = (int(reading.details[name]) for name in ("n_idiom_tested", "breadth_limit"))
    shown, p = int(detail(reading, "breadth_lower_bound", place)), detail(reading, "p_fwer", place)
    score = f"mean auroc {number(detail(reading, 'auroc_macro', place), 3)}"
    where = f"it can be shown at {shown} of {n_idiom} idioms"
    if reading.called[place]:
        return f"tells idioms from {of}: {score}, and {where}"
    if not p <= alpha:
        return f"is farthest from .5 over idioms against {of} ({score}), which chance may be"
    half = -(-n_idiom // 2)
    possible = f"; so few occurrences could have shown {limit} at most" if limit < n_idiom / 2 else ""
    if shown < half:
        return f"differs most from {of} on average ({score}), but {where} ({half} asked for{possible})"
    return f"differs most from {of} on average ({score}), but not in one direction and beyond other phrases alike"


def _differ(alpha: float, reading: Reading, twin: Reading | None) -> str:
    n = int((reading.p <= alpha).sum())
    beside = "" if twin is None else f" (of the random twin's {int((twin.p <= alpha).sum()):,})"
    return f"{n:,} neuron{' differs' if n == 1 else 's differ'} on average over idioms{beside}"


def _graded_question(name: str) -> Question:
    return Question(
        "graded", name, "graded variable", "graded", partial(_read_graded, name), _say_graded, since="graded_since"
    )


def _read_graded(name: str, network: Network) -> Reading | None:
    found = network.graded
    if found is None or "graded_neuron" not in found or name not in found["variable"].values:
        return None
    one = found.sel(variable=name)
    return read(one, GRADED, "eta2_type_adjusted", grid(one["graded_neuron"]) == 1, "p_fwer")


def _say_graded(reading: Reading, place: Place) -> str:
    share, r = detail(reading, "eta2_type_adjusted", place), detail(reading, "r", place)
    says = f"the value has {short_of(share, MIN_GRADED_ETA2)} of its variance after words"
    if reading.called[place]:
        ends = interval(detail(reading, "r_low", place), detail(reading, "r_high", place))
        return f"follows it step by step: r {number(r)} {ends}".rstrip() + f"; {says}"
    size = f"|r| {short_of(abs(r), MIN_R)}"
    if not share >= MIN_GRADED_ETA2:
        says += f" ({number(MIN_GRADED_ETA2)} asked for)"
    if not abs(r) >= MIN_R:
        size += f" ({number(MIN_R)} asked for)"
    return f"is bound to it most: {says}, {size}"


def _periods(network: Network) -> Reading | None:
    found = network.periodicity
    if found is None or "frequency" not in found.dims:
        return None
    of_none = np.isin(grid(found["rhythm"]), (NONE, PERIODIC))
    own = found.assign(line_fraction=found["line_fraction"].where(xr.DataArray(of_none, dims=("layer", "neuron"))))
    return read(own, LINE, "line_fraction", grid(found["rhythm"]) == PERIODIC, "p_fwer")


def _say_period(reading: Reading, place: Place) -> str:
    share, period = detail(reading, "line_fraction", place), detail(reading, "period", place)
    line = f"{number(period, 1)} tokens with {number(100 * share)} % of its variance"
    if reading.called[place]:
        return f"runs in a period of {line}"
    if not share >= MIN_FRACTION:
        return f"has the largest line, at {line}, where {number(100 * MIN_FRACTION, 0)} % is asked for"
    band = number(detail(reading, "line_band_share", place))
    return f"has the largest line, at {line}, but not a sharp one that is significant ({band} of its band)"


def _locked(reading: Reading, _twin: Reading | None) -> str:
    n = int((grid(reading.details["rhythm"]) == SENTENCE_LOCKED).sum())
    return f"{n:,} neuron{' follows' if n == 1 else 's follow'} the rhythm of the sentences" if n else ""

"""What the summary is held against: the strongest neuron of a question by loops, from the datasets themselves."""

import math

import numpy as np
import xarray as xr
from fake_run import NASTY

from lstm_analysis.report.material import Material
from lstm_analysis.report.summary.answer import Answer
from lstm_analysis.report.summary_section import summary_section

QUESTIONS = {
    "Place in the sentence": (0.0, False), "Idioms": (0.5, True), "Periods": (0.0, False), "brace_depth": (0.0, False),
    NASTY: (0.0, True),
}  # fmt: skip
"""Questions of the fake run: the neutral score, and whether scores below it count."""


def answers(material: Material) -> dict[str, Answer]:
    """All answers that are shown, by name."""
    found = summary_section(material)
    return {one.name: one for one in (*found.found, *found.missed)}


def index_of_category(material: Material) -> int:
    assert material.categories is not None
    (index,) = np.flatnonzero(material.categories["n_tested"].values > 0)
    return int(index)


def farthest(score: xr.DataArray, allowed: xr.DataArray, neutral: float = 0.0, two_sided: bool = True) -> str:
    """Return the neuron farthest from neutral, one by one."""
    best, name, values, may = -math.inf, "", score.values.tolist(), allowed.values.tolist()
    for layer in range(2):
        for neuron in range(7):
            away = values[layer][neuron] - neutral
            size = abs(away) if two_sided else away
            if may[layer][neuron] and size > best:
                best, name = size, f"{layer}:{neuron}"
    return name


def at(values: xr.DataArray, name: str) -> float:
    layer, neuron = map(int, name.split(":"))
    return float(values.values[layer, neuron])


def scores_of(material: Material, question: str) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray | None]:
    """Return score, calls and p of a question, of the model."""
    if question == "Place in the sentence":
        assert material.tuning is not None
        return material.tuning["eta2_type_adjusted"], material.tuning["cliff_neuron"] == 1, None
    if question == "Idioms":
        assert material.idioms is not None
        one = material.idioms.sel(contrast=material.idioms.attrs["primary_contrast"])
        return one["auroc_macro"], one["idiom_neuron"], one["p_fwer"]
    if question == "Periods":
        assert material.periodicity is not None
        one = material.periodicity
        return one["line_fraction"].where(one["rhythm"] != 2), one["rhythm"] == 1, one["p_fwer"]
    if question == "brace_depth":
        assert material.graded is not None
        one = material.graded.sel(variable=question)
        return one["eta2_type_adjusted"], one["graded_neuron"] == 1, one["p_fwer"]
    assert material.categories is not None
    k = index_of_category(material)
    one = material.scores.isel(concept=k)
    return one["type_smd"], material.categories["called"].isel(concept=k) == 1, one["p_fwer_type"]

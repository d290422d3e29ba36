"""How the summary is shown: whole for every set of analyses, escaped, drawn to scale, unknown as unknown."""

import re
from dataclasses import replace

import numpy as np
import pytest
from fake_run import NASTY

from lstm_analysis.report import page
from lstm_analysis.report.material import ANALYSES as FIELDS
from lstm_analysis.report.material import Material, Replicate
from lstm_analysis.report.summary.answer import Answer, Bar, Measure
from lstm_analysis.report.summary_section import ASKED, MOST, choose, summary_section

NOTHING: dict[str, None] = dict.fromkeys((*FIELDS, "lesion", "twin"))
"""Fields of a run without any analysis."""


def html_of(material: Material) -> str:
    """Return the section as the page has it."""
    return page.template("summary.html").render(
        summary=summary_section(material), alpha=material.alpha, has_lesion=material.lesion is not None
    )


def text_of(material: Material) -> str:
    """Return what the section shows as text, entities still written out."""
    return " ".join(re.sub(r"<[^>]*>", " ", html_of(material)).split())


def rows_of(html: str) -> dict[str, str]:
    """Return the rows of the section by their heading."""
    found = (part.split('<div class="claim">')[1] for part in html.split("<li>\n")[1:])
    return {re.sub(r"<[^>]*>", "", re.findall(r"<h4><a[^>]*>(.*?)</a>", row, re.S)[0]): row for row in found}


@pytest.mark.parametrize("field", [*FIELDS, "lesion", "twin"])
@pytest.mark.parametrize("alone", [False, True])
def test_every_set_of_analyses_has_a_summary(whole: Material, field: str, alone: bool) -> None:
    others = [name for name in (*FIELDS, "lesion", "twin") if (name != field) is alone]
    material = replace(whole, **dict.fromkeys(others))
    found, text = summary_section(material), text_of(material)
    for name, (group, said) in ASKED.items():
        asked = getattr(material, name) is not None
        assert (said in found.unasked) is not asked
        assert asked or group not in {one.group for one in (*found.found, *found.missed)}
        assert asked or said in text[text.index("Not looked for:") :]
    assert ("What the model loses without a neuron is not known" in text) is (
        material.lesion is None and bool(found.names_found or found.names_missed)
    )


def test_nothing_asked_says_so(whole: Material) -> None:
    text = text_of(replace(whole, **NOTHING))
    assert "The study asks for nothing that can be found or not found" in text
    assert "How to read this" not in text


def with_study(material: Material, **study: dict[str, object]) -> Material:
    """Return a run whose study has other keys."""
    return replace(material, record={**material.record, "study": {**material.study, **study}})


def untested(material: Material) -> Material:
    """Return a run without what needs draws."""
    assert material.tuning is not None
    tests = [name for name in ("p_value", "p_fwer", "q_value", "p_null") if name in material.scores]
    scores, tuning = material.scores.drop_vars(tests), material.tuning.drop_vars("cliff_neuron")
    return replace(material, **{**NOTHING, "tuning": tuning}, scores=scores)


def test_without_draws_there_is_nothing_to_find(whole: Material) -> None:
    material = with_study(untested(whole), selectivity={"draws": 0, "alpha": 0.05})
    found = summary_section(material)
    assert (found.found, found.missed) == ((), ())
    assert ("tests of concepts", "selectivity.draws: 0") in found.impossible
    assert ("neurons that follow the place in the sentence", "selectivity.draws: 0") in found.impossible
    assert "Could not be decided:" in text_of(material)


def test_without_states_the_reason_is_the_store(whole: Material) -> None:
    material = with_study(replace(untested(whole), states=None), store={"activations": "none"})
    assert ("neurons that follow the place in the sentence", "store: none") in summary_section(material).impossible


def test_too_few_idioms_are_not_a_negative_finding(whole: Material) -> None:
    assert whole.idioms is not None
    idioms = whole.idioms.assign(p_fwer=whole.idioms["p_fwer"] * np.nan)
    found = summary_section(replace(whole, **{**NOTHING, "idioms": idioms}))
    assert (found.found, found.missed) == ((), ())
    assert ("idiom neurons", "too little to test it on") in found.impossible


def test_one_concept_is_enough(whole: Material) -> None:
    assert whole.categories is not None
    chosen = np.flatnonzero(whole.categories["n_tested"].values > 0)
    categories = whole.categories.isel(concept=chosen, concept_other=chosen)
    scores = whole.scores.isel(concept=chosen)
    alone = replace(whole, **{**NOTHING, "categories": categories}, scores=scores)
    found = summary_section(alone)
    assert [answer.concept for answer in (*found.found, *found.missed)] == [NASTY]


def test_text_of_the_corpus_and_names_are_escaped(whole: Material) -> None:
    assert whole.twin is not None
    model = Replicate("<b>seed</b>", scores=whole.twin.scores, matched=None, tuning=whole.twin.tuning)
    html = html_of(replace(whole, replicates=(model,)))
    assert "<script" not in html
    assert "&lt;script&gt;alert" in html
    assert "<b>seed" not in html
    assert "&lt;b&gt;seed&lt;/b&gt;" in html
    assert "<b>the</b>" not in html  # of a phrase
    assert "<b>nasty" not in html  # of a graded variable


def test_a_row_has_its_links_numbers_and_dots(whole: Material) -> None:
    answer = next(one for one in summary_section(whole).found if one.name == "Idioms")
    row = rows_of(html_of(whole))["Idioms"]
    assert '<h4><a href="#idioms">Idioms</a>' in row
    for name in (answer.neuron, *answer.also[:4]):
        assert f"neuron?neuron={name}" in row
    assert answer.bar is not None
    assert answer.twin is not None
    bar = answer.bar
    assert f'<rect class="own" x="0" y="3" width="{bar.at(bar.score, 190)}"' in row
    assert f'<circle class="twin" cx="{bar.at(bar.twin, 190)}"' in row
    assert f"■ {bar.score:.3f}" in row
    assert f"○ {bar.twin:.3f}" in row
    assert f"interval [{bar.low:.3f}, {bar.high:.3f}]" in row
    shown = re.findall(r'class="dot (\w+)".*?>(.)</i>', row)
    says = {True: ("yes", "●"), False: ("no", "○"), None: ("unknown", "?")}
    assert shown == [says[dot] for dot in answer.dots]
    assert answer.dots[2] is None
    assert "in other trained models: not known" in row
    assert f"the random twin has {answer.twin.n_called} as well" in row


def test_losses_are_said_plainly(whole: Material) -> None:
    assert whole.lesion is not None
    name = next(one.neuron for one in summary_section(whole).found if one.name == "Periods")
    lesion = whole.lesion.copy(deep=True)
    lesion["member_layer"].values[0, 0], lesion["member_neuron"].values[0, 0] = map(int, name.split(":"))
    lesion["p_overall"].values[0], lesion["delta_loss_overall"].values[0] = 0.3, 0.0123
    lesion["delta_loss_overall_se"].values[0] = 0.004
    row = rows_of(html_of(replace(whole, lesion=lesion)))["Periods"]
    assert "not used more than a random neuron" in row
    assert "overall +0.0123 ± 0.0040, p .300" in row
    lesion["p_overall"].values[0] = 0.05
    assert ">more than random neurons</p>" in rows_of(html_of(replace(whole, lesion=lesion)))["Periods"]
    lesion["member_layer"][:] = -1
    assert "not taken out" in rows_of(html_of(replace(whole, lesion=lesion)))["Periods"]


def test_absence_is_a_statement_with_a_number(whole: Material) -> None:
    assert whole.periodicity is not None
    found = whole.periodicity.copy(deep=True)
    found["rhythm"][:] = np.where(found["rhythm"] > 0, 0, found["rhythm"])
    found["line_fraction"][:] = np.where(found["line_fraction"].notnull(), 0.0002, np.nan)
    found["line_fraction"][1, 2], found["period"][1, 2] = 0.0011, 34.2
    row = rows_of(html_of(replace(whole, periodicity=found)))["Periods"]
    assert "has the largest line, at 34.2 tokens with 0.11 % of its variance, where 1 % is asked for." in row
    assert "■ 0.11 %" in row
    assert 'class="dot' not in row
    assert ">1 %</text>" in row  # what is asked for stands at the axis


def answer(group: str, number: int, score: float) -> Answer:
    return Answer(
        group, f"{group} {number}", "neurons", True, "", bar=Bar(Measure("d"), score), dots=(True, None, None)
    )


def test_of_many_answers_each_kind_has_its_turn() -> None:
    many = [answer("categories", i, i / 100) for i in range(100)]
    few = [answer("idioms", 0, 0.1), answer("position", 0, 0.1), answer("graded", 0, 0.1), answer("graded", 1, 0.9)]
    names = [one.name for one in choose([*many, *few])]
    assert len(names) == MOST
    assert names == [
        "position 0", "categories 99", "categories 98", "categories 97", "categories 96", "idioms 0", "graded 1",
        "graded 0",
    ]  # fmt: skip
    assert choose(few, 10) == (few[1], few[0], few[3], few[2])


def test_what_is_not_shown_is_counted(whole: Material) -> None:
    assert whole.graded is not None
    names = np.array([f"depth {i}" for i in range(20)], object)
    chosen = whole.graded.isel(variable=[0] * 20).assign_coords(variable=names)
    chosen["graded_neuron"][:] = 0
    material = replace(whole, **{**NOTHING, "graded": chosen})
    found = summary_section(material)
    assert (len(found.missed), len(found.names_missed)) == (MOST, 20)
    text = text_of(material)
    assert "8 of 20 that were not found: also depth " in text
    assert "and 7 more" in text


def test_the_page_begins_with_it(whole: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "draw", lambda *_: {})
    monkeypatch.setattr(page, "draw_sections", lambda *_: {})
    monkeypatch.setattr(page, "gather_evidence", lambda *_: [])
    html = page.render(whole)
    assert html.index("</header>") < html.index('<section id="summary">') < html.index('<section id="neurons">')
    assert re.search(r'<nav>\s*<a href="#summary">Summary</a>', html)
    anchors = set(re.findall(r'<h4><a href="#([\w-]+)">', html))
    assert anchors <= set(re.findall(r'<section id="([\w-]+)">', html))
    assert len(anchors) >= 5

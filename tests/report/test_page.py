"""The page as a whole: self-contained, escaped, whole for every kind of run, written in one step."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import xarray as xr
from fake_run import CONSTANT, LENGTH, NASTY, TYPES, MakeRun, write_run

from lstm_analysis.errors import UserError
from lstm_analysis.explorer_links import ADDRESS
from lstm_analysis.report import page, write_report
from lstm_analysis.report.headline import headline
from lstm_analysis.report.material import constant_neurons, gather
from lstm_analysis.report.neuron_map import neuron_map
from lstm_analysis.report.scale import leading_scale
from lstm_analysis.run import Run


class Reader(HTMLParser):
    """Reads a page like a browser: elements with their attributes, texts, and the content of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag, attrs = self.elements[-1] if self.elements else ("", {})
        if self.cdata_elem == "script" and tag == "script":
            self.scripts.append((attrs, data))
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        """All text that is shown."""
        return " ".join(" ".join(self.texts).split())


def read(run: Run) -> Reader:
    """Write the run's report and read it."""
    return Reader(write_report(run).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """The page of the ordinary fake run."""
    return read(write_run(tmp_path_factory.mktemp("runs") / "fake & run"))


def test_page_loads_nothing_from_elsewhere(found: Reader) -> None:
    assert not [tag for tag, _ in found.elements if tag in ("link", "img", "iframe", "object", "embed", "base")]
    attrs = [(name, value) for _, attributes in found.elements for name, value in attributes.items()]
    assert not [value for name, value in attrs if name in ("src", "srcset", "data", "action")]
    assert all(value is not None and value.startswith(("#", f"{ADDRESS}/")) for name, value in attrs if name == "href")
    assert not [name for name, _ in attrs if name.startswith("on")]
    policy = next(a["content"] for tag, a in found.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "http" not in policy
    css = " ".join(text for text in found.texts if "--ink:" in text)
    assert "@import" not in css
    assert "url(" not in css


def test_each_figure_has_its_place_and_its_json(found: Reader) -> None:
    places = {a["id"] for tag, a in found.elements if tag == "div" and (a.get("id") or "").startswith("figure-")}
    figures = {attrs["data-figure"]: json.loads(text) for attrs, text in found.scripts if "data-figure" in attrs}
    assert set(figures) == places
    assert {"figure-map", "figure-distribution-0"} <= places
    assert len([name for name in places if str(name).startswith("figure-tuning-")]) == 6
    assert all(figure["doc"]["roots"] for figure in figures.values())


def test_text_of_the_corpus_is_shown_and_never_markup(found: Reader) -> None:
    assert {tag for tag, _ in found.elements}.isdisjoint({"img"})
    assert all("alert(" not in text for attrs, text in found.scripts if "data-figure" not in attrs)
    shown = set(found.texts)
    assert set(TYPES) <= shown
    assert "3 <img src=x onerror=alert(1)>" in shown
    assert "fake <run>" in shown
    assert NASTY in json.dumps([json.loads(text) for attrs, text in found.scripts if "data-figure" in attrs])


def test_json_cannot_end_its_script(make_run: MakeRun) -> None:
    scores = make_run().selectivity
    text = page.figure_json(neuron_map(scores, leading_scale(scores)))
    assert "<" not in text
    assert NASTY in json.dumps(json.loads(text))


def test_order_of_sections(found: Reader) -> None:
    assert [a["id"] for tag, a in found.elements if tag == "section"] == [
        "summary", "neurons", "map", "evidence", "categories", "idioms", "position", "small-print", "provenance",
    ]  # fmt: skip


def test_facts_and_caveat_are_always_there(found: Reader) -> None:
    text = found.text
    for part in ("600", "60 sentences; cut at corpus.limit_tokens", "1.23 % of tokens unknown", "2 × 7", "90.5"):
        assert part in text
    assert "6.500 bits per token over 588 tokens" in text
    assert "no null distribution was computed ( selectivity.draws: 0 ), so they are not tests" in text
    assert "A single phrase or a handful of words cannot support a claim" in text
    assert "lstm-analysis run 'fake <run>.yaml' --output 'fake & run'" in text
    assert f"{CONSTANT[0]}:{CONSTANT[1]}" in text.split("Constant neurons")[-1]


def test_run_without_stored_states(make_run: MakeRun) -> None:
    run = make_run(stored=False, exact=False)
    run.contexts["context_time"].loc[{"layer": 0}] = -1
    text = read(run).text
    assert "No passage was kept for this neuron." in text
    assert "carried on within it; not stored" in text
    assert "error at most 0.0021" in text
    assert "random target" not in text
    assert "where it is highest" in text


def test_concept_without_a_score_is_named_and_not_drawn(found: Reader, make_run: MakeRun) -> None:
    scores = make_run().selectivity
    rows = {row.concept: row for group in headline(scores, leading_scale(scores)) for row in group.shown}
    assert rows["empty"].neurons == ()
    assert "undefined: no target token" in found.text
    assert f"concept-{rows['empty'].index}" not in {a.get("id") for _, a in found.elements}


def test_no_score_at_all(make_run: MakeRun) -> None:
    run = make_run()
    run.selectivity["auroc"][:] = np.nan
    run.sentence_position["eta2"][:] = np.nan
    text = read(run).text
    assert "No concept has a score." in text
    assert "No neuron varies." in text


def test_another_measure_leads_where_there_is_no_auroc(make_run: MakeRun) -> None:
    run = make_run(measures=("d_prime", "mutual_information"))
    scale = leading_scale(run.selectivity)
    assert (scale.measure, scale.neutral) == ("d_prime", 0.0)
    assert scale.reach == pytest.approx(float(abs(run.selectivity["d_prime"]).max()))
    assert "not among selectivity.measures" in read(run).text


def test_same_run_gives_the_same_page(found: Reader, make_run: MakeRun) -> None:
    again = page.render(gather(make_run()))
    one, two = (re.sub(r'"p\d+"', "", text) for text in (found.source, again))
    assert one == two


def test_old_page_stays_when_writing_fails(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run()
    (run.path / "report.html").write_text("old")

    def fail(material: object) -> str:
        raise RuntimeError("half-way")

    monkeypatch.setattr(page, "render", fail)
    with pytest.raises(RuntimeError, match="half-way"):
        write_report(run)
    assert (run.path / "report.html").read_text() == "old"
    assert not list(run.path.glob(".report*"))


def test_unfinished_run_is_refused(make_run: MakeRun) -> None:
    run = make_run()
    (run.path / "contexts.zarr").rename(run.path / "gone")
    with pytest.raises(UserError, match=r"has no contexts\.zarr"):
        write_report(run)
    assert not (run.path / "report.html").exists()


def test_page_of_unequal_layers_counts_the_neurons_that_are_there(make_run: MakeRun) -> None:
    text = read(make_run(layer_sizes=(7, 9, 3))).text
    assert "What 19 neurons" in text
    assert "7 + 9 + 3" in text
    assert "1 constant neuron of 19, grey" in text
    assert "1 of 19 neurons have no score for any concept" in text
    assert "2:3" not in text


def test_page_of_one_document(make_run: MakeRun) -> None:
    run = make_run(n_document=1)
    found = read(run)
    assert "documents 1 " in found.text
    assert "No passage was kept" not in found.text
    assert "1 <img src=x onerror=alert(1)>" not in found.texts
    passages = [a["title"] for _, a in found.elements if a.get("class") == "place"]
    assert len(passages) > 8
    contexts = run.contexts["context_time"].values // LENGTH
    assert all(len(set(ranks)) == len(ranks) for ranks in contexts[..., 0, 0]), "at most one a sentence"


def test_constant_neurons_need_a_concept_to_tell(make_run: MakeRun) -> None:
    scores = make_run().selectivity
    assert constant_neurons(scores, "auroc") == [f"{CONSTANT[0]}:{CONSTANT[1]}"]
    empty = scores.assign(n_token=xr.zeros_like(scores["n_token"]))
    assert constant_neurons(empty, "auroc") == []


def test_report_needs_no_torch() -> None:
    code = "import sys, lstm_analysis.report; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_neurons_and_concepts_link_to_the_explorer(found: Reader) -> None:
    links = {a["href"] for tag, a in found.elements if tag == "a" and a.get("class") == "explore"}
    asked = [(urlsplit(str(link)).path, parse_qs(urlsplit(str(link)).query)) for link in links]
    neurons = {query["neuron"][0] for path, query in asked if path == "/neuron"}
    assert len(neurons) > 3
    assert all(re.fullmatch(r"[01]:[0-6]", name) for name in neurons)
    concepts = {query["concept"][0] for path, query in asked if path == "/concept"}
    assert NASTY in concepts
    assert f"{ADDRESS}/" in links

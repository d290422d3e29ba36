"""Pages of all kinds of runs as they are answered: escaped, complete, and sparing where something is missing."""

import csv
import html
import io
import json
from urllib.parse import quote, urlencode

import numpy as np
import pytest
from fake_run import NASTY, TYPES, MakeRun
from served import Served, served

from lstm_analysis.errors import UserError
from lstm_analysis.run import Run, open_run

ANALYSES = ("sentence_position", "categories", "idioms")
KINDS = {
    "everything": {"draws": 99, "analyses": ANALYSES, "twin": "initial"},
    "no tests": {"analyses": ("tuning", "periodicity", "neuron_matching", "pca", "probes")},
    "no states": {"stored": False, "exact": False, "draws": 99, "analyses": ("sentence_position", "categories")},
    "one layer": {"layer_sizes": (7,), "analyses": ("sentence_position",)},
    "layers of different sizes": {"layer_sizes": (3, 7), "draws": 99, "analyses": ANALYSES},
    "one document": {"n_document": 1, "draws": 99, "analyses": ANALYSES},
    "one measure": {"measures": ("mean_difference",)},
}
VIEWS = ("/", "/text", "/neuron", "/concept")


@pytest.mark.parametrize("kind", KINDS)
def test_every_view_of_every_run_is_answered_and_escaped(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind == "one layer":
        monkeypatch.setattr("fake_run.CONSTANT", (0, 4))
    with served(make_run(**KINDS[kind])) as server:
        for view in VIEWS:
            answer = server.get(view)
            assert answer.status == 200, view
            assert "<script>alert" not in answer.text
            assert "<img src=x" not in answer.text
            assert "data-root-id" in answer.text
        said = server.get("/text?" + urlencode({"span": "10:12"})).text
        assert ("keeps no states" in said) == (kind == "no states")


def test_names_that_look_like_html_are_text_wherever_they_stand(make_run: MakeRun) -> None:
    with served(make_run(draws=99, analyses=ANALYSES)) as server:
        concept = server.get("/concept?concept=" + quote(NASTY)).text
        assert f"<h1>{html.escape(NASTY, quote=False)}".replace("'", "&#39;") in concept
        text = server.get("/text?" + urlencode({"phrase": NASTY, "concept": NASTY})).text
        assert html.escape(NASTY, quote=False).replace("'", "&#39;") in text
        assert "<script>alert" not in concept + text


def test_a_text_page_shows_what_its_address_says(make_run: MakeRun) -> None:
    with served(make_run()) as server:
        text = server.get("/text?at=120&width=20&neurons=1:3,0:2&threshold=0.45&concept=empty").text
        assert "tokens <b>120–139</b> of 600 · sentences 12–13" in " ".join(text.split())
        for value in ('value="120"', 'value="20"', 'value="1:3, 0:2"', 'value="0.45"'):
            assert value in text
        assert 'value="empty" checked' in text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("neurons=7:1", "7:1: no such neuron. There are 0:0 to 0:6, 1:0 to 1:6."),
        ("at=x", "at is &#39;x&#39;, which is no whole number."),
        ("span=9:5", "The span 9:5 is empty or outside the corpus, which has 600 tokens."),
        ("span=1-5", "write the first token and the one after the last, such as 100:104."),
        ("span=0:99", "The span has 99 tokens; at most 50 can be matched."),
        ("concept=nothing", "The run has no concept &#39;nothing&#39;; known are idiom, idiom 0"),
        ("threshold=2", "threshold is &#39;2&#39;; it must be a number from -1 to 1."),
        ("phrase=the+emperor", "does not stand in the corpus inside one sentence."),
        ("state=tanh_c", "state is &#39;tanh_c&#39;, which there is not; known are h."),
    ],
)
def test_what_cannot_be_used_is_said_on_the_page(make_run: MakeRun, query: str, said: str) -> None:
    with served(make_run()) as server:
        answer = server.get(f"/text?{query}")
        assert answer.status == 200
        assert said in answer.text


def rows_of(server: Served, path: str) -> list[dict[str, str]]:
    """Return the rows of a table."""
    answer = server.get(path)
    assert answer.status == 200, answer.text
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_tables_hold_what_the_views_show(make_run: MakeRun) -> None:
    run: Run = make_run(draws=99, analyses=ANALYSES)
    hidden = run.activations["hidden_state"].values
    types = run.corpus["type_id"].values
    with served(run) as server:
        tokens = rows_of(server, "/text.csv?at=55&width=10&neurons=1:2")
        assert [row["token"] for row in tokens] == [TYPES[i] for i in types[55:65]]
        assert [float(row["h of 1:2"]) for row in tokens] == pytest.approx(hidden[55:65, 1, 2].tolist(), abs=1e-6)
        assert [row["sentence_end"] for row in tokens] == [str(t % 10 == 9) for t in range(55, 65)]
        scores = rows_of(server, "/map.csv?" + urlencode({"score": "d_prime", "concept": "idiom"}))
        wanted = run.selectivity["d_prime"].sel(concept="idiom").values
        assert [float(row["d_prime"] or "nan") for row in scores] == pytest.approx(wanted.ravel().tolist(), nan_ok=True)
        ranked = rows_of(server, "/concept.csv?concept=idiom")
        distance = [abs(float(row["auroc"]) - 0.5) for row in ranked]
        assert distance == sorted(distance, reverse=True)
        assert len(rows_of(server, "/neuron.csv?neuron=1:2")) == run.selectivity.sizes["concept"]
        assert {row["extreme"] for row in rows_of(server, "/passages.csv?neuron=0:1")} == {"highest", "lowest"}
        matches = rows_of(server, "/matches.csv?span=100:101&left=0")
        assert int(matches[0]["start"]) <= 100 < int(matches[0]["start"]) + int(matches[0]["length"])
        assert server.get("/matches.csv").status == 404
        assert server.get("/secrets.csv").status == 404


def test_a_span_that_selects_nothing_says_what_other_thresholds_would_select(make_run: MakeRun) -> None:
    with served(make_run()) as server:
        answer = server.get("/matches.csv?span=100:120")
        assert answer.status == 404
        assert "Neurons selected by threshold: " in answer.text


def test_a_run_without_a_corpus_is_refused_in_a_paragraph(make_run: MakeRun) -> None:
    run = make_run()
    (run.path / "corpus.zarr").rename(run.path / "elsewhere")
    with pytest.raises(UserError, match=r"has no corpus.zarr: its stage corpus"), served(open_run(run.path)):
        raise AssertionError("it was served")


def test_a_run_that_is_not_finished_shows_what_there_is(make_run: MakeRun) -> None:
    run = make_run()
    record = json.loads((run.path / "run.json").read_text())
    for name in ("selectivity", "labels", "analyses"):
        del record["stages"][name]
    for name in ("selectivity.zarr", "labels.zarr", "contexts.zarr", "sentence_position.zarr"):
        (run.path / name).rename(run.path / f"was-{name}")
    record["stages"]["activations"]["state"] = "running"
    (run.path / "run.json").write_text(json.dumps(record))
    with served(open_run(run.path)) as server:
        for view in VIEWS:
            answer = server.get(view)
            assert answer.status == 200
            assert "States are being written: 0 of 10 shards are there." in answer.text
        assert "its stage selectivity has not run" in server.get("/concept").text
        assert "are not complete: 0 of 600 tokens are written" in server.get("/text?span=10:12").text


def test_scores_of_a_neuron_show_the_tested_ones_first(make_run: MakeRun) -> None:
    run = make_run(draws=99)
    with served(run) as server:
        rows = rows_of(server, "/neuron.csv?neuron=0:1")
    found = [float(row["p_fwer"] or "nan") <= 0.05 for row in rows]
    distance = np.array([abs(float(row["auroc"] or "nan") - 0.5) for row in rows])
    assert found == sorted(found, reverse=True)
    for group in (True, False):
        part = distance[[i for i, one in enumerate(found) if one is group]]
        part = part[~np.isnan(part)]
        assert (np.diff(part) <= 0).all()

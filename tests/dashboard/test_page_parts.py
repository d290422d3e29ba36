"""The parts of the page, for studies of every size and state."""

import time
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.models import ColumnDataSource, Model
from watched_studies import message, watched_study, worker

from lstm_analysis.dashboard.corpus_map import EMPTY, MAX_CELLS, N_SHADE, PALETTE, CorpusMap, cell_codes
from lstm_analysis.dashboard.failures import EMPTY as NO_FAILURE
from lstm_analysis.dashboard.failures import N_SHOWN, Failures
from lstm_analysis.dashboard.headline import Headline, tiles
from lstm_analysis.dashboard.look import HATCHES, STATE_COLOURS
from lstm_analysis.dashboard.page import fill
from lstm_analysis.dashboard.scheduler_pages import Pages
from lstm_analysis.dashboard.shard_map import STATES
from lstm_analysis.dashboard.throughput import EMPTY as NO_TOKENS
from lstm_analysis.dashboard.throughput import MAX_DRAWN, Throughput
from lstm_analysis.dashboard.watched import Watched
from lstm_analysis.dashboard.worker_bars import EMPTY as NO_WORKER
from lstm_analysis.dashboard.worker_bars import MAX_DRAWN as MAX_BARS
from lstm_analysis.dashboard.worker_bars import WorkerBars

HOSTILE = "<script>alert('x')</script>"


def luminance(colour: str) -> float:
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_whole_page_is_made_before_anything_has_happened_and_after() -> None:
    document = Document()
    pages = Pages(Watched(time.monotonic(), HOSTILE))
    fill(document, pages)
    texts = " ".join(str(model.text) for model in document.models if hasattr(model, "text"))
    for waits_for in ("waiting for the first step of the study", EMPTY, NO_TOKENS, NO_WORKER, NO_FAILURE):
        assert waits_for in texts
    assert "<script" not in texts
    pages.watched = watched_study()
    (callback,) = document.session_callbacks
    callback.callback()
    assert "extract: the model reads the corpus" in document.roots[0].children[0].text
    document.validate()


@pytest.mark.parametrize("n_shard", [1, 2, 49, 51, 1000, 10_000, 10_001, 100_000])
def test_every_shard_is_on_the_map_once(n_shard: int) -> None:
    study, shown = watched_study(n_shard), CorpusMap()
    shown.update(study, 21.0)
    cells = shown.source.data
    places = set(zip(cells["x"].tolist(), cells["y"].tolist(), strict=True))
    assert len(places) == len(cells["x"]) <= MAX_CELLS
    edges = [label.replace(",", "").split(" to ") for label in cells["shard"]]
    assert [i for first, *last in edges for i in range(int(first), int((last or [first])[0]) + 1)] == list(
        range(n_shard)
    )
    order = np.lexsort((cells["x"], cells["y"]))
    assert order.tolist() == list(range(len(order)))  # row by row, in the order of the text
    plot = shown._plot
    assert max(cells["x"]) < plot.x_range.end
    assert max(cells["y"]) < plot.y_range.start
    assert 60 <= plot.height <= 260


def test_the_map_follows_and_sends_only_what_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    study, shown = watched_study(40), CorpusMap()
    shown.update(study, 21.0)
    sent: list[dict[str, object]] = []
    monkeypatch.setattr(ColumnDataSource, "patch", lambda source, patches: sent.append(patches))
    assert study.shards is not None
    study.shards.sent(7, "a")
    study.shards.sent(8, "b")
    study.shards.again(8)
    shown.update(study, 22.0)
    shown.update(study, 23.0)
    (patch,) = sent
    assert patch["code"] == [(7, STATES.index("running")), (8, STATES.index("retried"))]
    assert (shown.marks.data["x"].tolist(), shown.marks.data["hatch"]) == ([8.5], [HATCHES["retried"]])
    assert patch["what"] == [(7, "running"), (8, "retried, try 2")]
    assert patch["worker"] == [(7, "a"), (8, "b")]
    assert "<b>38</b>" in shown.root.children[0].text


def test_a_new_step_has_a_new_map() -> None:
    study, shown = watched_study(40), CorpusMap()
    shown.update(study, 21.0)
    study.hear(message(2, 2, name="summarize", n_task=3, done_before=[(0, 1)]), 22.0)
    shown.update(study, 23.0)
    assert len(shown.source.data["x"]) == 3
    assert shown.source.data["code"].tolist() == [STATES.index("done before"), 0, 0]
    assert "summarize" in shown.root.children[0].text


def states(*names: str) -> bytes:
    return bytes(STATES.index(name) for name in names)


def test_a_cell_of_many_shards_shows_what_needs_attention_else_the_share_done() -> None:
    cases = [
        ("waiting", "waiting", "waiting"), ("done", "done", "done before"), ("done before",) * 3,
        ("waiting", "running", "done"), ("running", "retried", "done"), ("failed", "running", "done"),
        ("waiting", "done", "waiting"), ("done", "done", "waiting"),
    ]  # fmt: skip
    codes = cell_codes(states(*sum(cases, ()), "done"), 3)
    names = [STATES[code] if code < len(STATES) else int(code) - len(STATES) for code in codes]
    first, second = N_SHADE // 3, 2 * N_SHADE // 3
    assert names == ["waiting", "done", "done before", "running", "retried", "failed", first, second, "done"]
    shades = [luminance(colour) for colour in PALETTE[len(STATES) :]]
    assert all(one > other for one, other in pairwise(shades))
    assert luminance(STATE_COLOURS["waiting"]) > shades[0]
    assert shades[-1] > luminance(STATE_COLOURS["done"])


def test_states_are_told_apart_without_colour() -> None:
    looks = {name: (round(luminance(colour), 1), HATCHES.get(name)) for name, colour in STATE_COLOURS.items()}
    assert tuple(STATE_COLOURS) == STATES
    assert len(set(looks.values())) == len(STATES), looks


def test_figures_are_those_of_the_study_and_nan_is_a_dash() -> None:
    figures = {name: (value, more) for name, value, more in tiles(watched_study(done=250, n_task_done=2), 21.0)}
    assert figures["Done"] == ("25 %", "250 of 1,000 tokens · 2 of 10 tasks")
    assert figures["Tokens / s"][0] == "80"
    assert figures["Time left"] == ("1 min 00 s", "20 s so far")
    assert figures["Workers"] == ("2", "2.00 GB of 8.00 GB")
    assert figures["Mean surprisal"] == ("7.00 bit", "perplexity 128")
    assert figures["Written"][0] == "40.0 kB"
    assert figures["Failed"][0] == "0"
    empty = {name: (value, more) for name, value, more in tiles(Watched(0.0), 1.0)}
    assert empty["Mean surprisal"] == ("–", "none was computed yet")
    assert empty["Done"] == ("–", "0 of ? tokens")
    unbounded = Watched(0.0)
    unbounded.sample(1.0, {"x": worker("x", 10**9, 0)})
    assert {name: more for name, _, more in tiles(unbounded, 1.0)}["Workers"] == "1.00 GB"


def test_text_from_outside_is_escaped_wherever_it_is_shown() -> None:
    study = watched_study(name=HOSTILE)
    study.study = HOSTILE
    study.fail(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    study.sample(22.0, {"x": worker(HOSTILE)})
    parts = [Headline(), CorpusMap(), Failures(), Throughput(), WorkerBars()]
    for part in parts:
        part.update(study, 23.0)
    assert parts[2].source.data["error"] == [HOSTILE]
    texts = [str(model.text) for part in parts for model in models(part.root) if hasattr(model, "text")]
    shown = [text for text in texts if "script" in text]
    assert len([text for text in shown if text.startswith("<h")]) == 3
    assert not [text for text in shown if "<script" in text and text.startswith("<h")]
    study.ending = HOSTILE
    parts[0].update(study, 24.0)
    assert "<script" not in parts[0].root.text


def models(root: Model) -> Iterator[Model]:
    yield from root.references()


def test_failures_are_listed_newest_first_and_say_how_many_there_are() -> None:
    study, shown = watched_study(), Failures()
    for i in range(N_SHOWN + 5):
        study.fail(f"extract-{i}", "a", f"error {i}", "failed", at=float(i))
    shown.update(study, 21.0)
    assert shown.source.data["what"][0] == f"extract-{N_SHOWN + 4}"
    assert len(shown.source.data["what"]) == N_SHOWN
    assert f"the newest {N_SHOWN} of {N_SHOWN + 5}" in shown.root.text


def test_lines_and_bars_of_a_large_cluster_say_what_they_leave_out() -> None:
    study = Watched(0.0)
    study.hear(message(), 0.0)
    for second in range(5):
        found = {f"tcp://{i}": worker(f"w{i}", tokens=second * (i + 1)) for i in range(200)}
        study.sample(float(second), found)
    lines, bars = Throughput(), WorkerBars()
    for part in (lines, bars):
        part.update(study, 5.0)
    assert len(lines.lines.data["worker"]) == MAX_DRAWN
    assert f"{MAX_DRAWN} of 200 workers drawn" in lines.root.title.text
    assert lines.source.data["rate"].tolist() == pytest.approx([200 * 201 / 2] * 4)
    assert bars.source.data["name"] == [f"w{i}" for i in range(MAX_BARS)]  # the slowest
    assert f"slowest {MAX_BARS} of 200" in bars._speed.title.text


def test_memory_near_its_bound_is_seen() -> None:
    study, bars = Watched(0.0), WorkerBars()
    study.sample(1.0, {str(m): worker(str(m), m * 10**9, 10**10) for m in (5, 8, 10)} | {"n": worker("none", 1, 0)})
    bars.update(study, 1.0)
    shown = dict(
        zip(
            bars.source.data["name"],
            zip(bars.source.data["share"], bars.source.data["colour"], strict=True),
            strict=True,
        )
    )
    assert shown["5"][0] == 50.0
    assert shown["none"][0] == 0.0
    assert len({colour for _, colour in shown.values()}) == 3
    assert not bars._empty.visible

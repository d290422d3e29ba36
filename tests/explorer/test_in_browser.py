"""The explorer in a real browser: the command serves it, the reader searches, brushes, matches, opens cards."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser import Browser, open_browser
from driver import SECONDS, wait_until
from engine_needs import need
from fake_run import NASTY, TYPES, MakeRun

pytestmark = [pytest.mark.engines, pytest.mark.usefixtures("nothing_hangs_and_nothing_stays")]

ANALYSES = ("sentence_position", "categories", "idioms")
READY = "return !!(window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle)"
TEXT = "return document.body.innerText"
QUERY = "return location.search"
PAINTED = """
const inside = (one) => one.shadowRoot ? [one, ...deep(one.shadowRoot)] : [one]
const deep = (root) => [...root.querySelectorAll("*")].flatMap(inside)
return deep(document).filter((one) => one.matches("canvas") && one.width * one.height > 10000).filter((canvas) => {
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
  return new Set(new Uint32Array(pixels.buffer)).size > 3
}).length
"""
PLACE = """
const frame = Bokeh.documents[0].get_model_by_name("text").children[1]
const view = [...Bokeh.index.roots].flatMap((one) => one.child_views ?? []).find((one) => one.model === frame)
const {left, top} = view.el.getBoundingClientRect()
const {x, y, width, height} = view.frame.bbox
return [left + x, top + y, width, height]
"""
"""Where the frame of the words lies in the window: left, top, width, height in pixels."""
TIPS = """
const inside = (one) => one.shadowRoot ? [one, ...deep(one.shadowRoot)] : [one]
const deep = (root) => [...root.querySelectorAll("*")].flatMap(inside)
const tips = deep(document).filter((one) => one.matches(".bk-Tooltip, .bk-tooltip-content, .bk-tooltip-row-value"))
return [tips.map((one) => one.innerText).join(" | "), deep(document).filter((one) => one.matches("img")).length]
"""


@contextmanager
def explored(run: Path) -> Iterator[str]:
    """Serve a run as the command does; give the address, and end it as Ctrl-C does."""
    command = [sys.executable, "-m", "lstm_analysis.cli", "explore", str(run), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip().rstrip("/")
    finally:
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=SECONDS)
    first, *between, last = errors.splitlines()
    assert (process.returncode, first, last) == (0, "Ctrl-C ends it.", "Ended.")
    assert all(line.startswith("making the index of hidden_state") for line in between)


def go(browser: Browser, address: str) -> None:
    """Open a page and wait until it is drawn."""
    browser.open(address)
    wait_until(lambda: browser.run(READY), address)


def test_a_phrase_is_found_brushed_matched_and_shared(make_run: MakeRun) -> None:
    need("chromium", "chromedriver")
    run = make_run(draws=99, analyses=ANALYSES)
    with explored(run.path) as root, open_browser() as browser:
        go(browser, f"{root}/text")
        assert browser.run("return document.activeElement === document.body")
        browser.run('document.querySelector("input[name=phrase]").focus()')
        browser.press(f"{NASTY}\ue007")  # the return key
        wait_until(lambda: "phrase=" in browser.run(QUERY) and "span=" in browser.run(QUERY), "the phrase found")
        wait_until(lambda: f"Span “{NASTY}”" in browser.run(TEXT), "the words of the span, as they are")
        wait_until(lambda: "best first, in 600 tokens" in browser.run(TEXT), "matches")
        wait_until(lambda: browser.run(PAINTED) == 4, "lines, words, tracks and matches that are painted")
        first = browser.run(QUERY)
        browser.run("document.querySelector('[aria-label=\"Next occurrence\"]').click()")
        wait_until(lambda: browser.run(QUERY) != first, "the next occurrence")
        wait_until(lambda: "best first, in 600 tokens" in browser.run(TEXT), "its matches")
        _brush(browser)
        shared = browser.run("return location.href")
        go(browser, shared)
        assert browser.run("return location.href") == shared
        wait_until(lambda: "best first, in 600 tokens" in browser.run(TEXT), "matches of a shared address")
        assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")
        assert browser.errors() == []


def _brush(browser: Browser) -> None:
    """Brush five tokens with the mouse; the span is what was brushed, and the word under the pointer is text."""
    go(browser, str(browser.run("return location.origin")) + "/text?at=100&width=20")
    left, top, width, height = browser.run(PLACE)
    step = width / 20
    browser.drag((left + 4 * step + 2, top + height / 2), (left + 9 * step - 2, top + height / 2))
    wait_until(lambda: "span=104:109" in browser.run(QUERY), "five tokens brushed")
    wait_until(lambda: "best first" in browser.run(TEXT) or "No neuron is on" in browser.run(TEXT), "the result")
    browser.run("explorer.ask({span: ['104:105'], left: ['0']})")
    wait_until(lambda: "span=104:105" in browser.run(QUERY), "one token")
    wait_until(lambda: "best first, in 600 tokens" in browser.run(TEXT), "matches of one token")
    browser.run("[...document.querySelectorAll('button')].find((one) => one.innerText.startsWith('Draw')).click()")
    chosen = "return [...document.querySelectorAll('.chips a')].map((one) => one.innerText).slice(0, 8).join(',')"
    wait_until(lambda: f"neurons={browser.run(chosen)}&" in browser.run(QUERY), "lines of the selected neurons")


def test_what_is_under_the_pointer_is_text_not_html(make_run: MakeRun) -> None:
    need("chromium", "chromedriver")
    run = make_run()
    time = int((run.corpus["type_id"].values[100:] == TYPES.index(NASTY)).argmax()) + 100
    with explored(run.path) as root, open_browser() as browser:
        go(browser, f"{root}/text?at={time - 5}&width=11")
        left, top, width, _ = browser.run(PLACE)
        middle = (left + width * 5.5 / 11, top - 120)  # in the frame of the lines
        browser.drag(middle, middle)
        wait_until(lambda: NASTY in browser.run(TIPS)[0], "the word in the tooltip")
        assert browser.run(TIPS)[1] == 0
        assert browser.errors() == []


def test_cards_are_opened_moved_and_saved(make_run: MakeRun) -> None:
    need("chromium", "chromedriver")
    run = make_run(draws=99, analyses=ANALYSES)
    with explored(run.path) as root, open_browser() as browser:
        go(browser, f"{root}/neuron?neuron=1:2")
        wait_until(lambda: browser.run(PAINTED) >= 3, "the figures of a neuron")
        browser.run("document.querySelector('[data-ask]').click()")
        wait_until(lambda: "the other follows by so many tokens" in browser.run(TEXT), "neurons alike")
        wait_until(lambda: "in the middle of its range: " in browser.run(TEXT), "passages of the middle")
        browser.run("explorer.save('selectivity', 'svg')")
        wait_until(lambda: browser.run("return document.documentElement.dataset.saved ?? ''").startswith("svg"), "SVG")
        browser.run(f"[...document.querySelectorAll('a')].find((one) => one.innerText === {NASTY!r}).click()")
        wait_until(lambda: browser.run("return document.querySelector('h1')?.innerText") == NASTY, "the concept's card")
        wait_until(lambda: browser.run(READY) and browser.run(PAINTED) >= 1, "the figures of a concept")
        browser.run("document.querySelector('nav a').click()")
        wait_until(lambda: "Neurons by auroc" in browser.run(TEXT), "the overview")
        wait_until(lambda: browser.run(READY) and browser.run(PAINTED) == 2, "the map of two layers")
        assert browser.errors() == []


def test_two_tabs_have_states_of_their_own(make_run: MakeRun) -> None:
    need("chromium", "chromedriver")
    run = make_run()
    with explored(run.path) as root, open_browser() as one, open_browser() as other:
        go(one, f"{root}/text?at=100&width=20")
        go(other, f"{root}/text?at=300&width=20")
        one.run("explorer.move(1)")
        wait_until(lambda: "at=120" in one.run(QUERY), "the first tab moved")
        assert "at=300" in other.run(QUERY)
        other.press("\ue014")  # the right arrow, by half a view
        wait_until(lambda: "at=310" in other.run(QUERY), "the second tab moved by a key")
        assert "at=120" in one.run(QUERY)

"""The page in a real browser: it is drawn, it follows what happens, and the console has no complaint."""

from pathlib import Path

import pytest
from browser import Browser, open_browser
from driver import local, wait_until
from engine_needs import need

from lstm_analysis.cluster import open_client
from lstm_analysis.dashboard import watch
from lstm_analysis.dashboard.announcing import page_link
from lstm_analysis.progress import Progress, Step

pytestmark = [pytest.mark.engines, pytest.mark.usefixtures("nothing_hangs_and_nothing_stays")]

DEEP = """
const inside = (one) => one.shadowRoot ? [one, ...deep(one.shadowRoot)] : [one]
const deep = (root) => [...root.querySelectorAll("*")].flatMap(inside)
"""
"""Bokeh draws into shadow roots, which a plain query does not see."""
TEXT = (
    DEEP
    + """
return deep(document).filter((one) => one.matches("h1, h2, .value, td")).map((one) => one.innerText).join(" | ")
"""
)
PAINTED = (
    DEEP
    + """
return deep(document).filter((one) => one.matches("canvas") && one.width * one.height > 10000).filter((canvas) => {
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
  return new Set(new Uint32Array(pixels.buffer)).size > 3
}).length
"""
)
CELLS = """
const sources = [...Bokeh.documents[0]._all_models.values()].filter((one) => one.type === "ColumnDataSource")
const map = sources.find((one) => one.data.code !== undefined && one.data.shard !== undefined)
return [...map.data.code].join(" ")
"""
N_CANVAS = 4
"""The map, the rates, and two of the workers' bars."""


def test_the_page_is_drawn_and_follows(tmp_path: Path) -> None:
    need("chromium", "chromedriver")
    with (
        open_client(local(tmp_path, 1)) as client,
        watch(client, "tiny <b>study</b>") as (announcer,),
        open_browser() as browser,
    ):
        browser.open(page_link(client.dashboard_link))
        wait_until(lambda: "waiting for the first step" in browser.run(TEXT), "the empty page")
        step = Step("extract", "tokens", 300, done=100, n_task=3, done_before={0})
        with Progress(step, [announcer]) as bar:
            wait_until(lambda: "the model reads the corpus" in browser.run(TEXT), "the step on the page")
            wait_until(lambda: browser.run(CELLS) == "3 0 0", "three cells on the map")
            assert client.submit(abs, 1, key="extract-1-a1b2c3").result() == 1
            bar.update(100)
            error = client.submit(int, "<b>", key="extract-2-a1b2c3", retries=0).exception()
            assert isinstance(error, ValueError)
            wait_until(lambda: browser.run(CELLS) == "3 4 5", "a shard that is done and one that failed")
            wait_until(lambda: "invalid literal for int()" in browser.run(TEXT), "the error's text")
            wait_until(lambda: "66 %" in browser.run(TEXT), "two thirds")
            wait_until(lambda: browser.run(PAINTED) == N_CANVAS, "figures that are painted")
            text = browser.run(TEXT)
            assert "tiny <b>study</b>" in text  # as it is, not as HTML
            assert "with base 10: '<b>'" in text
        assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")
        assert complaints(browser) == []


def complaints(browser: Browser) -> list[str]:
    """Return what the console says of our page; a picture that Dask's frame lacks is not ours."""
    return [text for text in browser.errors() if "favicon" not in text]

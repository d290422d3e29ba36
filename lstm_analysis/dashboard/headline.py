"""The top of the page: what goes on, how far it is, how fast, until when, and whether all is well."""

import math
from html import escape

from bokeh.models import ColumnDataSource

from .figures_as_text import bytes_as_text, duration, share, short
from .look import text_block
from .watched import StepNow, Watched

WHAT = {
    "corpus": "the corpus is read and counted",
    "forgetting": "how far back the model remembers is measured",
    "scout": "the states that lanes begin from are scouted",
    "extract": "the model reads the corpus, its states are stored",
    "stream": "the model reads the corpus, its states are summed up",
    "verify": "stored states are compared with their checksums",
    "label": "the tokens of each concept are marked",
    "summarize": "one pass of sums over the states",
}
"""What a step does, by the name of its tasks."""
HISTORY = 12
"""Steps that are named on the line below."""


class Headline:
    """What goes on, in figures that can be read from afar.

    Attributes
    ----------
    root
        What is shown.
    source
        The figures, by name: ``name, value, more``.
    """

    def __init__(self) -> None:
        self.source = ColumnDataSource({"name": [], "value": [], "more": []})
        self.root = text_block()

    def update(self, watched: Watched, now: float) -> None:
        """Show how it is now."""
        rows = tiles(watched, now)
        self.source.data = {name: [row[i] for row in rows] for i, name in enumerate(("name", "value", "more"))}
        self.root.text = f"{_title(watched, now)}{_tiles(rows, watched.step)}{_steps(watched, now)}"


def tiles(watched: Watched, now: float) -> list[tuple[str, str, str]]:
    """Return name, value and small print of each figure."""
    step, counts = watched.step, watched.counts()
    unit = step.unit if step is not None else "tokens"
    done, total = (step.done, step.total) if step is not None else (0, None)
    n_shard = f" · {step.n_task_done:,} of {step.n_task:,} tasks" if step is not None and step.n_task else ""
    left = step.seconds_left(now) if step is not None else None
    spent = "" if step is None else f"{duration((step.ended or now) - step.began)} so far"
    mean = watched.mean_surprisal
    known = math.isfinite(mean)
    limits = [worker.limit for worker in watched.workers.values()]
    memory = bytes_as_text(sum(worker.memory for worker in watched.workers.values()))
    bound = f" of {bytes_as_text(sum(limits))}" if limits and all(limits) else ""
    failed_tries = f"{watched.n_failure:,} failed {'try' if watched.n_failure == 1 else 'tries'}"
    lost = f"{watched.n_lost_worker:,} lost {'worker' if watched.n_lost_worker == 1 else 'workers'}"
    n_failed = step.n_failed if step is not None else 0
    return [
        ("Done", share(done, total), f"{done:,} of {'?' if total is None else f'{total:,}'} {unit}{n_shard}"),
        (f"{unit.capitalize()} / s", short(watched.rate_now(now)), "now"),
        ("Time left", "–" if watched.ending else duration(left), spent),
        ("Workers", f"{len(limits):,}", f"{memory}{bound}"),
        ("Mean surprisal", f"{mean:.2f} bit" if known else "–",
         f"perplexity {short(2.0**mean)}" if known else "none was computed yet"),
        ("Written", bytes_as_text(counts["bytes"]), f"{counts['shards']:,.0f} shards read"),
        ("Failed", f"{n_failed:,}", f"{failed_tries}, {lost}"),
    ]  # fmt: skip


def _title(watched: Watched, now: float) -> str:
    step = watched.step
    if watched.ending:
        text = f"ended: {escape(watched.ending)}"
    elif step is None:
        text = "waiting for the first step of the study"
    elif step.finished:
        text = f"{escape(step.name)} is done; between two steps"
    else:
        what = WHAT.get(step.name)
        text = f"{escape(step.name)}{f': {what}' if what else ''}"
    since = duration(now - watched.began) if not watched.ending else ""
    running = (
        f" <span class='quiet' style='font-weight: 400; font-size: 15px'>· running for {since}</span>" if since else ""
    )
    return f"<h1>{escape(watched.study) or 'study'} · {text}{running}</h1>"


def _tiles(rows: list[tuple[str, str, str]], step: StepNow | None) -> str:
    found = []
    for i, (name, value, more) in enumerate(rows):
        part = 0.0 if step is None or not step.total else min(1.0, step.done / step.total)
        bar = f"<div class='bar'><div style='width: {100 * part:.1f}%'></div></div>" if i == 0 else ""
        bad = " bad" if name == "Failed" and value != "0" else ""
        found.append(
            f"<div class='card'><div class='name'>{escape(name)}</div><div class='value{bad}'>{escape(value)}</div>"
            f"{bar}<div class='more'>{escape(more)}</div></div>"
        )
    return f"<div class='tiles'>{''.join(found)}</div>"


def _steps(watched: Watched, now: float) -> str:
    if not watched.steps:
        return ""
    shown = list(watched.steps)[-HISTORY:]
    texts = [
        f"<b>{escape(step.name)}</b> {_part(step)}, {duration((step.ended or now) - step.began)}" for step in shown
    ]
    return f"<div class='quiet'>steps: {' → '.join(texts)}</div>"


def _part(step: StepNow) -> str:
    return share(step.done, step.total) if step.total else f"{short(step.done)} {escape(step.unit)}"

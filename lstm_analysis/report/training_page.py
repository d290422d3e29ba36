"""The page of a training: its curve, its epochs and its recipe."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bokeh.resources import Resources
from markupsafe import Markup

from .. import __version__
from ..disk import new_file
from .page import figure_json, template
from .training_curve import perplexity, training_curve

_FOLDER = Path(__file__).parent


def write_training_page(checkpoint: Path, recipe: Mapping[str, Any]) -> Path:
    """Write ``<checkpoint>.html`` from ``<checkpoint>.log.jsonl`` in one step, during a training or after it.

    Parameters
    ----------
    checkpoint
        The checkpoint that is being made, or was.
    recipe
        How.

    Returns
    -------
    The file.
    """
    log = checkpoint.with_name(checkpoint.name + ".log.jsonl")
    entries = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    path = checkpoint.with_name(checkpoint.name + ".html")
    with new_file(path) as temporary:
        temporary.write_text(render(checkpoint.name, entries, recipe), encoding="utf-8")
    return path


def render(name: str, entries: Sequence[Mapping[str, Any]], recipe: Mapping[str, Any]) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    name
        Of the checkpoint.
    entries
        Lines of the training's log.
    recipe
        Its keys and their values.
    """
    inline = Resources(mode="inline", components=["bokeh"], log_level="warn")
    epochs = [dict(entry) for entry in entries if entry["event"] == "epoch"]
    for entry in epochs:
        entry["train_perplexity"] = perplexity(entry["train_loss"])
    speeds = [entry["tokens_per_second"] for entry in entries if entry["event"] == "updates"]
    return template("training.html").render(
        name=name,
        version=__version__,
        end=next((entry for entry in entries if entry["event"] == "end"), None),
        epochs=epochs,
        best=min(epochs, key=lambda entry: entry["validation_perplexity"], default=None),
        speed=median(speeds) if speeds else None,
        recipe={key: json.dumps(value) for key, value in recipe.items()},
        css=Markup((_FOLDER / "style.css").read_text(encoding="utf-8")),
        bokeh=[Markup(script) for script in inline.js_raw],
        figures={"curve": figure_json(training_curve(entries))},
    )

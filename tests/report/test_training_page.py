"""The page of a training: self-contained, with the numbers of its log, at any point of the training."""

import json
import math
import re
from pathlib import Path

import pytest
from bokeh.models import GlyphRenderer
from bokeh.plotting import figure

from lstm_analysis.report import write_training_page
from lstm_analysis.report.training_curve import training_curve

UPDATES = [
    {"event": "updates", "update": 100, "epoch": 1, "train_loss": 5.0, "learning_rate": 2e-3, "tokens_per_second": 9e3},
    {"event": "updates", "update": 200, "epoch": 2, "train_loss": 4.0, "learning_rate": 1e-7, "tokens_per_second": 1e3},
]
EPOCHS: list[dict[str, object]] = [
    {
        "event": "epoch", "update": 120, "epoch": 1, "train_loss": 4.9, "validation_perplexity": 99.5,
        "learning_rate": 2e-3,
    },
    {
        "event": "epoch", "update": 240, "epoch": 2, "train_loss": 4.1, "validation_perplexity": 88.25,
        "learning_rate": 1e-7,
    },
]  # fmt: skip
END = {"event": "end", "update": 240, "epoch": 2, "validation_perplexity": 88.26, "test_perplexity": None}
RECIPE = {"size": 650, "number": "</script><b>N", "cutoffs": (1, 2)}


def page(folder: Path, entries: list[dict[str, object]]) -> str:
    """Write the page of a training with these lines in its log."""
    (folder / "m.safetensors.log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    path = write_training_page(folder / "m.safetensors", RECIPE)
    assert sorted(file.name for file in folder.iterdir()) == ["m.safetensors.html", "m.safetensors.log.jsonl"]
    return path.read_text(encoding="utf-8")


def text_of(html: str) -> str:
    """Return what a page shows as text."""
    body = re.sub(r"<script.*?</script>", " ", html[html.index("<body>") :], flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def test_a_finished_training(tmp_path: Path) -> None:
    html = page(tmp_path, [*UPDATES, *EPOCHS, END])
    text = text_of(html)
    assert "Perplexity of the checkpoint: 88.26 on the validation text. 5,000 tokens a second (median)." in text
    assert f"1 120 {math.exp(4.9):.2f} 99.50 0.002" in text
    assert f"2 240 {math.exp(4.1):.2f} 88.25 1e-07" in text
    assert "size 650" in text
    assert "cutoffs [1, 2]" in text
    assert not re.search(r"<(?:script|img|link)[^>]*\b(?:src|href)=", html)
    assert "<b>N" not in html
    with_test = page(tmp_path, [*UPDATES, *EPOCHS, END | {"test_perplexity": 77.0}])
    assert "88.26 on the validation text, 77.00 on the test text." in text_of(with_test)


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        ([], "Still training; no epoch is over yet."),
        (UPDATES[:1], "no epoch is over yet. 9,000 tokens a second"),
        (EPOCHS[:1], "Best validation perplexity so far: 99.50, after epoch 1."),
    ],
)
def test_a_training_under_way(tmp_path: Path, entries: list[dict[str, object]], wanted: str) -> None:
    assert wanted in text_of(page(tmp_path, entries))


def test_the_curve_has_the_numbers_of_the_log() -> None:
    above, below = training_curve([*UPDATES, *EPOCHS, END]).children
    assert isinstance(above, figure)
    assert isinstance(below, figure)
    train, validation, _ = [r.data_source.data for r in above.renderers if isinstance(r, GlyphRenderer)]
    assert train["update"] == [100, 200]
    assert train["train"] == pytest.approx([math.exp(5), math.exp(4)])
    assert validation["update"] == [120, 240]
    assert validation["validation_perplexity"] == [99.5, 88.25]
    assert below.renderers[0].data_source.data["learning_rate"] == [0.002, 1e-7]
    assert above.x_range is below.x_range
    assert above.yaxis.axis_label
    assert below.xaxis.axis_label
    assert below.yaxis.axis_label

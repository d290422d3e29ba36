"""Fixtures of the tests with worker processes: a study, what it gives in one process, and a short report."""

from typing import Any

import pytest
from tiny import SCORES, TinyStudy, digests, write_study, write_texts

from lstm_analysis import study
from lstm_analysis.config import load_study

SHARD_TOKENS = 220
LENGTHS = (900, 40, 1500, 5, 1100, 300)


@pytest.fixture(scope="session")
def tiny_study(tmp_path_factory: pytest.TempPathFactory) -> TinyStudy:
    """Return the study that the tests with worker processes run."""
    file = write_study(tmp_path_factory.mktemp("tiny"), inference={"shard_tokens": SHARD_TOKENS})
    write_texts(file.parent / "text", LENGTHS)
    runs = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "write_report", write_short_report)
        for store in ("float32", "none"):
            config = load_study(file, [f"store={store}"])
            runs[store] = study.run_study(config, file.parent / store, in_process=True).path
    return TinyStudy(file, digests(runs["float32"]), digests(runs["none"], SCORES))


def write_short_report(run: Any) -> None:
    """Write a report of one word: to draw one takes longer than all else in a tiny study."""
    (run.path / "report.html").write_text("short")


@pytest.fixture
def short_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let studies in this process write a report of one word."""
    monkeypatch.setattr(study, "write_report", write_short_report)

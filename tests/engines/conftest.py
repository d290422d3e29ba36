"""A study for the engines' tests, and its bytes where it is done in one process."""

from pathlib import Path

import pytest
from tiny import digests, write_study, write_texts

from lstm_analysis.config import load_study
from lstm_analysis.study import run_study

LENGTHS = (900, 40, 1500, 5, 1100, 300)
SHARD_TOKENS = 220


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a study of 20 shards."""
    file = write_study(tmp_path_factory.mktemp("engines"), inference={"shard_tokens": SHARD_TOKENS})
    write_texts(file.parent / "text", LENGTHS)
    return file


@pytest.fixture(scope="session")
def stored(study: Path) -> dict[str, str]:
    """Return the bytes of the study, done in one process."""
    return digests(run_study(load_study(study), study.parent / "stored", in_process=True).path)

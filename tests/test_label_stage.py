"""What the stage of labels says."""

import pytest

from lstm_analysis.stages.labels import warn


def test_a_warning_names_the_first_concepts_and_counts_the_rest(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lstm_analysis.stages.work.log.propagate", True)
    warn([f"c{i}" for i in range(62)], "matches nothing")
    assert [record.getMessage() for record in caplog.records] == [
        *(f"the concept 'c{i}' matches nothing" for i in range(5)),
        "so it is with 57 more concepts: their counts are in labels.zarr",
    ]
    caplog.clear()
    warn(["a"], "matches nothing")
    assert [record.getMessage() for record in caplog.records] == ["the concept 'a' matches nothing"]

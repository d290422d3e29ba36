"""The phrases of a study: where else their neurons are on together."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tiny import write_study

from lstm_analysis import study as study_module
from lstm_analysis.config import load_study
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.inputs import validate
from lstm_analysis.match.of_run import find_text, match_span, selected_at
from lstm_analysis.run import Run
from lstm_analysis.schema import PHRASE_MATCHES
from lstm_analysis.stages.matches import N_MATCH
from lstm_analysis.study import run_study

SELECTIVITY = {"draws": 19, "twin": "initial"}


@pytest.fixture(scope="module", autouse=True)
def no_report() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_module, "write_report", lambda run: (run.path / "report.html").touch())
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    file = write_study(tmp_path_factory.mktemp("phrases"), selectivity=SELECTIVITY, phrases=["W1", "w0 w0 w0 w0 w0"])
    return run_study(load_study(file), file.parent / "run", in_process=True)


def test_the_first_occurrence_that_selects_neurons_is_looked_for(run: Run) -> None:
    found, where = run.matches.sel(phrase="W1"), find_text(run, "w1")
    spans = list(zip(where["start"].values.tolist(), where["stop"].values.tolist(), strict=True))
    selecting = [span for span in spans if (selected_at(run, *span) != 0).any()]
    assert int(found["n_occurrence"]) == len(spans) > 5
    assert int(found["n_occurrence_selecting"]) == len(selecting) > 0
    assert (int(found["query_start"]), int(found["query_stop"])) == selecting[0]
    assert int(found["n_selected"]) == int((selected_at(run, *selecting[0]) != 0).sum())


def test_matches_are_those_of_the_span(run: Run) -> None:
    found = run.matches.sel(phrase="W1")
    span = int(found["query_start"]), int(found["query_stop"])
    expected = match_span(run, *span, n=N_MATCH, draws=19, seed=0)
    n = expected.sizes["match"]
    assert n > 3
    assert (found["start"].values[n:] == -1).all()
    for name in ("start", "length", "jaccard", "n_shared", "n_union", "p_value", "null_jaccard", "is_query"):
        np.testing.assert_array_equal(found[name].values[:n], expected[name].values, err_msg=name)
    where = find_text(run, "w1")
    for match in range(n):
        first = int(found["start"][match])
        after = first + int(found["length"][match])
        overlaps = any(
            a < after and b > first for a, b in zip(where["start"].values, where["stop"].values, strict=True)
        )
        assert bool(found["is_phrase"][match]) == bool(overlaps)
    assert found["is_phrase"].values[:n].any()


def test_the_twin_is_asked_for_the_same(run: Run) -> None:
    assert run.twin is not None
    assert run.twin.matches["phrase"].values.tolist() == ["W1", "w0 w0 w0 w0 w0"]
    assert not run.twin.matches["jaccard"].equals(run.matches["jaccard"])
    assert (run.path / "matches").is_dir()
    assert not (run.twin.path / "matches").exists()
    assert not (run.twin.path / "activations.zarr").exists()


def test_a_phrase_that_stands_nowhere_is_said_and_has_no_match(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    absent = run.matches.sel(phrase="w0 w0 w0 w0 w0")
    assert int(absent["n_occurrence"]) == int(absent["n_selected"]) == 0
    assert (absent["start"] == -1).all()
    assert absent["jaccard"].isnull().all()
    file = write_study(tmp_path, phrases=["w0 w0 w0 w0 w0"])
    with caplog.at_level(logging.WARNING, "lstm_analysis"):
        run_study(load_study(file), tmp_path / "run", in_process=True)
    assert "'w0 w0 w0 w0 w0' has no match: it stands at 0 places" in caplog.text


def test_the_store_says_what_its_variables_mean(run: Run) -> None:
    assert set(run.matches.data_vars) == set(PHRASE_MATCHES)
    for name, variable in PHRASE_MATCHES.items():
        assert run.matches[name].dims == variable.dims
        assert run.matches[name].dtype == variable.dtype
        assert run.matches[name].attrs["long_name"] == variable.meaning


def test_a_run_without_phrases_does_not_change(tmp_path: Path) -> None:
    assert "phrases" not in load_study(write_study(tmp_path)).as_dict()
    one = load_study(write_study(tmp_path / "p", phrases="w1"))
    assert one.phrases == ("w1",)
    assert one.analyses == ("sentence_position", "matches")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"phrases": ["w1"], "store": "none"}, r"matches reads states at single tokens.*take phrases out of the study"),
        ({"analyses": ["matches"]}, r"matches looks for phrases; the study names none"),
        ({"phrases": ["w1", " "]}, r"phrases"),
        ({"phrases": ["w1", "w1"]}, r"phrases.*w1"),
    ],
)
def test_studies_that_cannot_be_done_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    file = write_study(tmp_path, **changes)
    with pytest.raises((UsageError, UserError), match=message):
        validate(load_study(file))

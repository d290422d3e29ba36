"""A study with tests: it goes on where it was stopped, and says what it cannot do before it begins."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tiny import digests, write_study

from lstm_analysis import study as study_module
from lstm_analysis import tasks
from lstm_analysis.config import load_study
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.run import Run
from lstm_analysis.schema import IDIOM_VARIABLES, VARIABLES
from lstm_analysis.study import run_study

TESTED = {"selectivity": {"draws": 99, "twin": None}, "analyses": ["sentence_position", "categories", "idioms"]}


@pytest.fixture(scope="module", autouse=True)
def no_report() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_module, "write_report", lambda run: (run.path / "report.html").touch())
        yield


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    file = write_study(tmp_path_factory.mktemp("tested"), **TESTED)
    return run_study(load_study(file), file.parent / "run", in_process=True)


def counting(task: Callable[..., object], calls: list[object], n_allowed: int) -> Callable[..., object]:
    """Return a task that notes its calls and fails after some."""

    def counted(index: object, *rest: object) -> object:
        if len(calls) == n_allowed:
            raise RuntimeError("stopped")
        calls.append(index)
        return task(index, *rest)

    return counted


SLOWLY = [pytest.param(name, marks=pytest.mark.slow) for name in ("rank_block", "position_block")]


@pytest.mark.parametrize("name", ["shift_block", "idiom_block", *SLOWLY])
def test_blocks_that_are_done_are_not_done_again(
    undisturbed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    study, task = load_study(undisturbed.path.parent / "tiny.yaml"), getattr(tasks, name)
    first: list[object] = []
    second: list[object] = []
    monkeypatch.setattr(tasks, name, counting(task, first, 1))
    with pytest.raises(UserError, match="stopped"):
        run_study(study, tmp_path / "run", in_process=True)
    assert (tmp_path / "run" / "blocks").is_dir()
    monkeypatch.setattr(tasks, name, counting(task, second, 1))
    run = run_study(study, tmp_path / "run", in_process=True)
    assert len(first) == len(second) == 1
    assert first != second
    assert digests(run.path) == digests(undisturbed.path)
    assert not (run.path / "blocks").exists()
    assert not (run.path / "plans").exists()


def test_every_store_says_what_its_own_variables_mean(undisturbed: Run) -> None:
    for name, table in (("idioms", IDIOM_VARIABLES), ("selectivity", VARIABLES), ("sentence_position", VARIABLES)):
        found = getattr(undisturbed, name)
        known = [variable for variable in map(str, found.data_vars) if variable in table]
        assert len(known) > 20
        for variable in known:
            assert found[variable].attrs["long_name"] == table[variable].meaning, f"{name}: {variable}"
            assert found[variable].attrs["units"] == table[variable].units, f"{name}: {variable}"


def test_a_block_of_which_all_is_lost_is_no_absent_neuron(
    undisturbed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_module, "mend_states", lambda *_: None)  # as if they were lost right after that look
    copy = tmp_path / "run"
    shutil.copytree(undisturbed.path, copy)
    shutil.rmtree(copy / "activations.zarr" / "hidden_state" / "c")
    study = load_study(
        undisturbed.path.parent / "tiny.yaml", ["selectivity.draws=199", "selectivity.measures=[d_prime]"]
    )
    with pytest.raises(UserError, match=r"'shift' failed.*missing from token 0 on.*Remove .*summary\.zarr"):
        run_study(study, copy, in_process=True, force=True)


def test_other_draws_redo_the_scores_and_no_reading(
    undisturbed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = load_study(undisturbed.path.parent / "tiny.yaml")
    run = run_study(study, tmp_path / "run", in_process=True)
    monkeypatch.setattr(tasks, "extract_shard", None)
    monkeypatch.setattr(tasks, "summarize_shard", None)
    more = load_study(undisturbed.path.parent / "tiny.yaml", ["selectivity.draws=199"])
    with pytest.raises(UserError, match=r"selectivity\.draws was 99, is 199"):
        run_study(more, run.path, in_process=True)
    found = run_study(more, run.path, in_process=True, force=True)
    assert float(found.selectivity["p_value"].min()) < 0.01


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (["selectivity.draws=0"], "categories calls neurons by a permutation test"),
        (["store=none"], "idioms reads states at single tokens"),
        (["analyses=[idoms]"], "Unknown analysis 'idoms' in analyses; did you mean 'idioms'"),
        (["selectivity.draws=9"], "draws is 9; it must be 0 for no tests, or 19 or more, so that a p can reach"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(
    undisturbed: Run, tmp_path: Path, settings: list[str], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        run_study(load_study(undisturbed.path.parent / "tiny.yaml", settings), tmp_path / "run", in_process=True)
    assert not (tmp_path / "run").exists()


def test_idioms_without_occurrences_are_explained(undisturbed: Run, tmp_path: Path) -> None:
    settings = ["concepts=[{source: position, first: 2}]", "analyses=[idioms]", "selectivity.draws=0"]
    study = load_study(undisturbed.path.parent / "tiny.yaml", settings)
    with pytest.raises(UserError, match="needs occurrences of idioms, and the study names none"):
        run_study(study, tmp_path / "run", in_process=True)


def test_what_a_test_cannot_bear_is_said(undisturbed: Run) -> None:
    scores, idioms = undisturbed.selectivity, undisturbed.idioms
    nulls = dict(zip(scores["concept"].values.tolist(), scores["p_null"].values.tolist(), strict=True))
    assert nulls["w3 gap"].startswith(("none: ", "labels shifted"))
    assert "idioms" in idioms.attrs["verdict"]
    assert bool(idioms["p_value"].isnull().all())
    assert int(idioms["n_idiom_tested"].max()) <= 2

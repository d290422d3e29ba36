"""Tests and intervals from Python: the same numbers as a study's, from arrays in memory or lazy ones."""

import numpy as np
import pytest
import xarray as xr
from tiny import write_study

import lstm_analysis as la
from lstm_analysis.config import load_study
from lstm_analysis.errors import UserError
from lstm_analysis.run import Run
from lstm_analysis.study import run_study

DRAWS = 99
NAMES = ("p_value", "p_fwer", "q_value", "p_shift", "type_smd", "breadth")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    file = write_study(tmp_path_factory.mktemp("tested"), selectivity={"draws": DRAWS, "twin": None}, analyses=[])
    return run_study(load_study(file), file.parent / "run", in_process=True)


@pytest.mark.parametrize("lazy", [True, False])
def test_it_equals_the_study(run: Run, lazy: bool) -> None:
    states, labels = run.activations["hidden_state"], run.labels
    states, labels = (states.chunk(time=500), labels) if lazy else (states.load(), labels.load())
    scores = la.measure(la.summarize(states, labels), ["auroc", "d_prime", "mean_difference"])
    found = la.significance(scores, states, labels, draws=DRAWS)
    for name in NAMES:
        np.testing.assert_array_equal(found[name], run.selectivity[name], err_msg=name)
    # Ranks are those of histogram bins, and the pilots that decide the bins differ.
    np.testing.assert_allclose(found["p_shift_rank"], run.selectivity["p_shift_rank"], atol=0.06)
    assert found["p_null"].values.tolist() == run.selectivity["p_null"].values.tolist()
    for name in ("d_prime_low", "mean_difference_high"):
        np.testing.assert_allclose(found[name], run.selectivity[name], rtol=1e-9)
    assert set(scores.data_vars) <= set(found.data_vars)


def test_labels_of_a_corpus_in_memory_bring_words_and_documents_along(run: Run) -> None:
    labels = la.label_corpus(run.corpus.load(), {"opening": la.position(first=2)})
    states = run.activations["hidden_state"].load()
    scores = la.measure(la.summarize(states, labels), ["d_prime"])
    found = la.significance(scores, states, labels, draws=DRAWS)
    assert found["p_null"].values.tolist() == ["labels shifted within documents"]
    assert float(found["p_value"].min()) > 0


def test_labels_without_words_are_refused(run: Run) -> None:
    labels = run.labels.load().drop_vars("type_id")
    scores = la.measure(la.summarize(run.activations["hidden_state"], labels), ["d_prime"])
    with pytest.raises(UserError, match=r"no coordinate type_id .* labels\.assign_coords\(type_id=corpus\.type_id\)"):
        la.significance(scores, run.activations["hidden_state"], labels, draws=DRAWS)


def test_one_document_has_no_temporal_null_and_says_so(run: Run) -> None:
    first = slice(0, int(run.corpus["document_start"][1]))
    states, labels = (part.isel(time=first).load() for part in (run.activations["hidden_state"], run.labels))
    scores = la.measure(la.summarize(states, labels), ["auroc"])
    found = la.significance(scores, states, labels, draws=DRAWS)
    position = found.sel(concept="first 2 tokens")
    assert position["p_null"].item().startswith("none: the corpus is one document")
    assert bool(position["p_value"].isnull().all())
    assert bool(position["auroc_low"].isnull().all())


def test_draws_too_few_for_the_level_are_refused(run: Run) -> None:
    states, labels = run.activations["hidden_state"].load(), run.labels.load()
    scores = la.measure(la.summarize(states, labels), ["auroc"])
    with pytest.raises(UserError, match=r"no p below 1/10, which cannot reach the level 0\.05; ask for 19 draws"):
        la.significance(scores, states, labels, draws=9)


def test_the_scores_given_stay_as_they_are(run: Run) -> None:
    states, labels = run.activations["hidden_state"].load(), run.labels.load()
    scores = la.measure(la.summarize(states, labels), ["auroc"])
    before = scores.copy(deep=True)
    la.significance(scores, states, labels, draws=DRAWS)
    xr.testing.assert_identical(scores, before)

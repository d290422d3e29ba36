"""Neurons at spans, neurons alike, and the contexts of one, each against a slow loop."""

import numpy as np
import pytest
import reference_match as reference
from distributed import Client
from fake_run import N_TIME, TYPES

from lstm_analysis.errors import UsageError
from lstm_analysis.match import alike, contexts, span_ranks
from lstm_analysis.match.of_run import neuron_contexts, neurons_alike, neurons_at
from lstm_analysis.run import Run

SPAN = (100, 101)


def states_of(run: Run) -> np.ndarray:
    values: np.ndarray = run.activations["hidden_state"].values
    return values


@pytest.mark.parametrize("piece", [4096, 17])
def test_neurons_alike_are_those_of_a_loop(run: Run, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(alike, "PIECE", piece)
    monkeypatch.setattr(alike, "SLAB", 100)
    lags = (-3, 0, 2)
    found = neurons_alike(run, 0, 2, lags=lags)
    values, document = states_of(run).astype(np.float64), run.corpus["document"].values
    for i, lag in enumerate(lags):
        pairs = [t for t in range(N_TIME) if 0 <= t + lag < N_TIME and document[t] == document[t + lag]]
        assert int(found["n_pair"][i]) == len(pairs)
        at = np.array(pairs)
        for layer, neuron in ((0, 2), (0, 5), (1, 0)):
            r = np.corrcoef(values[at, 0, 2], values[at + lag, layer, neuron])[0, 1]
            assert float(found["correlation"][i, layer, neuron]) == pytest.approx(r, abs=1e-12)
    assert np.isnan(found["correlation"].values[:, 1, 4:]).all()  # constant; not there
    best = np.abs(found["correlation"].values[:, 0, 5]).argmax()
    assert int(found["lag_best"][0, 5]) == lags[best]
    assert float(found["correlation_best"][0, 5]) == float(found["correlation"][best, 0, 5])
    one = np.array([reference.is_on(values, t, (0, 2, 1), 0.3) for t in range(N_TIME)])
    for sign, name in ((1, "jaccard_on"), (-1, "jaccard_opposite")):
        other = np.array([reference.is_on(values, t, (1, 3, sign), 0.3) for t in range(N_TIME)])
        assert float(found[name][1, 3]) == pytest.approx((one & other).sum() / (one | other).sum())
    assert float(found["jaccard_on"][0, 2]) == 1


def test_workers_give_the_same_correlations_to_the_bit(
    run: Run, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alike, "SLAB", 100)
    monkeypatch.setattr(span_ranks, "SLAB", 100)
    assert neurons_alike(run, 0, 2, client=client).identical(neurons_alike(run, 0, 2))
    assert neurons_at(run, [SPAN], client=client).identical(neurons_at(run, [SPAN]))


def test_ranks_at_spans_are_mean_mid_ranks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(span_ranks, "SLAB", 100)
    monkeypatch.setattr(span_ranks, "PIECE", 17)
    spans = [(100, 103), (7, 8)]
    found, values = neurons_at(run, spans), states_of(run)
    for layer, neuron in ((0, 0), (0, 6), (1, 3)):
        column = values[:, layer, neuron]
        ranks = [((column < v).sum() + (column <= v).sum()) / (2 * N_TIME) for v in column]
        expected = [np.mean(ranks[a:b]) for a, b in spans]
        np.testing.assert_allclose(found["percentile"].values[:, layer, neuron], expected, rtol=1e-12)
        mean = np.mean(expected)
        assert float(found["percentile_mean"][layer, neuron]) == pytest.approx(mean)
        weakest = min(expected) if mean >= 0.5 else max(expected)
        assert float(found["percentile_weakest"][layer, neuron]) == pytest.approx(weakest)
        np.testing.assert_allclose(found["value"].values[:, layer, neuron], [column[a:b].mean() for a, b in spans],
                                   rtol=1e-6)  # fmt: skip
    assert np.isnan(found["percentile_mean"].values[1, 4:]).all()


@pytest.mark.parametrize("slab", [1 << 16, 23])
@pytest.mark.parametrize("n", [1, 3, 20])
def test_contexts_are_taken_one_a_document_and_form(
    run: Run, monkeypatch: pytest.MonkeyPatch, slab: int, n: int
) -> None:
    monkeypatch.setattr(contexts, "SLAB", slab)
    found = neuron_contexts(run, 0, 3, n)
    column = states_of(run)[:, 0, 3].astype(np.float64)
    middle = (column.min() + column.max()) / 2
    document, form = run.corpus["document"].values, run.corpus["type_id"].values
    for i, key in enumerate((-column, np.abs(column - middle), column)):
        taken: list[int] = []
        for t in sorted(range(N_TIME), key=lambda t, key=key: (key[t], t)):
            apart = all(document[t] != document[u] and form[t] != form[u] for u in taken)
            if apart and len(taken) < n:
                taken.append(t)
        rest = [-1] * (n - len(taken))
        assert found["context_time"].values[i].tolist() == [*taken, *rest]
        np.testing.assert_array_equal(found["value"].values[i][: len(taken)], column[taken])
        assert found["text"].values[i].tolist() == [*(TYPES[form[t]] for t in taken), *[""] * len(rest)]
        for rank, t in enumerate(taken):
            beside = found["neighbour_value"].values[i, rank]
            expected = [column[t + k] if 0 <= t + k < N_TIME else np.nan for k in found["offset"].values]
            np.testing.assert_array_equal(beside, expected)


def test_spans_of_too_many_tokens_are_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(span_ranks, "MOST_TOKENS", 50)
    with pytest.raises(UsageError, match="have 60 tokens together"):
        neurons_at(run, [(0, 30), (10, 40)])

"""Every cell against what torch or a slow loop says, by compiled kernels and in plain torch."""

import math

import numpy as np
import pytest
import torch
from random_model import random_model, read, texts_of
from torch import nn

from lstm_analysis.errors import UsageError
from lstm_analysis.inference.cells import CELLS
from lstm_analysis.inference.cells.activation import exp, sigmoid, tanh, vectorised
from lstm_analysis.inference.reader import Stream, StreamReader
from lstm_analysis.schema import CELL_STATES, STORED_STATE

TOLERANCE = {torch.float32: 3e-6, torch.float64: 1e-13}


def sigma(x):
    return 1 / (1 + np.exp(-x))


def step_lstm(layer, x, h, c, m=None):
    """One step of an LSTM, gate by gate, in float64."""
    w, u, b = (t.double().numpy() for t in (layer.weight_input, layer.weight_recurrent, layer.bias))
    i, f, g, o = np.split(w @ x + u @ (h if m is None else m) + b, 4)
    i, f, g, o = sigma(i), sigma(f), np.tanh(g), sigma(o)
    c = f * c + i * g
    return {"hidden": o * np.tanh(c), "cell": c, "input_gate": i, "forget_gate": f, "candidate": g, "output_gate": o}


def step_mlstm(layer, x, h, c):
    """One step of a multiplicative LSTM."""
    m = (layer.extra["weight_factor_input"].double().numpy() @ x) * (
        layer.extra["weight_factor_recurrent"].double().numpy() @ h
    )
    return step_lstm(layer, x, h, c, m)


def step_gru(layer, x, h, _):
    """One step of a GRU."""
    w, u, b = (t.double().numpy() for t in (layer.weight_input, layer.weight_recurrent, layer.bias))
    (r, z, n), (r_h, z_h, n_h) = np.split(w @ x + b, 3), np.split(u @ h, 3)
    r, z = sigma(r + r_h), sigma(z + z_h)
    n = np.tanh(n + r * (n_h + layer.extra["bias_candidate"].double().numpy()))
    return {"hidden": (1 - z) * n + z * h, "reset_gate": r, "update_gate": z, "candidate": n}


SLOW_STEP = {"lstm": step_lstm, "mlstm": step_mlstm, "gru": step_gru}


def slow_states(model, ids):
    """Return all states of a stream by name, dims (time, layer, neuron), NaN where a layer is smaller."""
    names = CELL_STATES[model.cell]
    found = {name: np.full((len(ids), model.n_layer, model.n_neuron), np.nan) for name in names}
    past = [(np.zeros(n), np.zeros(n)) for n in model.layer_sizes]
    for t, token in enumerate(ids):
        x = model.embedding[int(token)].double().numpy()
        for i, layer in enumerate(model.layers):
            now = SLOW_STEP[model.cell](layer, x, *past[i])
            for name in names:
                found[name][t, i, : layer.n_neuron] = now[name]
            past[i] = now["hidden"], now.get("cell", past[i][1])
            x = now["hidden"]
    return found


def test_every_cell_is_in_the_schema():
    assert set(CELLS) == set(CELL_STATES) == set(SLOW_STEP)
    for cell, names in CELL_STATES.items():
        assert names[: len(CELLS[cell].carried)] == CELLS[cell].carried
        assert set(names) <= set(STORED_STATE)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("sizes", [(7,), (7, 7), (5, 20, 3)], ids=["one", "two", "unequal"])
@pytest.mark.parametrize("cell", CELLS)
def test_all_states_are_those_of_a_slow_loop(cell, sizes, dtype):
    model, texts = random_model(cell, sizes, dtype), texts_of(12, 30, 1, 12)
    found, ends = read(model, texts, CELL_STATES[cell])
    expected = [slow_states(model, text) for text in texts]
    for name, values in found.items():
        slow = np.concatenate([states[name] for states in expected])
        np.testing.assert_allclose(values, slow, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype], equal_nan=True)
    for end, states in zip(ends, expected, strict=True):
        last = np.stack([np.nan_to_num(states[name][-1]) for name in CELLS[cell].carried])
        np.testing.assert_allclose(end, last, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_gru_is_torch_s(dtype):
    model, (text,) = random_model("gru", dtype=dtype), texts_of(40)
    (found, _), x = read(model, [text], ["hidden"]), model.embedding[torch.as_tensor(text.astype(np.int64))]
    for i, layer in enumerate(model.layers):
        module = nn.GRU(x.shape[1], layer.n_neuron, dtype=dtype)
        bias = torch.cat([torch.zeros(14, dtype=dtype), layer.extra["bias_candidate"]])
        values = (layer.weight_input, layer.weight_recurrent, layer.bias, bias)
        with torch.inference_mode():
            for parameter, value in zip(module.parameters(), values, strict=True):
                parameter.copy_(value)
            x = module(x)[0]
        np.testing.assert_allclose(found["hidden"][:, i], x.numpy(), atol=TOLERANCE[dtype])


@pytest.mark.parametrize("cell", CELLS)
def test_what_is_kept_and_who_is_beside_changes_no_more_than_rounding(cell):
    model, texts = random_model(cell, (40, 40)), texts_of(30, 12, 5)
    together, _ = read(model, texts, CELL_STATES[cell])
    alone = np.concatenate([read(model, [text], ["hidden"])[0]["hidden"] for text in texts])
    np.testing.assert_allclose(together["hidden"], alone, atol=3e-6)
    again, _ = read(model, texts, CELL_STATES[cell])
    assert all(again[name].tobytes() == values.tobytes() for name, values in together.items())


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("cut", [1, 7, 29])
def test_a_stream_goes_on_from_its_end(cell, cut):
    model, (text,) = random_model(cell, (5, 9)), texts_of(30)
    whole, ends = read(model, [text], CELL_STATES[cell])
    _, (start,) = read(model, [text[:cut]], [])
    hidden = np.empty((30 - cut, 2, 9), np.float32)
    (end,) = StreamReader(model).read([Stream(text[cut:], start=start)], {"hidden": hidden})
    np.testing.assert_allclose(hidden, whole["hidden"][cut:], atol=3e-6)
    np.testing.assert_allclose(end, ends[0], atol=3e-6, rtol=3e-6)


@pytest.mark.parametrize(
    ("cell", "name", "hint"),
    [
        ("gru", "cell", "The cell gru has no state 'cell'; known are hidden, reset_gate, update_gate, candidate"),
        ("gru", "forget_gate", "The cell gru has no state 'forget_gate'"),
        ("lstm", "input_gat", "The cell lstm has no state 'input_gat'; did you mean 'input_gate'?"),
        ("mlstm", "update_gate", "The cell mlstm has no state 'update_gate'"),
    ],
)
def test_a_state_that_the_cell_does_not_have_is_refused(cell, name, hint):
    with pytest.raises(UsageError) as caught:
        read(random_model(cell), texts_of(3), [name])
    assert hint in str(caught.value)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("n_stream", [1, 3])
def test_nan_is_not_hidden(cell, n_stream):
    model = random_model(cell)
    model.layers[0].weight_recurrent[0, 0] = math.nan
    found, _ = read(model, texts_of(*[6] * n_stream), ["hidden"])
    assert np.isnan(found["hidden"][1, :, 0]).all()


@vectorised
def fill(x, exps, sigmoids, tanhs):
    for j in range(len(x)):
        exps[j], sigmoids[j], tanhs[j] = exp(x[j]), sigmoid(x[j]), tanh(x[j])


def test_activations_keep_their_relative_accuracy():
    parts = [np.linspace(-30, 30, 100_001), np.logspace(-30, 0, 1001), -np.logspace(-30, 0, 1001), [0.0, 80, -80]]
    x = np.concatenate(parts).astype(np.float32)
    found, exact = np.empty((3, len(x)), np.float32), x.astype(np.float64)
    fill(x, *found)
    for values, expected in zip(found, (np.exp(exact), sigma(exact), np.tanh(exact)), strict=True):
        np.testing.assert_allclose(values, expected, rtol=2e-7, atol=0)


def test_activations_at_the_ends():
    x = np.array([np.inf, -np.inf, 200, -200, np.nan, -0.0], np.float32)
    found = np.empty((3, len(x)), np.float32)
    fill(x, *found)
    np.testing.assert_allclose(found[1], [1, 0, 1, 0, np.nan, 0.5], atol=1e-37)
    np.testing.assert_array_equal(found[2], [1, -1, 1, -1, np.nan, 0])
    assert np.isnan(found[0, 4])

"""States that a device puts in their places are those that the processor puts there, to the bit."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from random_model import random_model, texts_of

from lstm_analysis.inference import reader
from lstm_analysis.inference.outputs import DeviceOutputs, joined
from lstm_analysis.inference.reader import Stream, StreamReader
from lstm_analysis.schema import CELL_STATES


def on_a_device(states, streams, like):
    return DeviceOutputs(states, [(stream.row, stream.row + stream.n_kept) for stream in streams], like)


def read(model, kernel):
    """Read texts of which some tokens are not kept, into rows in another order; rows 0, 50 and 51 belong to nobody."""
    rows, keep_from = (52, 1, 20, 92, 40), (2, 0, 1, 0, 21)
    streams = [Stream(t, row, keep) for t, row, keep in zip(texts_of(12, 19, 21, 1, 31), rows, keep_from, strict=True)]
    states = {name: np.full((95, model.n_layer, model.n_neuron), 99, np.float32) for name in CELL_STATES[model.cell]}
    return states, StreamReader(model, kernel=kernel).read(streams, states)


@pytest.mark.parametrize("n_row", [7, 1024])
@pytest.mark.parametrize(("cell", "kernel"), [("lstm", "step"), ("lstm", "fused"), ("gru", "fused"), ("mlstm", "step")])
def test_a_device_fills_the_same_rows(monkeypatch, cell, kernel, n_row):
    monkeypatch.setattr(reader, "BLOCK_ROWS", {"cpu": n_row})
    model = random_model(cell, (7, 4))
    expected, expected_ends = read(model, kernel)
    monkeypatch.setattr(reader, "open_outputs", on_a_device)
    found, ends = read(model, kernel)
    for name, values in expected.items():
        assert (values[[0, 50, 51]] == 99).all()
        assert np.isnan(values[1:20, 1, 4:]).all()
        assert found[name].tobytes() == values.tobytes()
    np.testing.assert_array_equal(ends, expected_ends)


def test_float64_is_rounded_once(monkeypatch):
    model = random_model("lstm", dtype=torch.float64)
    expected, _ = read(model, "step")
    monkeypatch.setattr(reader, "open_outputs", on_a_device)
    found, _ = read(model, "step")
    assert all(found[name].tobytes() == expected[name].tobytes() for name in expected)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4))))
def test_joined_spans_cover_the_same_rows(parts):
    spans = [(a, a + n) for a, n in parts]
    found = list(joined(spans))
    assert sorted({row for a, b in spans for row in range(a, b)}) == [row for a, b in found for row in range(a, b)]
    assert all(b < c for (_, b), (c, _) in pairwise(found))
    assert all(a < b for a, b in found)

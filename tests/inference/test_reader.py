"""Our reader against torch: the same h, c and surprisal however the text is cut into streams and blocks."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lstm_analysis.inference import product, reader
from lstm_analysis.inference.reader import Stream, StreamReader

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}
DTYPES = list(TOLERANCE)


def random_ids(n, n_token=11, seed=0):
    return np.random.default_rng(seed).integers(0, n_token, n).astype(np.int32)


def read(model, streams, n_time=None):
    """Return hidden, cell, surprisal and end states; rows that nothing is written to stay at 99."""
    n_time = n_time or sum(stream.n_kept for stream in streams)
    dtype = model.embedding.numpy().dtype
    hidden, cell = (np.full((n_time, model.n_layer, model.n_neuron), 99, dtype) for _ in range(2))
    surprisal = np.full(n_time, 99, dtype)
    return hidden, cell, surprisal, StreamReader(model).read(streams, {"hidden": hidden, "cell": cell}, surprisal)


def side_by_side(texts, **options):
    rows = np.cumsum([0, *(len(text) for text in texts)])
    return [Stream(text, row=int(row), **options) for text, row in zip(texts, rows[:-1], strict=True)]


def assert_equals_torch(network, texts, found, dtype):
    hidden, cell, surprisal, ends = found
    row = 0
    for text, end in zip(texts, ends, strict=True):
        stop = row + len(text)
        h, c = network.states(text)
        np.testing.assert_allclose(hidden[row:stop], h, atol=TOLERANCE[dtype], rtol=0)
        np.testing.assert_allclose(cell[row:stop], c, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])
        bits = network.surprisal(text, h)
        np.testing.assert_allclose(surprisal[row:stop], bits, atol=10 * TOLERANCE[dtype], equal_nan=True)
        if len(text):
            np.testing.assert_allclose(end, np.stack([h[-1], c[-1]]), atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])
        row = stop


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n_layer", "width", "size"), [(1, 5, 5), (2, 7, 5), (3, 3, 8), (2, 70, 80)])
def test_states_and_surprisal_are_those_of_torch(network, dtype, n_layer, width, size):
    net = network(dtype, gain=1.0 if size > 50 else 3.0, n_layer=n_layer, width=width, size=size)
    texts = [random_ids(n, seed=n) for n in (40, 1, 7, 7, 100, 2, 1)]
    found = read(net.language_model(), side_by_side(texts))
    assert_equals_torch(net, texts, found, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_states_are_those_of_stacked_torch_lstms(network, dtype):
    net = network(dtype, n_layer=3)
    text = random_ids(60)
    hidden, cell, *_ = read(net.language_model(), [Stream(text)])
    x = net.encoder(torch.as_tensor(text.astype(np.int64)))
    with torch.inference_mode():
        for i in range(3):
            w_ih, w_hh, bias = net.layer(i)
            layer = nn.LSTM(w_ih.shape[1], w_hh.shape[1], dtype=dtype)
            for parameter, value in zip(layer.parameters(), (w_ih, w_hh, bias, 0 * bias), strict=True):
                parameter.copy_(value)
            x, (_, c) = layer(x)
            np.testing.assert_allclose(hidden[:, i], x.numpy(), atol=TOLERANCE[dtype])
            np.testing.assert_allclose(cell[-1, i], c[0].numpy(), atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_more_streams_than_fit_side_by_side(network, dtype, monkeypatch):
    monkeypatch.setattr(reader, "MAX_STREAMS", 4)
    net = network(dtype)
    texts = [random_ids(n, seed=n) for n in (3, 30, 1, 0, 12, 5, 5, 29, 2, 0, 1)]
    assert_equals_torch(net, texts, read(net.language_model(), side_by_side(texts)), dtype)


def test_the_shipped_number_of_streams_side_by_side(network):
    net = network()
    texts = [random_ids(1 + n % 5, seed=n) for n in range(reader.MAX_STREAMS + 40)]
    assert_equals_torch(net, texts, read(net.language_model(), side_by_side(texts)), torch.float32)


@pytest.mark.parametrize("n_row", [1, 7, 20])
def test_blocks_shorter_than_the_streams(network, monkeypatch, n_row):
    monkeypatch.setattr(reader, "BLOCK_ROWS", {"cpu": n_row})
    net = network(torch.float64)
    texts = [random_ids(n, seed=n) for n in (33, 1, 20, 7, 8, 33)]
    assert_equals_torch(net, texts, read(net.language_model(), side_by_side(texts)), torch.float64)


@pytest.mark.parametrize("minimum", [1, 10**9])
def test_both_ways_to_multiply(network, monkeypatch, minimum):
    monkeypatch.setattr(product, "PACKED_MIN_WORK", minimum)
    net = network(size=40, width=30, gain=1.0)
    texts = [random_ids(n, seed=n) for n in (50, 20, 3)]
    assert_equals_torch(net, texts, read(net.language_model(), side_by_side(texts)), torch.float32)


def test_without_onednn_the_plain_product_is_taken(network, monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert product.Product(torch.ones(3, 2))._packed is None
    net = network()
    texts = [random_ids(20)]
    assert_equals_torch(net, texts, read(net.language_model(), side_by_side(texts)), torch.float32)


@settings(max_examples=40)
@given(
    lengths=st.lists(st.integers(0, 25), min_size=1, max_size=9),
    at_once=st.integers(1, 4),
    n_row=st.integers(1, 24),
    data=st.data(),
)
def test_any_streams_prefixes_and_blocks(network, lengths, at_once, n_row, data):
    """Kept rows land in place, the others stay untouched, and a prefix is read but not kept."""
    net = network(torch.float64)
    texts = [random_ids(n, seed=i) for i, n in enumerate(lengths)]
    keep = [data.draw(st.integers(0, n)) for n in lengths]
    rows = np.cumsum([1, *(n - k + 1 for n, k in zip(lengths, keep, strict=True))])
    streams = [Stream(text, int(row), k) for text, row, k in zip(texts, rows, keep, strict=False)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "MAX_STREAMS", at_once)
        patch.setattr(reader, "BLOCK_ROWS", {"cpu": n_row})
        hidden, cell, surprisal, ends = read(net.language_model(), streams, n_time=int(rows[-1]))
    written = np.zeros(len(hidden), bool)
    for text, row, k, end in zip(texts, rows, keep, ends, strict=False):
        h, c = net.states(text)
        kept = slice(row, row + len(text) - k)
        written[kept] = True
        np.testing.assert_allclose(hidden[kept], h[k:], atol=1e-12)
        np.testing.assert_allclose(cell[kept], c[k:], atol=1e-12)
        np.testing.assert_allclose(surprisal[kept], net.surprisal(text, h)[k:], atol=1e-11, equal_nan=True)
        np.testing.assert_allclose(end, np.stack([h[-1], c[-1]]) if len(text) else 0, atol=1e-12)
    for untouched in (hidden, cell, surprisal):
        assert (untouched[~written] == 99).all()


@settings(max_examples=40)
@given(cuts=st.lists(st.integers(0, 40), max_size=6).map(sorted), n_row=st.integers(1, 16))
def test_going_on_from_the_end_state_equals_one_pass(network, cuts, n_row):
    net = network(torch.float64)
    model, text = net.language_model(), random_ids(40)
    whole = read(model, [Stream(text)])
    start, parts = None, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "BLOCK_ROWS", {"cpu": n_row})
        for a, b in zip([0, *cuts], [*cuts, 40], strict=True):
            *part, (start,) = read(model, [Stream(text[a:b], start=start)], n_time=b - a or None)
            parts.append(part)
    for found, expected in zip(zip(*parts, strict=True), whole[:3], strict=True):
        np.testing.assert_allclose(np.concatenate(found)[1:], expected[1:], atol=1e-12)
    np.testing.assert_allclose(start, whole[3][0], atol=1e-12)


def test_start_states_belong_to_their_own_stream(network):
    net = network(torch.float64)
    texts = [random_ids(n, seed=n) for n in (3, 9, 1, 6)]
    starts = [None, *np.random.default_rng(5).uniform(-1, 1, (3, 2, 2, 5))]
    rows = np.cumsum([0, *map(len, texts)])
    streams = [Stream(x, int(row), 0, start) for x, row, start in zip(texts, rows, starts, strict=False)]
    hidden, cell, surprisal, _ = read(net.language_model(), streams)
    for text, row, start in zip(texts, rows, starts, strict=False):
        h, c = net.states(text, start)
        np.testing.assert_allclose(hidden[row : row + len(text)], h, atol=1e-12)
        np.testing.assert_allclose(cell[row : row + len(text)], c, atol=1e-12)
        assert np.isnan(surprisal[row]) == (start is None)


def test_surprisal_is_nan_only_where_there_is_no_past(network):
    model = network().language_model()
    texts = [random_ids(n, seed=n) for n in (5, 1, 8)]
    *_, surprisal, ends = read(model, side_by_side(texts))
    assert np.flatnonzero(np.isnan(surprisal)).tolist() == [0, 5, 6]
    *_, surprisal, _ = read(model, [Stream(texts[0], start=ends[2])])
    assert not np.isnan(surprisal).any()
    *_, surprisal, _ = read(model, [Stream(texts[2], keep_from=3)])
    assert not np.isnan(surprisal).any()


def test_outputs_may_be_left_out(network):
    model, text = network().language_model(), random_ids(12)
    hidden, cell, surprisal, ends = read(model, [Stream(text)])
    stream_reader = StreamReader(model)
    for name, expected in (("hidden", hidden), ("cell", cell), ("surprisal", surprisal)):
        found = np.empty_like(expected)
        outputs = ({}, found) if name == "surprisal" else ({name: found}, None)
        again = stream_reader.read([Stream(text)], *outputs)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(again[0], ends[0])
    assert stream_reader.read([], {}) == []


def test_reading_twice_gives_the_same_bytes_and_changes_no_input(network):
    net = network(size=40)
    model = net.language_model()
    before, start = model.digest, np.random.default_rng(0).uniform(-1, 1, (2, 2, 40))
    streams = [Stream(random_ids(n, seed=n), row=row, start=start) for n, row in ((30, 0), (12, 30))]
    copy = start.copy()
    first, second = read(model, streams), read(model, streams)
    for a, b in zip(first[:3], second[:3], strict=True):
        assert a.tobytes() == b.tobytes()
    np.testing.assert_array_equal(start, copy)
    del model.__dict__["digest"]
    assert model.digest == before


@pytest.mark.parametrize(
    ("stream", "hint"),
    [
        (Stream(np.array([3, 11], np.int32)), "from 3 to 11, the vocabulary has 11 tokens"),
        (Stream(np.array([3, -1], np.int32)), "from -1 to 3"),
        (Stream(np.zeros(4, np.int32), row=2), "4 tokens from row 2 on leave outputs of"),
        (Stream(np.zeros(4, np.int32), row=-1), "from row -1 on"),
    ],
)
def test_compiled_code_is_kept_inside_its_arrays(network, stream, hint):
    stream_reader = StreamReader(network().language_model())
    for outputs in (({"hidden": np.empty((5, 2, 5), np.float32)}, None), ({}, np.empty(5, np.float32))):
        with pytest.raises(IndexError, match=hint):
            stream_reader.read([stream], *outputs)

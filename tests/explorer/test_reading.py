"""What is read for the text view: blocks that are kept, stretches, addresses, tracks."""

from urllib.parse import parse_qs

import numpy as np
import pytest
import xarray as xr
from fake_run import TYPES, MakeRun
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.explorer.address import MAX_WIDTH, MIN_WIDTH, Query, TextAddress, text_address
from lstm_analysis.explorer.block_cache import BlockCache
from lstm_analysis.explorer.holdings import Holdings
from lstm_analysis.explorer.search import Found, look_for
from lstm_analysis.explorer.stretch import Stretch, read_stretch
from lstm_analysis.explorer.text_figure import track_runs
from lstm_analysis.explorer.text_table import completed

N_TIME, N_LAYER, N_NEURON = 53, 2, 7


def stored(chunks: tuple[int, int, int]) -> xr.DataArray:
    """Return states that say they lie on disk in such chunks."""
    values = np.arange(N_TIME * N_LAYER * N_NEURON, dtype=np.float32).reshape(N_TIME, N_LAYER, N_NEURON)
    array = xr.DataArray(values, dims=("time", "layer", "neuron"), name="hidden_state")
    array.encoding["chunks"] = chunks
    return array


@given(
    st.tuples(st.integers(1, 60), st.integers(1, 3), st.integers(1, 9)),
    st.lists(
        st.tuples(st.integers(0, N_TIME), st.integers(0, N_TIME), st.integers(0, 1), st.integers(0, 6)), min_size=1
    ),
    st.integers(1, 4000),
)
def test_whatever_the_chunks_and_the_memory_the_values_are_the_same(chunks, asked, max_bytes):
    array, cache = stored(chunks), BlockCache(max_bytes)
    largest = min(chunks[0], N_TIME) * min(chunks[1], N_LAYER) * min(chunks[2], N_NEURON) * 4
    for one, other, layer, neuron in asked:
        start, stop = sorted((one, other))
        read = cache.read(array, start, stop, layer, neuron)
        assert read.tolist() == array.values[start:stop, layer, neuron].tolist()
        assert cache.n_bytes <= max(max_bytes, largest)


def test_what_was_read_is_not_read_again():
    array, cache = stored((10, 1, 4)), BlockCache()
    cache.read(array, 12, 28, 1, 5)
    assert cache.n_read == 2
    cache.read(array, 11, 29, 1, 6)  # the same two blocks
    assert cache.n_read == 2
    cache.read(array, 12, 28, 0, 5)
    assert cache.n_read == 4


def test_rows_of_all_columns_are_read_where_none_is_named():
    array = stored((10, 2, 7))
    assert BlockCache().read(array, 3, 5).tolist() == array.values[3:5].tolist()


def test_a_stretch_is_what_stands_in_the_run(holdings: Holdings):
    run = holdings.run
    concepts = ["idiom", "first 3 tokens"]
    found = read_stretch(holdings, 95, 165, [(1, 2), (0, 6)], "h", concepts)
    assert (found.start, found.stop) == (95, 165)
    assert found.words == [TYPES[i] for i in run.corpus["type_id"].values[95:165]]
    for row, (layer, neuron) in zip(found.values, found.neurons, strict=True):
        assert row.tolist() == run.activations["hidden_state"].values[95:165, layer, neuron].tolist()
    for row, concept in zip(found.labels, concepts, strict=True):
        assert row.tolist() == run.labels["label"].sel(concept=concept).values[95:165].tolist()
    assert np.flatnonzero(found.is_end).tolist() == [i for i in range(70) if (95 + i) % 10 == 9]
    part = found.part(100, 110)
    assert (part.start, part.words) == (100, found.words[5:15])
    assert part.values.tolist() == found.values[:, 5:15].tolist()


def test_a_stretch_is_cut_to_the_corpus(holdings: Holdings):
    n = holdings.n_token
    assert (read_stretch(holdings, -30, 5, [], "h", []).start, read_stretch(holdings, -30, 5, [], "h", []).stop) == (
        0,
        5,
    )
    assert read_stretch(holdings, n - 3, n + 50, [(0, 0)], "h", []).values.shape == (1, 3)


def test_neurons_of_a_smaller_layer_are_read_and_its_padding_refused(make_run: MakeRun):
    holdings = Holdings(make_run(layer_sizes=(3, 7), analyses=()))
    query = Query({"neurons": [b"0:2,0:3"]})
    assert text_address(query, holdings).neurons == ((0, 2),)
    assert query.notes == ["0:3: no such neuron. There are 0:0 to 0:2, 1:0 to 1:6."]
    assert np.isfinite(read_stretch(holdings, 0, 9, [(0, 2)], "h", []).values).all()


@given(st.data())
def test_an_address_gives_the_state_it_was_made_from(data):
    holdings = FAKE[0]
    width = data.draw(st.integers(MIN_WIDTH, MAX_WIDTH))
    start = data.draw(st.integers(0, holdings.n_token - 1))
    neuron = st.tuples(st.integers(0, 1), st.integers(0, 6))
    address = TextAddress(
        at=data.draw(st.integers(0, max(0, holdings.n_token - width))),
        width=width,
        neurons=tuple(data.draw(st.lists(neuron, unique=True, max_size=8))),
        state="h",
        threshold=data.draw(st.integers(-100, 100)) / 100,
        concepts=tuple(data.draw(st.lists(st.sampled_from(holdings.concepts), unique=True))),
        phrase=" ".join(data.draw(st.lists(st.sampled_from(TYPES), max_size=3))),
        span=data.draw(st.sampled_from([None, (start, min(start + 20, holdings.n_token))])),
    )
    query = parse_qs(address.query(), keep_blank_values=True)
    read = Query({name: [text.encode() for text in texts] for name, texts in query.items()})
    assert text_address(read, holdings) == address
    if address.neurons:
        assert completed(address, read, holdings) == address  # what was unchosen does not come back
    assert read.notes == []


FAKE: list[Holdings] = []


@pytest.fixture(scope="module", autouse=True)
def fake(tmp_path_factory: pytest.TempPathFactory):
    """Keep a run for the tests of hypothesis."""
    from fake_run import write_run

    FAKE.append(Holdings(write_run(tmp_path_factory.mktemp("fake") / "run", analyses=())))
    yield
    FAKE.clear()


@given(st.lists(st.lists(st.sampled_from([-1, 0, 1]), min_size=12, max_size=12), min_size=1, max_size=3))
def test_tracks_cover_exactly_the_targets_and_what_is_left_out(labels):
    n = len(labels)
    whole = Stretch(
        100, ["w"] * 12, np.zeros(12, np.int64), np.zeros(12, np.int64), np.zeros(12, bool), (), "h",
        np.empty((0, 12), np.float32), tuple(f"c{i}" for i in range(n)), np.array(labels, np.int8),
    )  # fmt: skip
    bars = track_runs(whole)
    painted = np.zeros((n, 12), np.int8)
    for left, right, row, label in zip(bars["left"], bars["right"], bars["row"], bars["label"], strict=True):
        places = [t for t in range(100, 112) if left < t < right]
        assert places, "a bar of no token"
        for t in places:
            assert painted[row, t - 100] == 0, "two bars on a token"
            painted[row, t - 100] = 1 if label == "target" else -1
    assert painted.tolist() == labels


def test_occurrences_are_gone_through_round_and_round():
    found = Found([(3, 5), (10, 12), (40, 42)])
    assert found.from_on(4) == (10, 12)
    assert found.from_on(10) == (10, 12)
    assert found.step(True) == (40, 42)
    assert found.step(True) == (3, 5)
    assert found.step(False) == (40, 42)
    assert found.from_on(41) == (3, 5)


def test_a_phrase_is_looked_up_or_the_nearest_are_told(holdings: Holdings):
    types = holdings.run.corpus["type_id"].values
    inside = [t for t in range(599) if types[t] == 0 and types[t + 1] == 5 and t % 10 != 9]
    assert look_for(holdings, "THE naïve").spans == [(t, t + 2) for t in inside]
    assert look_for(holdings, " ").spans == []
    missing = look_for(holdings, "the emperor")
    assert missing.spans == []
    assert "does not stand in the corpus" in missing.hint

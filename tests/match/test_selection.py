"""The selection rule against a loop over tokens and neurons, and its refusals."""

import dask.array as da
import numpy as np
import pytest
import reference_match as reference
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.errors import UserError
from lstm_analysis.match import count_by_threshold, select_neurons

DIMS = ("time", "layer", "neuron")


def draw_states(seed: int, n_time: int = 30, shape: tuple[int, ...] = (2, 4)) -> np.ndarray:
    """Return states with values at the thresholds, beside them, and NaN."""
    rng = np.random.default_rng(seed)
    values = rng.choice([-0.9, -0.3, -0.299996, 0.0, 0.2999949, 0.299996, 0.3, 0.8], size=(n_time, *shape))
    return values.astype(np.float32)


@given(st.integers(0, 10_000), st.integers(0, 27), st.integers(1, 4), st.integers(0, 3), st.integers(0, 3),
       st.sampled_from(["up", "both", "absolute"]))  # fmt: skip
def test_it_selects_what_the_loop_selects(
    seed: int, start: int, length: int, left: int, right: int, sides: str
) -> None:
    values = draw_states(seed)
    stop = min(30, start + length)
    found = select_neurons(values, (start, stop), 0.3, left, right, sides)
    expected = np.zeros((2, 4), int)
    for layer, neuron, sign in reference.select(values, start, stop, 0.3, left, right, sides):
        expected[layer, neuron] = sign or 1
    assert found.values.tolist() == expected.tolist()


def test_a_lazy_array_and_one_in_memory_give_the_same_and_little_is_read() -> None:
    values = draw_states(1, 100)
    read = []

    def block(block_info: dict) -> np.ndarray:
        start, stop = block_info[None]["array-location"][0]
        read.append(start)
        return values[start:stop]

    lazy = da.map_blocks(block, chunks=((10,) * 10, (2,), (4,)), dtype=np.float32, meta=values[:0])
    found = select_neurons(xr.DataArray(lazy, dims=DIMS), (42, 44), left=1, right=2)
    assert found.equals(select_neurons(values, (42, 44), left=1, right=2))
    assert read == [40]


def test_each_neuron_may_have_its_own_threshold() -> None:
    values = np.full((3, 2, 2), 0.5, np.float32)
    threshold = np.array([[0.4, 0.6], [0.5, 0.7]])
    expected = [[1, 0], [1, 0]]
    assert select_neurons(values, (0, 3), threshold).values.tolist() == expected
    assert (
        select_neurons(values, (0, 3), xr.DataArray(threshold.T, dims=("neuron", "layer"))).values.tolist() == expected
    )
    assert select_neurons(values, (0, 3), threshold[0]).values.tolist() == [[1, 0], [1, 0]]


def test_the_tanh_of_cells_is_compared() -> None:
    cells = np.array([[0.3, np.arctanh(0.3)]], np.float32)
    assert select_neurons(cells, (0, 1), transform="tanh").values.tolist() == [0, 1]


def test_a_neuron_that_is_not_there_is_not_selected() -> None:
    values = np.array([[np.nan, 0.5], [np.nan, 0.5]], np.float32)
    assert select_neurons(values, (1, 2), left=0, sides="both").values.tolist() == [0, 1]
    assert select_neurons(values, (0, 1), right=1, sides="both").values.tolist() == [0, 0]


def test_inputs_are_not_changed() -> None:
    values = draw_states(3)
    before = values.copy()
    select_neurons(values, (2, 4), transform="tanh")
    assert (values == before).all()


def test_counts_by_threshold_are_those_of_each_threshold() -> None:
    values = draw_states(5)
    counts = count_by_threshold(values, (10, 11), 0, 0, "both")
    expected = {level: len(reference.select(values, 10, 11, level, 0, 0, "both")) for level in counts}
    assert counts == expected
    assert len(set(counts.values())) > 1


@pytest.mark.parametrize(
    ("states", "span", "options", "message"),
    [
        (np.zeros((5, 2), np.float32), (4, 6), {}, r"4:6 is not inside the corpus, whose 5 tokens are 0:5"),
        (np.zeros((5, 2), np.float32), (3, 3), {}, "3:3 is not inside"),
        (np.zeros((5, 2), np.float32), (-1, 3), {}, "-1:3 is not inside"),
        (np.zeros((5, 2), np.float32), (1, 3), {"left": -1}, "left is -1"),
        (np.zeros((5, 2), np.float32), (1, 3), {"threshold": 1.5}, "threshold 1.5 is out of range"),
        (np.zeros((5, 2), np.float32), (1, 3), {"threshold": np.zeros(3) + 0.3}, r"shape \(3,\), neurons \(2,\)"),
        (np.zeros((5, 2), int), (1, 3), {}, "floating-point numbers, got int"),
        (np.zeros(5, np.float32), (1, 3), {}, "States need dims"),
        (xr.DataArray(np.zeros((5, 2), np.float32), dims=("neuron", "time")), (1, 3), {}, r"use states\.transpose"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(states: np.ndarray, span: tuple[int, int], options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        select_neurons(states, span, **options)

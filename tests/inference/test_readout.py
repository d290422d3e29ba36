"""From pieces to words: against a loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.inference import readout
from lstm_analysis.inference.readout import read_out, sum_surprisal

# How many pieces each word has, and whether its first is also the last of the word before it.
WORDS = st.lists(st.tuples(st.integers(1, 5), st.booleans()), max_size=12)


def bounds(words: list[tuple[int, bool]], offset: int) -> tuple[np.ndarray, np.ndarray]:
    first, last, at = [], [], offset
    for n, shared in words:
        start = at - 1 if shared and first else at
        first.append(start)
        last.append(start + n - 1)
        at = max(at, start + n)
    return np.array(first, np.int64), np.array(last, np.int64)


@pytest.mark.parametrize("how", ["last", "first", "mean"])
@given(words=WORDS, offset=st.integers(0, 2), seed=st.integers(0, 9), at_once=st.integers(1, 5))
def test_states_of_words(how, words, offset, seed, at_once):
    first, last = bounds(words, offset)
    n_piece = int(last.max(initial=0)) + 2
    values = np.random.default_rng(seed).normal(size=(n_piece, 2, 3)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readout, "WORDS_AT_ONCE", at_once)
        found = read_out(values, first, last, how)
    loop = {"last": lambda a, b: values[b], "first": lambda a, b: values[a],
            "mean": lambda a, b: values[a : b + 1].astype(np.float64).mean(axis=0)}[how]  # fmt: skip
    expected = [loop(a, b).astype(np.float32) for a, b in zip(first, last, strict=True)]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.reshape(expected, (len(words), 2, 3)), rtol=1e-6, atol=1e-7)


@given(words=WORDS, offset=st.integers(0, 2), missing=st.sets(st.integers(0, 20), max_size=3))
def test_surprisal_of_words(words, offset, missing):
    first, last = bounds(words, offset)
    bits = np.random.default_rng(0).exponential(size=int(last.max(initial=0)) + 25).astype(np.float32)
    bits[list(missing)] = np.nan
    expected = [bits[a : b + 1].astype(np.float64).sum() for a, b in zip(first, last, strict=True)]
    np.testing.assert_allclose(sum_surprisal(bits, first, last), np.array(expected, np.float32), rtol=1e-6)


def test_padded_neurons_stay_missing():
    values = np.ones((3, 1, 2), np.float32)
    values[..., 1] = np.nan
    mean = read_out(values, np.array([0, 2]), np.array([1, 2]), "mean")
    assert mean[..., 0].tolist() == [[1.0], [1.0]]
    assert np.isnan(mean[..., 1]).all()


def test_inputs_are_unchanged():
    values, first, last = np.ones((4, 1, 1), np.float32), np.array([0, 2]), np.array([1, 3])
    for how in ("last", "first", "mean"):
        read_out(values, first, last, how)[:] = 7
    assert (values == 1).all()
    assert (first.tolist(), last.tolist()) == ([0, 2], [1, 3])

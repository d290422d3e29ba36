"""Passages around tokens: they hold what is asked for, stay in their stream, and begin early enough."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.analyses.lesion import plan_windows

N_TIME = 120


@given(
    st.sets(st.integers(0, N_TIME - 1), min_size=1), st.sets(st.integers(1, N_TIME - 1)), st.integers(1, 12),
    st.integers(1, 40),
)  # fmt: skip
def test_passages_hold_their_tokens(times, cuts, n_before, size):
    time, edges = np.array(sorted(times)), np.array([0, *sorted(cuts), N_TIME])
    place = np.searchsorted(edges, time, side="right") - 1
    found = plan_windows(time, edges[place], edges[place + 1], n_before)
    kept = dict(zip(found.time.tolist(), range(len(found.time)), strict=True))
    for t, start, stop in zip(time.tolist(), edges[place].tolist(), edges[place + 1].tolist(), strict=True):
        if stop - start == 1:
            assert t not in kept
            continue
        slot = kept[t]
        window = found.window[slot]
        assert found.can[slot].tolist() == [t > start, t + 1 < stop]
        assert found.stream[window] == start <= found.start[window] <= max(start, t - n_before)
        assert t + found.can[slot, 1] < found.stop[window] <= stop
        assert found.stop[window] - found.start[window] <= 2 * n_before + 2
    assert (np.diff(found.window) >= 0).all()
    assert found.n_read == (found.stop - found.start - 1).sum()
    blocks = found.blocks(size)
    assert [i for a, b in blocks for i in range(a, b)] == list(range(len(found.start)))
    parts = [found.part(*block) for block in blocks]
    assert np.concatenate([part.time for part in parts]).tolist() == found.time.tolist() if parts else True
    for part in parts:
        assert len(part.start) == 1 or (part.stop - part.start).sum() <= size
        assert set(part.window.tolist()) <= set(range(len(part.start)))

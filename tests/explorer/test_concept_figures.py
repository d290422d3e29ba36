"""Names beside the dots of a concept's neurons."""

import numpy as np
import pytest

from lstm_analysis.explorer.concept_figures import N_NAMED, apart


@pytest.mark.parametrize("saturated", [False, True])
def test_names_cover_neither_each_other_nor_a_dot(saturated: bool) -> None:
    rng = np.random.default_rng(0)
    score = np.sort(rng.uniform(0, 1, 200))
    score = score[np.argsort(-np.abs(score - 0.5))]
    height = np.where(rng.random(200) < 0.8, 4.0, rng.uniform(0, 4, 200)) if saturated else rng.uniform(0, 4, 200)
    named = apart(score, height, 0.5)
    assert 0 < len(named) <= N_NAMED
    assert named[0] == 0
    for i in named:
        for k in range(200):
            beyond = score[k] - score[i] if score[i] >= 0.5 else score[i] - score[k]
            assert not (0 < beyond < np.ptp(score) / 8 and abs(height[k] - height[i]) < np.ptp(height) / 14)


def test_one_dot_or_none_can_be_named() -> None:
    assert apart(np.array([0.9]), np.array([1.0]), 0.5) == [0]
    assert apart(np.array([]), np.array([]), 0.5) == []

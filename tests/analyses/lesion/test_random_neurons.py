"""Neurons that lesions are held against: of the same layer, the nearest, never the lesion's own."""

import math

import numpy as np
import pytest
from random_model import random_model

from lstm_analysis.analyses.lesion import draw_random, outgoing_norms
from lstm_analysis.inference.readers_of import readers_of

RNG = np.random.default_rng(3)
SD = [RNG.uniform(0.1, 1, 30), RNG.uniform(0.1, 1, 25)]
NORM = [RNG.lognormal(size=30), RNG.lognormal(size=25)]


def spread(values):
    low, high = np.percentile(values, [25, 75])
    return high - low


def test_the_nearest_in_sd_and_norm_are_taken():
    (drawn,) = draw_random([((1, 4),)], SD, NORM, 7, seed=0)
    log = [np.log(SD[1]), np.log(NORM[1])]
    distance = {
        j: math.hypot(*((one[j] - one[4]) / spread(one) for one in log)) for j in range(25) if j != 4
    }  # fmt: skip
    assert [one for ((_, one),) in drawn] == sorted(distance, key=distance.get)[:7]
    assert {layer for ((layer, _),) in drawn} == {1}


def test_sets_are_replaced_member_by_member():
    lesion = ((0, 2), (1, 3), (0, 5))
    (drawn,) = draw_random([lesion], SD, NORM, 12, seed=1)
    near = [{one for (one,) in draw_random([(at,)], SD, NORM, 14, 0)[0]} for at in lesion]
    assert len(drawn) == 12
    for one in drawn:
        assert [layer for layer, _ in one] == [0, 1, 0]
        assert len(set(one)) == 3
        assert not set(one) & set(lesion)
        assert all(neuron in others for neuron, others in zip(one, near, strict=True))
    assert draw_random([lesion], SD, NORM, 12, seed=1) == [drawn]
    assert draw_random([lesion], SD, NORM, 12, seed=2) != [drawn]


def test_constant_neurons_are_left_out_and_have_nobody():
    sd = [np.array([0.5, 0.0, 0.4, 0.6])]
    norm = [np.ones(4)]
    assert {one for ((_, one),) in draw_random([((0, 0),)], sd, norm, 9, 0)[0]} == {2, 3}
    assert draw_random([((0, 1),)], sd, norm, 9, 0) == [[]]
    assert draw_random([((0, 0), (0, 2), (0, 3))], sd, norm, 9, 0) == [[]]


def test_a_neuron_without_readers_can_be_matched():
    norm = [np.where(np.arange(30) == 3, 0.0, NORM[0])]
    (drawn,) = draw_random([((0, 3),)], SD[:1], norm, 5, 0)
    assert {one for ((_, one),) in drawn} == set(np.argsort(np.where(np.arange(30) == 3, np.inf, norm[0]))[:5].tolist())


@pytest.mark.parametrize("cell", ["lstm", "gru", "mlstm"])
def test_outgoing_norms_count_every_reader(cell):
    model = random_model(cell, (5, 7))
    found = outgoing_norms(readers_of(model))
    recurrent = [
        layer.extra["weight_factor_recurrent"] if cell == "mlstm" else layer.weight_recurrent for layer in model.layers
    ]
    above = [model.layers[1].weight_input]
    above += [model.layers[1].extra["weight_factor_input"]] if cell == "mlstm" else []
    slow = [
        [math.sqrt(sum(float((m[:, j] ** 2).sum()) for m in (recurrent[0], *above))) for j in range(5)],
        [math.sqrt(sum(float((m[:, j] ** 2).sum()) for m in (recurrent[1], model.decoder.weight))) for j in range(7)],
    ]
    for one, other in zip(found, slow, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)

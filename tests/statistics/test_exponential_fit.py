"""The exponential fit against scipy's, its intervals, and what it says of curves without a tau."""

import numpy as np
import pytest
from scipy import optimize, stats

from lstm_analysis.statistics import exponential_fit as fits
from lstm_analysis.statistics.exponential_fit import fit_exponential, fit_with_interval
from lstm_analysis.statistics.jackknife_interval import jackknife_interval

POSITION = np.arange(60.0)
TOKENS = np.round(2000 * np.exp(-POSITION / 15)) + 5


def model(p, b, a, tau):
    return b + a * (1 - np.exp(-p / tau))


def test_equals_scipy_on_noisy_curves():
    rng = np.random.default_rng(0)
    tau = np.exp(rng.uniform(np.log(1), np.log(25), 30))
    b, a = rng.normal(0, 0.3, 30), rng.choice([-1, 1], 30) * rng.uniform(0.3, 1, 30)
    curve = model(POSITION[:, None], b, a, tau) + 0.3 * rng.normal(size=(60, 30)) / np.sqrt(TOKENS)[:, None]
    curve[57] = np.nan
    tokens = np.where(POSITION == 57, 0, TOKENS)
    found = fit_exponential(curve[None], tokens[None])
    used = tokens > 0
    assert (found.reason == fits.IDENTIFIED).all()
    for i in range(30):
        wanted, _ = optimize.curve_fit(
            model,
            POSITION[used],
            curve[used, i],
            (b[i], a[i], tau[i]),
            sigma=tokens[used] ** -0.5,
            xtol=1e-12,
            ftol=1e-12,
        )
        np.testing.assert_allclose([found.baseline[0, i], found.amplitude[0, i], found.tau[0, i]], wanted, rtol=2e-5)
        y, w = curve[used, i], tokens[used] / tokens.sum()
        left = w @ (y - model(POSITION[used], *wanted)) ** 2
        assert found.r2[0, i] == pytest.approx(1 - left / (w @ (y - w @ y) ** 2), abs=1e-8)


def test_each_replicate_and_neuron_stands_alone():
    rng = np.random.default_rng(1)
    curve, tokens = rng.normal(size=(3, 60, 8)), rng.integers(1, 99, (3, 60)).astype(float)
    whole = fit_exponential(curve, tokens)
    for k in range(3):
        for n in range(8):
            alone = fit_exponential(curve[k : k + 1, :, n : n + 1], tokens[k : k + 1])
            for ours, theirs in zip(alone, whole, strict=True):
                np.testing.assert_allclose(ours[0, 0], theirs[k, n], rtol=1e-6)


@pytest.mark.parametrize(
    ("curve", "reason"),
    [
        (np.full(60, 0.3), fits.CONSTANT),
        (np.full(60, np.nan), fits.CONSTANT),
        (np.where(POSITION == 0, 0.0, 0.5), fits.FAST),
        (POSITION / 60, fits.SLOW),
        (np.exp(POSITION / 20), fits.SLOW),
    ],
)
def test_a_curve_without_a_tau_gets_none(curve, reason):
    found = fit_exponential(curve[None, :, None], TOKENS[None])
    assert found.reason[0, 0] == reason
    assert all(np.isnan(part[0, 0]) for part in found[:4])


def test_too_few_positions():
    tokens = np.where(POSITION < 3, TOKENS, 0)
    curve = np.where(tokens > 0, POSITION, np.nan)[None, :, None]
    assert fit_exponential(curve, tokens[None]).reason.item() == fits.TOO_FEW
    assert fit_exponential(curve, np.zeros((1, 60))).reason.item() == fits.TOO_FEW


def flat_or_not(rng, n_neuron, signal):
    """Curves of 32 blocks: all tokens, then without each block."""
    n = np.tile(np.round(TOKENS / 32), (32, 1)) + rng.integers(0, 3, (32, 60))
    truth = model(POSITION, 0.1, 0.5, 6.0) * signal
    sums = n[:, :, None] * truth[:, None] + np.sqrt(n)[:, :, None] * rng.normal(size=(32, 60, n_neuron))
    counts = np.concatenate([n.sum(0)[None], n.sum(0) - n])
    values = np.concatenate([sums.sum(0)[None], sums.sum(0) - sums])
    return values / counts[:, :, None], counts


def test_flat_curves_rarely_get_a_tau_and_steep_ones_an_interval_that_covers():
    rng = np.random.default_rng(2)
    flat = fit_with_interval(*flat_or_not(rng, 600, 0.0))
    assert np.isfinite(flat.fit.tau).mean() <= 0.025
    assert (flat.fit.reason[np.isnan(flat.fit.tau)] > 0).all()
    steep = fit_with_interval(*flat_or_not(rng, 400, 1.0))
    assert (steep.fit.reason == fits.IDENTIFIED).all()
    for name, truth in (("tau", 6.0), ("amplitude", 0.5), ("baseline", 0.1)):
        covers = (getattr(steep.low, name) <= truth) & (truth <= getattr(steep.high, name))
        assert 0.91 <= covers.mean() <= 0.98, name
    assert ((steep.low.r2 < steep.fit.r2) & (steep.fit.r2 < steep.high.r2)).all()


def test_a_tau_that_one_block_decides_has_no_interval():
    curve = np.stack([model(POSITION, 0, 1, 6.0)] * 4 + [POSITION / 60])[:, :, None]
    found = fit_with_interval(curve, np.tile(TOKENS, (5, 1)))
    assert found.fit.reason[0] in (fits.UNSTABLE, fits.FLAT)
    assert np.isnan([found.low.tau[0], found.high.tau[0]]).all()


def test_one_block_gives_an_estimate_without_interval():
    found = fit_with_interval(model(POSITION, 0, 1, 6.0)[None, :, None], TOKENS[None])
    assert found.fit.tau[0] == pytest.approx(6)
    assert found.fit.reason[0] == fits.UNSTABLE
    assert np.isnan(found.low.tau[0])


def test_jackknife_of_a_mean_is_the_t_interval():
    values = np.random.default_rng(3).normal(size=20)
    low, high = jackknife_interval(values.mean(), (values.sum() - values) / 19)
    wanted = stats.t.interval(0.95, 19, values.mean(), stats.sem(values))
    np.testing.assert_allclose((low, high), wanted)
    assert np.isnan(jackknife_interval(1.0, np.ones(1))[0])

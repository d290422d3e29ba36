"""Thomson's F-test again, as slow and obvious loops over plain numbers."""

import cmath
import itertools
import math

import numpy as np
from scipy.signal.windows import dpss


def segments(stretch, length):
    """First token of each segment."""
    found = []
    for start, stop in itertools.pairwise(stretch):
        at = start
        while at + length <= stop:
            found.append(at)
            at += length
    return found


def eigencoefficients(values, tapers, frequency):
    """The tapered Fourier sums of a segment without its mean."""
    mean = sum(map(float, values)) / len(values)
    turns = [cmath.exp(-2j * math.pi * frequency * t) for t in range(len(values))]
    return [
        sum(w * (float(x) - mean) * turn for w, x, turn in zip(taper, values, turns, strict=True)) for taper in tapers
    ]


def line_of_segment(values, tapers, frequency):
    """Squared size of the fitted line's amplitude, its energy, and all energy."""
    coefficients = eigencoefficients(values, tapers, frequency)
    at_zero = [sum(map(float, taper)) for taper in tapers]
    weight = sum(u * u for u in at_zero)
    mu = sum(u * y for u, y in zip(at_zero, coefficients, strict=True)) / weight
    residual = sum(abs(y - mu * u) ** 2 for u, y in zip(at_zero, coefficients, strict=True))
    return abs(mu) ** 2, abs(mu) ** 2 * weight, abs(mu) ** 2 * weight + residual


def one_neuron(values, starts, length, frequency):
    """F, share of the band, fraction of the variance and power density of a line, pooled over segments."""
    half, k = (4, 7) if length >= 64 else (2, 3)
    tapers = dpss(length, half, k)
    weight = sum(sum(map(float, taper)) ** 2 for taper in tapers)
    shares, powers, energies, tokens = [], [], [], []
    sides = 1 if frequency in (0, 0.5) else 2
    for start in starts:
        part = [float(x) for x in values[start : start + length]]
        if max(part) - min(part) < 1e-5:
            continue
        size, line, energy = line_of_segment(part, tapers, frequency)
        shares.append(line / energy)
        powers.append(sides * (size - (energy - line) / (k - 1) / weight))
        energies.append(energy)
        tokens += part
    mean_share = sum(shares) / len(shares)
    variance = float(np.var(np.array(tokens)))
    return {
        "f_stat": (k - 1) * mean_share / (1 - mean_share),
        "band_share": mean_share,
        "fraction": sum(powers) / len(powers) / variance,
        "psd": sides * sum(energies) / len(energies) / k,
        "variance": variance,
        "n_segment": len(shares),
    }

"""The within-document circular shift as a slow loop over tokens."""

import math


def shifted_statistics(values, label, document_length, n_lag, group, lag):
    """The statistic of one concept and one neuron in each draw; ``lag`` is (group, draw). Plain lists of numbers."""
    n_target, n_baseline = label.count(1), label.count(0)
    weight = {1: 1 / n_target, 0: -1 / n_baseline, -1: 0.0}
    found, per_group = [], []
    for draw in range(len(lag[0])):
        parts = {}
        start = 0
        for d, length in enumerate(document_length):
            mean = sum(values[start : start + length]) / length
            step = math.ceil(length / n_lag[d])
            period = step * n_lag[d]
            shift = step * lag[group[d]][draw] if group[d] >= 0 else 0
            for t in range(period):
                source = (t - shift) % period
                if t < length and source < length:
                    product = weight[label[start + source]] * (values[start + t] - mean)
                    parts[group[d]] = parts.get(group[d], 0.0) + product
            start += length
        found.append(sum(parts.values()))
        per_group.append(math.sqrt(sum(part**2 for part in parts.values())))
    return found, per_group


def two_sided_p(statistics):
    """The first statistic among all of them."""
    observed = abs(statistics[0]) * (1 - 1e-6)
    return sum(abs(value) >= observed for value in statistics) / len(statistics)

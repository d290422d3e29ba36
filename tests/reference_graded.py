"""Every statistic of graded variables again, as slow and obvious loops over plain numbers."""

import math

import numpy as np

EDGES = [*range(61), 70, 80, 90, 100, 120, 140, 160, 180, 200, 250, 300, 350, 400, 500, 600, 800, 1000, 2000]


def row_of(value):
    """The edge that a value counts as; ``None`` without a value."""
    if value == -1:
        return None
    return max(edge for edge in EDGES if edge <= value)


def grades(column):
    """The mid-rank of each token's row among the tokens with a value, as a share of them; ``None`` without a value."""
    rows = [row_of(value) for value in column]
    there = [row for row in rows if row is not None]
    found = []
    for row in rows:
        below, equal = sum(r < row for r in there) if row is not None else 0, there.count(row)
        found.append(None if row is None else (below + equal / 2) / len(there))
    return found


def correlation(values, column, documents):
    """Pearson's correlation of values and grades, both less the mean of their document's tokens with a value."""
    grade, x, g = grades(column), [], []
    for d in sorted(set(documents)):
        places = [t for t in range(len(values)) if documents[t] == d and grade[t] is not None]
        for t in places:
            x.append(values[t] - sum(values[s] for s in places) / len(places))
            g.append(grade[t] - sum(grade[s] for s in places) / len(places))
    spread = math.sqrt(sum(a * a for a in x) * sum(b * b for b in g))
    return sum(a * b for a, b in zip(x, g, strict=True)) / spread if spread > 1e-12 else math.nan


def type_adjusted(values, types, column, min_token=5):
    """The share of what word types and having a value leave that lies between values: least squares with dummies."""
    frequent = {t for t in set(types) if types.count(t) >= min_token}
    kept = [t for t in range(len(values)) if types[t] in frequent]
    words = sorted(frequent)
    rows = sorted({row_of(column[t]) for t in kept} - {None})
    base = np.array([[float(types[t] == w) for w in words] + [float(column[t] == -1)] for t in kept])
    full = np.column_stack([base, np.array([[float(row_of(column[t]) == r) for r in rows] for t in kept])])
    h, left = np.array([values[t] for t in kept], float), []
    for design in (base, full):
        fitted = design @ np.linalg.lstsq(design, h, rcond=None)[0]
        left.append(((h - fitted) ** 2).sum() / (len(h) - np.linalg.matrix_rank(design)))
    return 1 - left[1] / left[0]


def covariances(values, column, lengths, n_lag, group, lag):
    """The covariance within documents in each draw, and the root of its groups' squares; ``lag`` is (group, draw)."""
    grade = grades(column)
    found, roots = [], []
    for draw in range(len(lag[0])):
        parts, start = {}, 0
        for d, length in enumerate(lengths):
            here = grade[start : start + length]
            there = [g for g in here if g is not None]
            level = sum(there) / len(there) if there else 0
            weight = [0 if g is None else g - level for g in here]
            mean = sum(values[start : start + length]) / length
            step = math.ceil(length / n_lag[d])
            period = step * n_lag[d]
            for t in range(period):
                source = (t - step * (lag[group[d]][draw] if group[d] >= 0 else 0)) % period
                if t < length and source < length:
                    product = weight[source] * (values[start + t] - mean)
                    parts[group[d]] = parts.get(group[d], 0.0) + product
            start += length
        found.append(sum(parts.values()))
        roots.append(math.sqrt(sum(part**2 for part in parts.values())))
    return found, roots

"""What the temporal null has to know of labels: documents in which one changes, how long its runs are, why it fails."""

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

LONG_RUN = 0.125
"""From this share of a document on, runs of a label make its concept's statistic a studentised one."""


def why_no_shift(n_token: NDArray[np.integer], n_document: NDArray[np.integer], n_all_documents: int) -> list[str]:
    """Return for each concept why the temporal null says nothing about it, or an empty text.

    Parameters
    ----------
    n_token
        Dims (concept, group), groups baseline and target.
    n_document
        Documents that hold a target and a baseline token, dims (concept).
    n_all_documents
        Documents of the corpus.

    Examples
    --------
    >>> why_no_shift(np.array([[0, 7], [7, 7]]), np.array([0, 1]), 1)
    ['no token is baseline', 'the corpus is one document, and tokens are shifted within documents: two are needed']
    """
    rows = zip(n_token.tolist(), n_document.tolist(), strict=True)
    return [_why_no_shift(baseline, target, n, n_all_documents) for (baseline, target), n in rows]


def _why_no_shift(n_baseline: int, n_target: int, n_document: int, n_all_documents: int) -> str:
    if n_target == 0 or n_baseline == 0:
        return f"no token is {'baseline' if n_target else 'target'}"
    if n_document >= 2:
        return ""
    found = "no document holds" if n_document == 0 else "only one document holds"
    found = f"{found} both target and baseline" if n_all_documents > 1 else "the corpus is one document"
    return f"{found}, and tokens are shifted within documents: two are needed"


@compiled
def look_at_labels(
    label: NDArray[np.int8],
    start: NDArray[np.int64],
    changes: NDArray[np.bool_],
    n_document: NDArray[np.int64],
    run: NDArray[np.float64],
) -> None:
    """Say in which documents a label is not the same throughout; count those that hold target and baseline.

    Parameters
    ----------
    label
        1 target, 0 baseline, -1 left out, dims (time, concept).
    start
        First token of each document and the number of tokens, dims (document + 1).
    changes
        Written: dims (document, concept).
    n_document
        Added to: documents that hold target and baseline, dims (concept).
    run
        Added to: tokens, and the share of its document that each token's run covers, dims (concept, group, 2).
    """
    n_concept = label.shape[1]
    n, covered = np.zeros(3, np.int64), np.zeros(3)
    for d in range(len(start) - 1):
        length = start[d + 1] - start[d]
        for k in range(n_concept):
            n[:] = 0
            covered[:] = 0.0
            first, now = start[d], label[start[d], k]
            for t in range(start[d] + 1, start[d + 1] + 1):
                after = label[t, k] if t < start[d + 1] else np.int8(-2)
                if after != now:
                    n[now] += t - first
                    covered[now] += (t - first) ** 2 / length
                    first, now = t, after
            changes[d, k] = max(n[0], n[1], n[2]) < length
            n_document[k] += n[0] > 0 and n[1] > 0
            for g in range(2):
                run[k, g, 0] += n[g]
                run[k, g, 1] += covered[g]

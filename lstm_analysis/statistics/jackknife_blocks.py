"""Cutting a corpus into blocks of whole documents."""

import numpy as np
from numpy.typing import NDArray

N_BLOCK = 64


def jackknife_blocks(document_start: NDArray[np.integer], n_token: int, n_block: int = N_BLOCK) -> NDArray[np.int64]:
    """Return the block of each document: blocks of consecutive documents with about as many tokens.

    Parameters
    ----------
    document_start
        First token of each document, dims (document).
    n_token
        Tokens of the corpus.
    n_block
        Number of blocks; with fewer documents each is a block.

    Returns
    -------
    Dims (document), 0, 1, ... in ascending order without gaps.

    Examples
    --------
    >>> jackknife_blocks(np.array([0, 10, 20, 90, 100]), 110, n_block=3).tolist()
    [0, 0, 1, 2, 2]
    """
    start = np.append(np.asarray(document_start, dtype=np.int64)[: len(document_start)], n_token)
    n_document = len(start) - 1
    n_block = min(n_block, n_document)
    block, first = np.empty(n_document, dtype=np.int64), 0
    for b in range(n_block):
        fair = start[first] + (n_token - start[first]) / (n_block - b)
        stop = int(np.abs(start[first + 1 : n_document - n_block + b + 2] - fair).argmin()) + first + 1
        block[first:stop], first = b, stop
    return block

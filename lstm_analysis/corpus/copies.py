"""Documents that are copies of others, token by token."""

import hashlib
from collections.abc import Iterator

import numpy as np
import xarray as xr

ROWS_AT_ONCE = 1 << 20


def find_copies(corpus: xr.Dataset) -> list[tuple[int, int]]:
    """Return the documents that hold the same tokens as an earlier one, each with the first of those.

    White space, and comments where they are not read, make no difference. A few bytes a document are kept in memory.

    Parameters
    ----------
    corpus
        With ``type_id``, dims (time), and ``document_start``.
    """
    first: dict[bytes, int] = {}
    found = []
    for document, digest in enumerate(_digests(corpus)):
        original = first.setdefault(digest, document)
        if original != document:
            found.append((document, original))
    return found


def _digests(corpus: xr.Dataset) -> Iterator[bytes]:
    """Yield the digest of each document's tokens."""
    n_token = corpus.sizes["time"]
    stops = [*corpus["document_start"].values[1:].tolist(), n_token]
    column, document, sha = corpus["type_id"], 0, hashlib.sha256()
    for at in range(0, n_token, ROWS_AT_ONCE):
        block = np.ascontiguousarray(column[at : at + ROWS_AT_ONCE].values)
        start, stop = at, at + len(block)
        while document < len(stops) and stops[document] <= stop:
            sha.update(block[start - at : stops[document] - at].data)
            yield sha.digest()
            start, document, sha = stops[document], document + 1, hashlib.sha256()
        sha.update(block[start - at :].data)

"""Decoded blocks of stored arrays, kept in bounded memory: what was read a moment ago is not read again."""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

MAX_BYTES = 64 << 20
Key = tuple[str, tuple[int, ...]]


class BlockCache:
    """Reads ranges of the arrays of a store block by block; a block is a chunk on disk, the last ones used are kept.

    A view of 200 tokens x 5 neurons needs two or three blocks of 4096 tokens x 50 neurons (0.8 MB each): the next
    view beside it needs the same.

    Parameters
    ----------
    max_bytes
        Memory of the blocks that are kept; the block that is read is kept whatever its size.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._blocks: OrderedDict[Key, NDArray[np.generic]] = OrderedDict()
        self._max_bytes = max_bytes
        self._lock = Lock()
        self.n_bytes = 0
        self.n_read = 0
        """Blocks read from disk so far."""

    def read(self, array: xr.DataArray, start: int, stop: int, *places: int) -> NDArray[np.generic]:
        """Return the rows of an array at some place of its other dims.

        Parameters
        ----------
        array
            A lazy array of a store, whose first dim is the one along which rows are counted.
        start, stop
            Rows, half-open, inside the array.
        places
            Index on each further dim; those that are not given are read as a whole.

        Returns
        -------
        Dims: the first one, then those without a place.
        """
        sizes = block_sizes(array)
        rows = sizes[0]
        other = tuple(place // size for place, size in zip(places, sizes[1:], strict=False))
        inside = tuple(place % size for place, size in zip(places, sizes[1:], strict=False))
        parts = []
        for block in range(start // rows, -(-stop // rows)):
            with self._lock:
                values = self._block(array, (block, *other), sizes)
            first = block * rows
            place: tuple[Any, ...] = (slice(max(0, start - first), stop - first), *inside)
            parts.append(values[place])
        return np.concatenate(parts) if parts else np.empty(0, array.dtype)

    def _block(self, array: xr.DataArray, at: tuple[int, ...], sizes: Sequence[int]) -> NDArray[np.generic]:
        key = (str(array.name), at)
        found = self._blocks.get(key)
        if found is None:
            found = array.variable[tuple(slice(i * n, (i + 1) * n) for i, n in zip(at, sizes, strict=False))].values
            self.n_read += 1
            self.n_bytes += found.nbytes
            self._blocks[key] = found
            while self.n_bytes > self._max_bytes and len(self._blocks) > 1:
                self.n_bytes -= self._blocks.popitem(last=False)[1].nbytes
        self._blocks.move_to_end(key)
        return found


def block_sizes(array: xr.DataArray) -> tuple[int, ...]:
    """Return the sizes of the chunks in which an array lies on disk; one that lies in memory is one chunk."""
    chunks = array.encoding.get("chunks") or array.shape
    return tuple(max(1, int(size)) for size in chunks)

"""Whether what lies on disk is what was written: bytes read back, sealed records, checksums of whole results."""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from zarr.abc.store import Store
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.storage import LocalStore, WrapperStore

READ_BACK_BYTES = 1 << 18
CHECKSUM_BYTES = 1 << 20
SEAL = "crc32"
"""Key of a record under which its own checksum stands."""


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record of plain JSON values with its own checksum, by which `is_sealed` finds it damaged."""
    content = {key: value for key, value in record.items() if key != SEAL}
    return {**content, SEAL: _checksum(content)}


def is_sealed(record: Mapping[str, Any]) -> bool:
    """Whether a record has the checksum that its seal says; one without a seal counts as whole.

    >>> is_sealed(sealed({"rows": 12})), is_sealed(sealed({"rows": 12}) | {"rows": 13})
    (True, False)
    """
    return SEAL not in record or sealed(record)[SEAL] == record[SEAL]


def _checksum(content: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(content, sort_keys=True).encode())


def path_checksum(path: Path, pattern: str = "*") -> int | None:
    """Return one CRC-32 over a file, or over the names and contents of all files of a folder.

    Parameters
    ----------
    path
        File or folder; ``None`` is returned if it is neither.
    pattern
        Of the names of the files that count.
    """
    if path.is_file():
        return _file_checksum(path)
    if not path.is_dir():
        return None
    found = 0
    for file in sorted(file for file in path.rglob(pattern) if file.is_file()):
        found = zlib.crc32(f"{file.relative_to(path).as_posix()} {_file_checksum(file)}\n".encode(), found)
    return found


def _file_checksum(file: Path) -> int:
    found = 0
    with file.open("rb") as stream:
        while piece := stream.read(CHECKSUM_BYTES):
            found = zlib.crc32(piece, found)
    return found


class ReadBack(WrapperStore[Store]):
    """A store that reads back the bytes it wrote, which is quicker than to decode them again."""

    async def set(self, key: str, value: Buffer) -> None:
        """Write a file or an object.

        Raises
        ------
        OSError
            If what is stored differs.
        """
        await super().set(key, value)
        wanted = value.as_numpy_array().view(np.uint8)
        if isinstance(self._store, LocalStore):
            same = _holds(self._store.root / key, wanted)
        else:
            found = await self._store.get(key, default_buffer_prototype())
            same = found is not None and np.array_equal(found.as_numpy_array().view(np.uint8), wanted)
        if not same:
            raise OSError(f"{self._store}/{key} reads back differently from what was written")


def _holds(path: Path, wanted: NDArray[np.uint8]) -> bool:
    """Whether a file has these bytes; read in pieces that stay in the processor's cache."""
    if path.stat().st_size != len(wanted):
        return False
    piece = np.empty(READ_BACK_BYTES, np.uint8)
    with path.open("rb", buffering=0) as file:
        for at in range(0, len(wanted), len(piece)):
            n = file.readinto(piece.data)
            if not np.array_equal(piece[:n], wanted[at : at + len(piece)]):
                return False
    return True

"""Arrays of foreign files: their names, sizes and shapes checked before they are used."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import UserError

Array = NDArray[np.floating]
MAX_RATIO = 100
"""Of the bytes that a file declares to those it has: weights do not shrink like that by any compression."""


def check_declared(path: Path, name: str, declared: int, file_bytes: int) -> None:
    """Refuse an array before it is read if it, with those before it, would be far larger than its file.

    Parameters
    ----------
    path, name
        File and array, for messages.
    declared
        Bytes of all arrays up to this one.
    file_bytes
        Bytes of the file.

    Raises
    ------
    UserError
        If a file declares more than 100 times its own bytes.
    """
    if declared > MAX_RATIO * max(file_bytes, 1000):
        raise UserError(
            f"{path} declares {declared / 1e9:,.1f} GB for {name!r}, but has {file_bytes:,} bytes itself; it is "
            "damaged or not what it seems. Copy or save it again."
        )


def expect_shape(path: Path, name: str, array: NDArray[np.generic], *wanted: int | None) -> None:
    """Check a shape; ``None`` stands for any length.

    Raises
    ------
    UserError
        If it is another.
    """
    fits = array.ndim == len(wanted) and all(w in (None, n) for w, n in zip(wanted, array.shape, strict=True))
    if not fits or not array.size:
        shape = str(tuple("any" if w is None else w for w in wanted)).replace("'", "")
        raise UserError(f"{path}: {name} has shape {array.shape}, but {shape} is needed.")


def as_tensors(arrays: Mapping[str, Array]) -> dict[str, Tensor]:
    """Return float32 tensors of arrays."""
    return {name: torch.tensor(np.ascontiguousarray(array, np.float32)) for name, array in arrays.items()}

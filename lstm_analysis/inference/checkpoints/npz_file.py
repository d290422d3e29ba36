"""Numpy's ``.npz``: an LSTM of TensorFlow 1, or the multiplicative LSTM of the sentiment neuron."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from ...errors import UserError
from .arrays import Array, check_declared
from .checkpoint import Checkpoint
from .sentiment_neuron import from_sentiment_neuron, is_sentiment_neuron
from .tensorflow_cell import from_tensorflow


def read_npz(path: Path) -> Checkpoint:
    """Read arrays and tell by their names what they are; no object in the file is ever unpickled.

    Raises
    ------
    UserError
        If the file is damaged, or neither of the two.
    """
    arrays = _load(path)
    if is_sentiment_neuron(arrays):
        return from_sentiment_neuron(path, arrays)
    return from_tensorflow(path, arrays)


def _load(path: Path) -> dict[str, Array]:
    """Return the arrays of numbers by name, without the output that TensorFlow appends to a variable's name."""
    try:
        with zipfile.ZipFile(path) as archive:
            declared = 0
            for entry in archive.infolist():
                declared += entry.file_size
                check_declared(path, entry.filename, declared, path.stat().st_size)
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, MemoryError) as error:
        raise UserError(f"{path} is not a whole .npz file ({error}). Copy or save it again.") from None
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise UserError(
                f"{path} holds a pickled object; unpickling it would run code from the file, so it is refused. Save "
                "arrays of numbers only."
            ) from None
        raise UserError(f"{path} is not a whole .npz file ({error}). Copy or save it again.") from None
    return {name.removesuffix(":0"): array for name, array in found.items() if array.dtype.kind in "fiu"}

"""HDF5 files: all arrays by name, nothing read from any other file."""

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from ...errors import UserError
from .arrays import Array, check_declared
from .packages import need


@dataclass(frozen=True)
class Hdf5:
    """What an HDF5 file holds.

    Parameters
    ----------
    arrays
        By full name, ``group/group/name``.
    attributes
        Attributes of each group by its full name, of the file by an empty name.
    """

    arrays: dict[str, Array]
    attributes: dict[str, dict[str, Any]]


def read_hdf5(path: Path, file: IO[bytes] | Path) -> Hdf5:
    """Read all numeric arrays and all attributes.

    Parameters
    ----------
    path
        For messages.
    file
        What to read: a file, or its bytes.

    Raises
    ------
    UserError
        If the file is damaged, or points to other files.
    """
    h5py = need("h5py", "keras", path)
    size = file.stat().st_size if isinstance(file, Path) else len(file.getbuffer())  # type: ignore[attr-defined]
    found, declared = Hdf5({}, {}), 0

    def visit(name: str, node: Any) -> None:
        nonlocal declared
        if not isinstance(node, h5py.Dataset):
            found.attributes[name] = dict(node.attrs)
        elif node.external or node.is_virtual:
            raise UserError(f"{path} keeps {name!r} in another file, which is refused. Save it as one file.")
        elif node.dtype.kind in "fiu":
            declared += node.size * node.dtype.itemsize
            check_declared(path, name, declared, size)
            found.arrays[name] = np.asarray(node[...], dtype=np.float64 if node.dtype.itemsize > 4 else np.float32)

    try:
        with h5py.File(file, "r") as opened:
            found.attributes[""] = dict(opened.attrs)
            opened.visititems(visit)  # follows no link to another file
    except UserError:
        raise
    except Exception as error:  # a damaged file makes the HDF5 library raise almost anything
        raise UserError(f"{path} is not a whole HDF5 file ({_first_line(error)}). Copy or save it again.") from None
    return found


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__

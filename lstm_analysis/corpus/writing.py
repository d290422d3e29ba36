"""A corpus to disk, block by block: its length is bounded by the disk, not by memory."""

import hashlib
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray

from .. import schema
from ..store import FINGERPRINT, new_store
from ..vocabulary import Vocabulary
from .dataset import CorpusBuilder, empty_corpus
from .sentences import Sentence


def write_corpus(
    path: Path,
    sentences: Iterable[Sentence],
    builder: CorpusBuilder,
    vocabulary: Vocabulary,
    rows: int,
    fingerprint: str,
    progress: Callable[[int], Any],
) -> dict[str, Any]:
    """Write the corpus store of the sentences.

    Parameters
    ----------
    path
        The store; it appears when it is whole.
    sentences
        What to write.
    builder
        Codes the sentences.
    vocabulary
        Of the model.
    rows
        Tokens of a block, a chunk on disk.
    fingerprint
        Of the inputs.
    progress
        Called with the number of tokens of each block.

    Returns
    -------
    Counts of the corpus and the SHA-256 of its columns and tables.

    Raises
    ------
    UserError
        If there is no sentence.
    """
    sha, encoder = hashlib.sha256(), Encoder(vocabulary)
    with new_store(path) as folder:
        group = zarr.open_group(folder, mode="w", zarr_format=3)
        for block in builder.blocks(sentences, rows):
            if builder.pieces is None:
                block = block.assign(token_id=("time", encoder.encode(builder.types, block["type_id"].values)))
            else:
                encoder.count(block["piece_id" if "piece_id" in block else "token_id"].values)
            for name, column in block.items():
                _append(group, str(name), column, rows)
                sha.update(column.values.tobytes())
            progress(block.sizes["time"])
        if not builder.n_token:
            raise empty_corpus(builder)
        tables = builder.tables().assign_attrs({FINGERPRINT: fingerprint})
        tables.to_zarr(folder, mode="a", consolidated=False, zarr_format=3)
    for name in sorted(map(str, tables.coords)):
        sha.update("\0".join(map(str, tables[name].values)).encode())
    return {
        "n_token": builder.n_token,
        "n_sentence": builder.n_sentence,
        "n_document": len(builder.documents),
        "n_type": len(builder.types),
        "n_mark": len(builder.marks),
        "limited": builder.limited,
        "n_unknown": encoder.n_unknown,
        "digest": sha.hexdigest(),
    } | ({} if builder.pieces is None else {"n_piece": builder.pieces.n_piece, "n_word": builder.pieces.n_word})


class Encoder:
    """Rows of the vocabulary for types, each looked up once, and how often the unknown one was met.

    Parameters
    ----------
    vocabulary
        Of the model.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.n_unknown = 0
        self._token_of_type = np.zeros(0, np.int32)

    def encode(self, types: Iterable[str], type_id: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the row of each token, dims (time); ``types`` may have grown since the call before."""
        new = list(islice(types, len(self._token_of_type), None))
        if new:
            self._token_of_type = np.concatenate([self._token_of_type, self.vocabulary.encode(new)])
        token_id: NDArray[np.int32] = self._token_of_type[type_id]
        self.count(token_id)
        return token_id

    def count(self, token_id: NDArray[np.int32]) -> None:
        """Count the unknown among rows that the model reads."""
        if self.vocabulary.unknown is not None:
            self.n_unknown += int(np.count_nonzero(token_id == self.vocabulary.unknown))


def _append(group: zarr.Group, name: str, column: xr.DataArray, rows: int) -> None:
    if name not in group:
        variable = schema.VARIABLES.get(name)
        group.create_array(
            name,
            shape=(0,),
            chunks=(rows,),
            dtype=column.dtype,
            fill_value=0,
            dimension_names=[str(dim) for dim in column.dims],
            attributes=dict(variable.attrs) if variable else {"units": "1", "long_name": f"index in `{_table(name)}`"},
        )
    array = group[name]
    assert isinstance(array, zarr.Array)
    array.append(column.values)


def _table(name: str) -> str:
    """Return the table of names that an annotation's column counts in."""
    return name.removeprefix("word_").removesuffix("_id")

"""A corpus to disk, block by block: its length is bounded by the disk, not by memory."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from .. import schema
from ..store import FINGERPRINT, new_store
from .dataset import CorpusBuilder, empty_corpus
from .sentences import Sentence

Encoder = Callable[[Sequence[str]], NDArray[np.int32]]


def write_corpus(
    path: Path,
    sentences: Iterable[Sentence],
    builder: CorpusBuilder,
    encode: Encoder,
    unknown: int | None,
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
    encode
        Surface forms to vocabulary indices.
    unknown
        The index that unknown words get.
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
    sha, counts = hashlib.sha256(), np.zeros(0, np.int64)
    token_of_type = np.zeros(0, np.int32)
    with new_store(path) as folder:
        group = zarr.open_group(folder, mode="w", zarr_format=3)
        for block in builder.blocks(sentences, rows):
            new = list(builder.types)[len(token_of_type) :]
            token_of_type = np.concatenate([token_of_type, encode(new)]) if new else token_of_type
            columns = {str(name): column.values for name, column in block.items()}
            columns["token_id"] = token_of_type[columns["type_id"]]
            counts = np.pad(counts, (0, len(token_of_type) - len(counts)))
            counts += np.bincount(columns["type_id"], minlength=len(counts))
            for name, values in columns.items():
                _append(group, name, values, rows)
                sha.update(values.tobytes())
            progress(len(values))
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
        "n_unknown": int(counts[token_of_type == unknown].sum()) if unknown is not None else 0,
        "digest": sha.hexdigest(),
    }


def _append(group: zarr.Group, name: str, values: NDArray[Any], rows: int) -> None:
    if name not in group:
        variable = schema.VARIABLES.get(name)
        group.create_array(
            name,
            shape=(0,),
            chunks=(rows,),
            dtype=values.dtype,
            fill_value=0,
            dimension_names=("time",),
            attributes=dict(variable.attrs) if variable else {"units": "1", "long_name": f"index in `{name[:-3]}`"},
        )
    array = group[name]
    assert isinstance(array, zarr.Array)
    array.append(values)

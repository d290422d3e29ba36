"""The corpus of an imported project: ``corpus.zarr``, written block by block."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr

from .. import schema
from ..progress import Progress
from ..store import FINGERPRINT, new_store, write_rows
from ..vocabulary import UNKNOWN_NAMES
from .coded_values import Coded, Numbers
from .hdf5 import Array
from .lstmvis_layout import Layout


@dataclass(frozen=True)
class ImportedCorpus:
    """Words and tracks of a project as columns along ``time``.

    Parameters
    ----------
    words
        The words.
    tracks
        Annotations by the name of their column.
    layout
        Sentences and documents.
    """

    words: Coded
    tracks: Mapping[str, Coded | Numbers]
    layout: Layout

    @property
    def first_id(self) -> int:
        """The id that is row 0 of the vocabulary: 1 where ids begin with 1, else 0."""
        return min(min(self.words.names), 1)

    def columns(self, start: int, stop: int) -> dict[str, Array]:
        """Return the columns of tokens, dims (time)."""
        found: dict[str, Array] = {"type_id": self.words.codes(start, stop), **self.coordinates(start, stop)}
        for name, track in self.tracks.items():
            if isinstance(track, Coded):
                found[f"{name}_id"] = track.codes(start, stop)
            else:
                found[name] = track.values(start, stop)
        return found

    def coordinates(self, start: int, stop: int) -> dict[str, Array]:
        """Return the columns that lie beside states as well, and `sentence_length`, dims (time)."""
        return {"token_id": self.words.ids(start, stop) - self.first_id, **self.layout.columns(start, stop)}

    def dtypes(self) -> dict[str, Any]:
        """Return the stored type of each column."""
        found = {name: array.dtype for name, array in self.columns(0, 1).items()}
        known = {name: schema.VARIABLES[name].dtype for name in found if name in schema.VARIABLES}
        return {name: dtype.newbyteorder("=") for name, dtype in found.items()} | known

    def attrs(self, name: str) -> dict[str, Any]:
        """Return the attributes of a column."""
        if name in schema.VARIABLES:
            return dict(schema.VARIABLES[name].attrs)
        if name in self.tracks:
            return {"units": "", "long_name": "meta track of the imported project"}
        return {"units": "1", "long_name": f"index in `{name.removesuffix('_id')}`"}

    def tables(self) -> xr.Dataset:
        """Return the tables that the columns count in."""
        tables = {"type": self.words.table(), "document_name": self.layout.document_names}
        tables |= {name: track.table() for name, track in self.tracks.items() if isinstance(track, Coded)}
        starts = self.layout.documents.astype(schema.VARIABLES["document_start"].dtype)
        coords = {name: (name, np.array(names, dtype=object)) for name, names in tables.items()}
        found: xr.Dataset = schema.attach_attrs(xr.Dataset({"document_start": ("document_name", starts)}, coords))
        return found


def write_corpus(path: Path, corpus: ImportedCorpus, rows: int, fingerprint: str, bar: Progress) -> dict[str, Any]:
    """Write ``corpus.zarr`` in one step and return its counts.

    Parameters
    ----------
    path
        Where.
    corpus
        What.
    rows
        Rows of a chunk.
    fingerprint
        Of the project and the options.
    bar
        Told of every token.
    """
    n_time, n_unknown, tables = corpus.layout.n_time, 0, corpus.tables()
    unknown = [code for code, name in enumerate(tables["type"].values) if name in UNKNOWN_NAMES]
    with new_store(path) as folder:
        group = zarr.open_group(folder, mode="w", zarr_format=3)
        for name, dtype in corpus.dtypes().items():
            group.create_array(
                name,
                shape=(n_time,),
                chunks=(rows,),
                dtype=dtype,
                fill_value=0,
                dimension_names=["time"],
                attributes=corpus.attrs(name),
            )
        for start in range(0, n_time, rows):
            stop = min(start + rows, n_time)
            columns = corpus.columns(start, stop)
            write_rows(folder, [(start, stop)], rows, columns)
            n_unknown += int(np.isin(columns["type_id"], unknown).sum())
            bar.update(stop - start)
        tables.assign_attrs({FINGERPRINT: fingerprint}).to_zarr(folder, mode="a", consolidated=False, zarr_format=3)
    return {
        "n_token": n_time,
        "n_sentence": len(corpus.layout.sentences),
        "n_document": len(corpus.layout.documents),
        "n_type": tables.sizes["type"],
        "n_unknown": n_unknown,
        "unknown_share": n_unknown / n_time,
        "limited": n_time < len(corpus.words.dataset),
    }

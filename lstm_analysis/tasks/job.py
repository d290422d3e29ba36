"""What every task of a run needs to know, and where it finds it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import zarr
from numpy.typing import NDArray

from ..config import State
from ..inference.extraction import open_reader
from ..inference.kernels import Kernel
from ..inference.product import Precision
from ..inference.reader import StreamReader
from ..locations import Location
from ..store import COORDINATES, Spans, commit_path, read_rows

Receipt = dict[str, Any]
ACTIVATIONS = "activations.zarr"


@dataclass(frozen=True)
class Job:
    """What every task of a run needs to know.

    Parameters
    ----------
    run
        Folder of the run.
    model_digest
        Digest of the model in it.
    carry
        Where states are reset, see `InferenceConfig`.
    states
        States to keep on disk; `hidden` is read in any case.
    surprisal
        Whether to compute it.
    dtype
        Stored type of the states; ``none`` to keep none.
    device, precision, kernel, readout, tolerance
        See `InferenceConfig`.
    rows
        Tokens of a shard on disk.
    settles
        Whether lanes may begin from another c where it is saturated, to be corrected in the end.
    context_group
        Column whose values give at most one context each: ``document`` or ``sentence``.
    n_merged
        Number of shards whose summaries are merged as soon as those beside them are there; 0 if that must wait.
    activations_url
        Where the states are kept, if not in the run's folder.
    graded
        Graded variables that states are summed up by.
    gram
        Whether summaries hold products of every two neurons.
    """

    run: Path
    model_digest: str
    carry: str
    states: tuple[State, ...]
    surprisal: bool
    dtype: str
    device: str
    precision: Precision
    kernel: Kernel
    readout: Literal["last", "first", "mean"]
    tolerance: float
    rows: int
    settles: bool = False
    context_group: str = "document"
    n_merged: int = 0
    activations_url: str | None = None
    graded: tuple[str, ...] = ()
    gram: bool = False

    def reader(self) -> StreamReader:
        """Return the reader of the run's model, loaded once a process."""
        return open_reader(self.run / "model.safetensors", self.model_digest, self.device, self.precision, self.kernel)

    def column(self, store: str, name: str, *spans: tuple[int, int]) -> NDArray[Any]:
        """Return rows of a column of one of the run's stores."""
        return self._rows(store, name, spans)

    @property
    def activations(self) -> Location:
        """Where the states are kept."""
        return self.run / ACTIVATIONS if self.activations_url is None else self.activations_url

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Columns of the corpus that are kept beside the states, so that they make sense alone."""
        word = ("word",) if "word" in zarr.open_group(self.run / "corpus.zarr", mode="r") else ()
        return (*COORDINATES, *word)

    def _rows(self, store: str, name: str, spans: Spans) -> NDArray[Any]:
        place = self.activations if store == ACTIVATIONS else self.run / store
        array = zarr.open_group(place, mode="r")[name]
        assert isinstance(array, zarr.Array)
        return read_rows(array, spans)

    def checksums(self, index: int) -> dict[str, int]:
        """Return the checksum of each stored variable of a shard, as its commit says."""
        text = commit_path(self.run, index).read_text(encoding="utf-8")
        found: dict[str, int] = json.loads(text)["checksums"]
        return found


def times(spans: Spans) -> NDArray[np.int64]:
    """Return the place in the corpus of each row of a few spans.

    >>> times([(3, 5), (9, 10)]).tolist()
    [3, 4, 9]
    """
    return np.concatenate([np.arange(start, stop, dtype=np.int64) for start, stop in spans])

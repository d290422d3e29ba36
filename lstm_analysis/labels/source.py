"""What every label source offers, and how a source reads its rows of the corpus."""

from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

TARGET, BASELINE, LEFT_OUT = 1, 0, -1


class LabelSource(Protocol):
    """Says of each token whether it is a target of a concept, baseline, or left out.

    A source is immutable and small enough to travel to the workers. What it says of a token does not depend
    on how the corpus is cut into blocks.
    """

    @property
    def of_words(self) -> bool:
        """Whether it labels words; else it labels places on ``time``, which can be pieces of words."""

    @property
    def default_name(self) -> str:
        """The name a study gives the source if it gives none."""

    def names(self, corpus: xr.Dataset) -> list[str]:
        """Return the concepts; ``""`` is the one that takes the name under which the source is registered."""

    def label(self, corpus: xr.Dataset, start: int, stop: int) -> NDArray[np.int8]:
        """Return the labels of the tokens ``[start, stop)``, dims (time, concept): 1, 0 or -1."""


def read_rows(corpus: xr.Dataset, name: str, start: int, stop: int) -> NDArray[Any]:
    """Return rows of a column in memory.

    Dask-backed columns are read by the calling thread: inside a task, the cluster's own scheduler would wait
    for a free worker that may never come.
    """
    rows = corpus[name].isel(time=slice(start, stop)).compute(scheduler="synchronous")
    return rows.to_numpy()

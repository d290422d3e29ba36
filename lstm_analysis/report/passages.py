"""Passages of the corpus with a neuron's value at each token."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..schema import CONTEXT_OFFSETS
from .material import Material
from .palette import style_class

OFFSETS = np.array(CONTEXT_OFFSETS)


@dataclass(frozen=True)
class Token:
    """A word, the value after reading it (NaN where it is not known), whether it is a target of the concept."""

    word: str
    value: float
    target: bool

    @property
    def style(self) -> str:
        """Name of the style of its colour."""
        return style_class(self.value)

    @property
    def title(self) -> str:
        """The value, written for a person; empty for NaN."""
        return "" if math.isnan(self.value) else f"{self.value:z.3f}".replace("-", "−")


@dataclass(frozen=True)
class Passage:
    """The tokens around one of them, inside its document."""

    document: str
    time: int
    before: tuple[Token, ...]
    centre: Token
    after: tuple[Token, ...]


def around(time: NDArray[np.int64], n_time: int) -> NDArray[np.int64]:
    """Return the tokens whose words are needed to show passages around some tokens, ascending."""
    near = np.unique(time[:, None] + OFFSETS)
    return near[(near >= 0) & (near < n_time)]


def read_words(material: Material, time: NDArray[np.int64], concepts: Iterable[int]) -> xr.Dataset:
    """Read words, documents and labels of some tokens; nothing else of the corpus is read.

    Parameters
    ----------
    material
        The run.
    time
        Tokens, ascending.
    concepts
        Places along ``concept`` of the labels to read.

    Returns
    -------
    The `text_column`, ``document`` (time) and ``label`` (time, concept) in memory, with ``time`` and the place along
    ``concept`` as coordinates.
    """
    chosen = list(concepts)
    rows = material.corpus[[text_column(material), "document"]].drop_vars("time", errors="ignore").isel(time=time)
    label = material.labels["label"].reset_coords(drop=True).drop_vars("concept").isel(time=time, concept=chosen)
    read = rows.reset_coords(drop=True).assign(label=label).compute(scheduler="synchronous")
    return read.assign_coords(time=time, concept=chosen)


def text_column(material: Material) -> str:
    """Return the column that says what stands at a token: of a piece of a word the model's own name for it."""
    return "token_id" if "word" in material.corpus else "type_id"


def visible(text: str) -> str:
    """Return a piece of a word with its blanks and line ends to be seen.

    >>> visible(" the"), visible("\\n")
    ('␣the', '↵')
    """
    return text.translate({ord(" "): "␣", ord("\n"): "↵", ord("\r"): "␍", ord("\t"): "⇥"})


def passage(material: Material, words: xr.Dataset, concept: int, time: int, value: NDArray[np.floating]) -> Passage:
    """Return the passage around a token.

    Parameters
    ----------
    material
        The run, for the tables of its corpus.
    words
        A result of `read_words` that covers the token's surroundings.
    concept
        Place along ``concept`` whose targets are marked.
    time
        The token.
    value
        The neuron's values at `OFFSETS` around it.
    """
    places = time + OFFSETS
    inside = (places >= 0) & (places < material.corpus.sizes["time"])
    near = words.sel(time=places[inside], concept=concept)
    document = near["document"].sel(time=time).item()
    same = near["document"].values == document
    column, names = text_column(material), material.corpus["document_name"].values
    table, show = ("type", str) if column == "type_id" else ("token_name", visible)
    texts = material.corpus[table].values
    columns = (OFFSETS[inside], near[column].values, value[inside], near["label"].values)
    tokens = {
        int(offset): Token(show(texts[index]), float(v), label == 1)
        for offset, index, v, label in zip(*(values[same] for values in columns), strict=True)
    }
    before = tuple(token for offset, token in tokens.items() if offset < 0)
    after = tuple(token for offset, token in tokens.items() if offset > 0)
    return Passage(str(names[document]), time, before, tokens[0], after)

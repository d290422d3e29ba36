"""Words by the mean state after them, on two principal components: a scatter for the eye."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import xarray as xr
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure
from numpy.typing import NDArray

from ..fixed_point import SCALE
from .holdings import Holdings
from .look import ACCENT, FONT, INK, QUIET, hover, plain_figure

N_WORD, MIN_TOKEN = 1500, 20
LETTER, LINE, SIDE = 7.0, 15.0, 560.0
"""Pixels of a letter, of a line of text and of the shorter side of the frame."""
MAX_NAMED = 70


@dataclass(frozen=True)
class WordMap:
    """Words on two components.

    Parameters
    ----------
    row
        Of each word in the type table.
    word, n_token
        The words, and how often each occurs.
    place
        Dims (word, component).
    share
        Share of the variance between words that each component has.
    n_neuron
        Neurons of the states.
    """

    row: NDArray[np.intp]
    word: list[str]
    n_token: NDArray[np.int64]
    place: NDArray[np.float64]
    share: NDArray[np.float64]
    n_neuron: int

    def table(self, member: NDArray[np.bool_]) -> pd.DataFrame:
        """Return a row a word: ``word, n_token, component_1, component_2, member``."""
        columns = {"word": self.word, "n_token": self.n_token}
        columns |= {f"component_{i + 1}": self.place[:, i] for i in range(2)}
        return pd.DataFrame(columns | {"member": member.astype(int)})


@lru_cache(maxsize=8)
def word_map(holdings: Holdings, layer: int | None = None) -> WordMap | None:
    """Return the most frequent words by their mean states; ``None`` if the run lacks the sums of words.

    The components are those of the variance between these words, a word counting as often as it occurs.

    Parameters
    ----------
    holdings
        The run; up to 1500 words with 20 tokens or more are taken.
    layer
        Of whose neurons; ``None`` for all.
    """
    summary = holdings.summary
    if summary is None or "type_value_sum" not in summary or summary.sizes["table_type"] < 3:
        return None
    n_token = summary["type_n_token"].values
    frequent = np.argsort(-n_token, kind="stable")[:N_WORD]
    rows = np.sort(frequent[n_token[frequent] >= MIN_TOKEN])
    if len(rows) < 3:
        return None
    chosen = np.isfinite(summary["value_min"].transpose("layer", "neuron").values)
    if layer is not None:
        chosen &= (np.arange(len(chosen)) == layer)[:, None]
    sums = summary["type_value_sum"].isel(table_type=rows).transpose("table_type", "layer", "neuron").values
    mean = sums[:, chosen] / SCALE / n_token[rows, None]
    place, share = principal_components(mean, n_token[rows].astype(float))
    types = holdings.corpus["type"].values[summary["table_type_id"].values[rows]]
    return WordMap(rows, [str(word) for word in types], n_token[rows], place, share, mean.shape[1])


def principal_components(
    mean: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the places of rows on the first two principal components, and the share of variance of each.

    Parameters
    ----------
    mean
        Dims (row, neuron).
    weight
        Of each row, positive.

    Returns
    -------
    Places, dims (row, component), and shares, dims (component); each component's sign is that in which its largest
    loading is positive.
    """
    centred = mean - np.average(mean, axis=0, weights=weight)
    covariance = (centred * weight[:, None]).T @ centred / weight.sum()
    values, vectors = np.linalg.eigh(covariance)
    first = vectors[:, ::-1][:, :2]
    first = first * np.where(first[np.abs(first).argmax(axis=0), [0, 1][: first.shape[1]]] < 0, -1.0, 1.0)
    total = values.sum()
    return centred @ first, values[::-1][:2] / total if total > 0 else np.full(2, np.nan)


def members(holdings: Holdings, words: WordMap, concept: str) -> NDArray[np.bool_]:
    """Return which words are targets of a concept at half of their tokens or more."""
    assert holdings.summary is not None
    n_target: xr.DataArray = holdings.summary["type_target_n_token"]
    if concept not in holdings.concepts:
        return np.zeros(len(words.row), bool)
    of = n_target.isel(concept=holdings.concepts.index(concept), table_type=words.row).values
    return np.asarray(2 * of >= words.n_token)


def word_figure(words: WordMap, member: NDArray[np.bool_], concept: str) -> figure:
    """Return the scatter: members of the concept dark, names where there is room, members' and frequent words' first.

    Parameters
    ----------
    words, member
        The words, and which of them belong to the concept.
    concept
        Its name.
    """
    plot = plain_figure(
        height=620,
        x_axis_label=f"component 1 ({100 * words.share[0]:.0f} % of the variance between words)",
        y_axis_label=f"component 2 ({100 * words.share[1]:.0f} %)",
    )
    order = np.argsort(member, kind="stable")  # members are drawn last, on top
    source = ColumnDataSource(
        {
            "x": words.place[order, 0], "y": words.place[order, 1], "word": [words.word[i] for i in order],
            "n_token": words.n_token[order], "size": 3 + np.log2(words.n_token[order] / MIN_TOKEN).clip(0) * 0.9,
            "colour": np.where(member[order], ACCENT, "#b9bec7"),
        }
    )  # fmt: skip
    dots = plot.scatter(x="x", y="y", size="size", fill_color="colour", line_color=None, fill_alpha=0.75, source=source)
    named = room_for_names(words, member)
    texts = ColumnDataSource(
        {
            "x": words.place[named, 0], "y": words.place[named, 1], "word": [words.word[i] for i in named],
            "colour": [INK if member[i] else QUIET for i in named],
        }
    )  # fmt: skip
    plot.text(
        x="x", y="y", text="word", text_color="colour", text_font={"value": FONT}, text_font_size="13px",
        text_align="center", y_offset=-4, source=texts,
    )  # fmt: skip
    plot.add_tools(hover([("word", "@word"), ("tokens", "@n_token{0,0}")], renderers=[dots]))
    return plot


def room_for_names(words: WordMap, member: NDArray[np.bool_]) -> list[int]:
    """Return the words that can be written without covering each other, members and frequent ones first."""
    extent = np.ptp(words.place, axis=0)
    scale = SIDE / np.where(extent > 0, extent, 1.0)
    taken: list[tuple[float, float, float]] = []
    chosen: list[int] = []
    for i in np.lexsort((-words.n_token, ~member)).tolist():
        if len(chosen) == MAX_NAMED:
            break
        x, y = words.place[i] * scale
        half = LETTER * len(words.word[i]) / 2 + 2
        if all(abs(x - a) > half + b or abs(y - c) > LINE for a, c, b in taken):
            taken.append((x, y, half))
            chosen.append(i)
    return chosen

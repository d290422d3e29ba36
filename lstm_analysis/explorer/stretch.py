"""A stretch of the corpus with the values of some neurons and the labels of some concepts: what the text view shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..report.numerals import neuron_name
from ..report.passages import visible
from .holdings import NAMES, VALUES, Holdings

Neuron = tuple[int, int]


@dataclass(frozen=True)
class Stretch:
    """Tokens in a row.

    Parameters
    ----------
    start
        The first token.
    words
        What stands at each.
    sentence, document
        Of each.
    is_end
        Whether a sentence ends there.
    neurons
        Layer and neuron of each row of ``values``.
    state
        ``h`` or ``tanh_c``.
    values
        Dims (neuron, time); NaN where they are not stored.
    concepts
        Names of the rows of ``labels``.
    labels
        Dims (concept, time).
    """

    start: int
    words: list[str]
    sentence: NDArray[np.int64]
    document: NDArray[np.int64]
    is_end: NDArray[np.bool_]
    neurons: tuple[Neuron, ...]
    state: str
    values: NDArray[np.float32]
    concepts: tuple[str, ...]
    labels: NDArray[np.int8]

    @property
    def stop(self) -> int:
        """The token after the last."""
        return self.start + len(self.words)

    def part(self, start: int, stop: int) -> "Stretch":
        """Return the tokens that lie between two, half-open."""
        a, b = max(start, self.start) - self.start, min(stop, self.stop) - self.start
        rows = slice(a, max(a, b))
        return Stretch(
            self.start + a, self.words[rows], self.sentence[rows], self.document[rows], self.is_end[rows],
            self.neurons, self.state, self.values[:, rows], self.concepts, self.labels[:, rows],
        )  # fmt: skip

    def table(self, documents: Sequence[str]) -> pd.DataFrame:
        """Return a row a token: ``time, token, document, sentence, sentence_end``, a column a neuron and a concept."""
        columns: dict[str, object] = {
            "time": np.arange(self.start, self.stop), "token": self.words,
            "document": [documents[i] for i in self.document.tolist()], "sentence": self.sentence,
            "sentence_end": self.is_end,
        }  # fmt: skip
        rows = zip(self.neurons, self.values, strict=True)
        columns |= {f"{NAMES[self.state]} of {neuron_name(*neuron)}": values for neuron, values in rows}
        columns |= {f"label of {name}": labels for name, labels in zip(self.concepts, self.labels, strict=True)}
        return pd.DataFrame(columns)


def read_stretch(
    holdings: Holdings, start: int, stop: int, neurons: Sequence[Neuron], state: str, concepts: Sequence[str]
) -> Stretch:
    """Read a stretch; nothing else of the corpus and the states is read but the chunks it lies in.

    Parameters
    ----------
    holdings
        The run.
    start, stop
        Tokens, half-open; cut to the corpus.
    neurons
        Layer and neuron of each line.
    state
        ``h`` or ``tanh_c``.
    concepts
        Names of concepts of the run.
    """
    start, stop = max(0, start), min(stop, holdings.n_token)
    stop = max(start, stop)
    columns = {name: column(holdings, name, start, stop) for name in ("sentence", "document")}
    position, length = (column(holdings, name, start, stop) for name in ("sentence_position", "sentence_length"))
    kept = [neuron for neuron in neurons if holdings.states is not None]
    values = [read_values(holdings, start, stop, neuron, state) for neuron in kept]
    return Stretch(
        start=start,
        words=read_words(holdings, start, stop),
        sentence=columns["sentence"],
        document=columns["document"],
        is_end=position == length - 1,
        neurons=tuple(kept),
        state=state,
        values=np.array(values, np.float32).reshape(len(kept), stop - start),
        concepts=tuple(concepts),
        labels=_labels(holdings, start, stop, concepts),
    )


def column(holdings: Holdings, name: str, start: int, stop: int) -> NDArray[np.int64]:
    """Return rows of a column of the corpus."""
    return holdings.cache.read(holdings.corpus[name], start, stop).astype(np.int64)


def read_words(holdings: Holdings, start: int, stop: int) -> list[str]:
    """Return what stands at some tokens in a row; of pieces of words with their blanks to be seen."""
    ids = column(holdings, "token_id" if holdings.of_pieces else "type_id", start, stop)
    show = visible if holdings.of_pieces else str
    return [show(text) for text in holdings.types[ids]]


def read_values(holdings: Holdings, start: int, stop: int, neuron: Neuron, state: str) -> NDArray[np.float32]:
    """Return the values of a neuron at some tokens in a row.

    Parameters
    ----------
    holdings
        A run with stored states.
    start, stop
        Tokens, inside the corpus.
    neuron
        Layer and neuron.
    state
        ``h``, or ``tanh_c`` for tanh of the cell.
    """
    assert holdings.states is not None
    read = holdings.cache.read(holdings.states[VALUES[state]], start, stop, *neuron).astype(np.float32)
    return np.tanh(read) if state == "tanh_c" else read


def _labels(holdings: Holdings, start: int, stop: int, concepts: Sequence[str]) -> NDArray[np.int8]:
    if holdings.labels is None or not concepts:
        return np.empty((len(concepts), stop - start), np.int8)
    rows = holdings.cache.read(holdings.labels["label"], start, stop)
    return rows[:, [holdings.concepts.index(name) for name in concepts]].T.astype(np.int8)

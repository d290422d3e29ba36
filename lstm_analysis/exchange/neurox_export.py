"""States as the HDF5 activations of NeuroX: one dataset a sentence, dims (layer, time, neuron)."""

import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..disk import new_file
from ..errors import UsageError
from .hdf5 import need_h5py
from .selection import Selection

INDEX = "sentence_to_index"
SUFFIX = ".hdf5"


def export_neurox(selection: Selection, out: Path) -> str:
    """Write one kind of states for NeuroX, whose loader opens it.

    A sentence that the span cuts is shorter. Memory is bounded by a block of states, and the text, which the format
    keeps in one piece.

    Parameters
    ----------
    selection
        What to write: one kind of states, of layers with as many neurons each.
    out
        The file; its name must end in ``.hdf5``, by which NeuroX knows the format.

    Returns
    -------
    One line that says what was written.

    Raises
    ------
    UsageError
        If the selection or the name is another.
    """
    n_neuron = _check(selection, out)
    h5py, edges, state = need_h5py(), sentence_edges(selection), selection.states[0]
    with new_file(out) as temporary, h5py.File(temporary, "w") as file:
        for start, stop in selection.blocks("export"):
            values = selection.values(state, start, stop)[:, :, :n_neuron].transpose(1, 0, 2)
            first, last = np.searchsorted(edges, [start, stop - 1], side="right").tolist()
            for index in range(first - 1, last):
                begin, end = edges[index : index + 2].tolist()
                a, b = max(begin, start), min(end, stop)
                shape = len(selection.layers), end - begin, n_neuron
                dataset = file.require_dataset(str(index), shape, selection.dtype)
                dataset[:, a - begin : b - begin] = values[:, a - start : b - start]
        file.create_dataset(INDEX, (1,), h5py.string_dtype())[0] = json.dumps(sentence_index(selection, edges))
    return f"{out}: {state} of {len(edges) - 1:,} sentences, {selection.n_time:,} tokens"


def sentence_edges(selection: Selection) -> NDArray[np.int64]:
    """Return the first token of each sentence of a selection, and its end."""
    found: list[NDArray[Any]] = []
    last = np.full(1, -1)
    for start in range(selection.start, selection.stop, 1 << 20):
        sentence = selection.column("sentence", start, min(start + (1 << 20), selection.stop))
        found.append(start + np.flatnonzero(np.diff(sentence, prepend=last)))
        last = sentence[-1:]
    return np.append(np.concatenate(found), selection.stop).astype(np.int64)


def sentence_index(selection: Selection, edges: NDArray[np.int64]) -> dict[str, str]:
    """Return the dataset of each sentence by its text."""
    words = selection.words()
    codes = selection.column(selection.word_codes(), selection.start, selection.stop)
    places = (edges - selection.start).tolist()
    texts = (" ".join([words[code] for code in codes[a:b].tolist()]) for a, b in pairwise(places))
    return {text: str(index) for index, text in enumerate(numbered(texts))}


def numbered(texts: Iterable[str]) -> Iterable[str]:
    """Yield texts, those that came before with their occurrence, as NeuroX tells them apart.

    >>> list(numbered(["a b", "c", "a b", "a b"]))
    ['a b', 'c', 'a b (Occurrence 2)', 'a b (Occurrence 3)']
    """
    counts: dict[str, int] = {}
    for text in texts:
        name, n = text, counts.get(text, 0)
        while name in counts:
            n += 1
            name = f"{text} (Occurrence {n})"
        counts[text] = max(n, 1)
        counts.setdefault(name, 1)
        yield name


def _check(selection: Selection, out: Path) -> int:
    """Return the number of neurons of a layer."""
    if out.suffix != SUFFIX:
        raise UsageError(f"{out} must end in {SUFFIX}, by which NeuroX knows the format.")
    if len(selection.states) != 1:
        raise UsageError(
            f"NeuroX reads one kind of states, and the run stores {', '.join(selection.states)}. Choose one, such as "
            "--state hidden."
        )
    sizes = selection.layer_sizes(selection.states[0])
    if len(set(sizes.values())) != 1 or not all(sizes.values()):
        found = ", ".join(f"layer {layer}: {size}" for layer, size in sizes.items())
        raise UsageError(f"NeuroX needs layers of as many neurons each, found {found}. Choose some with --layers.")
    return next(iter(sizes.values()))

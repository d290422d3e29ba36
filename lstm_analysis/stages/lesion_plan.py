"""What lesions of a run are looked at: concepts, tokens, passages, and which token counts for what."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import zarr
from numpy.typing import NDArray

from .. import fixed_point, schema
from ..analyses.lesion import NeuronSet, Piece, Tokens, Windows, choose_tokens, plan_windows
from ..errors import UsageError
from ..inference.model import LanguageModel
from ..run import Run
from ..selectivity import choose_concepts
from .lesion_choice import Chosen
from .lesion_streams import streams_of
from .tables import corpus_columns, count_types

log = logging.getLogger("lstm_analysis")

N_EVERYWHERE = 2000
"""Random tokens at which the loss overall is looked at."""
MOST_CONCEPTS = 100
LABEL_TOKENS = 1 << 17
"""Tokens whose labels are held at once."""


@dataclass(frozen=True)
class LesionPlan:
    """What is looked at.

    Parameters
    ----------
    concepts
        Places along ``concept``.
    tokens, windows
        Their tokens, and the passages around them.
    slot, cell
        Which slot of the passages counts in which cell, pair by pair: cells are target and control of each concept, and
        all tokens last.
    """

    concepts: list[int]
    tokens: Tokens
    windows: Windows
    slot: NDArray[np.int64]
    cell: NDArray[np.int64]

    @property
    def n_cell(self) -> int:
        """Number of cells."""
        return 2 * len(self.concepts) + 1

    def of_block(self, first: int, stop: int) -> tuple[Windows, NDArray[np.int64], NDArray[np.int64], int]:
        """Return some passages, and the pairs of slot and cell in them."""
        begin, end = np.searchsorted(self.windows.window, [first, stop])
        mine = (self.slot >= begin) & (self.slot < end)
        return self.windows.part(first, stop), self.slot[mine] - begin, self.cell[mine], self.n_cell


def plan_lesions(run: Run, chosen: Chosen, n_token: int, n_before: int, seed: int) -> LesionPlan:
    """Return what is looked at; see `LesionOptions`."""
    concepts, corpus = chosen_concepts(run, chosen), corpus_columns(run.path)
    run.in_place("labels")  # says what is wrong if they are not there
    tokens = choose_tokens(
        lambda: _pieces(run, concepts), count_types(corpus), range(len(concepts)), n_token, N_EVERYWHERE, seed
    )
    groups = [group for pair in zip(tokens.target, tokens.control, strict=True) for group in pair]
    groups = [group[group >= 0] for group in [*groups, tokens.everywhere]]
    time = np.unique(np.concatenate(groups))
    windows = plan_windows(time, *streams_of(run, time), n_before)
    slots, cells = [], []
    for cell, group in enumerate(groups):
        there = np.isin(group, windows.time)
        slots.append(np.searchsorted(windows.time, group[there]))
        cells.append(np.full(int(there.sum()), cell, np.int64))
    return LesionPlan(concepts, tokens, windows, np.concatenate(slots), np.concatenate(cells))


def chosen_concepts(run: Run, chosen: Chosen) -> list[int]:
    """Return the places of the concepts that are looked at: all, or of many those that the report shows."""
    scores = run.selectivity
    names = [str(name) for name in scores["concept"].values]
    if len(names) <= MOST_CONCEPTS:
        return list(range(len(names)))
    wanted = {concept for concepts in chosen.values() for concept in concepts}
    shown = {place for source in choose_concepts(scores) for place in source.shown}
    kept = sorted(shown | {place for place, name in enumerate(names) if name in wanted})
    log.warning("lesion: %d of %d concepts are looked at, those that the report shows", len(kept), len(names))
    return kept


def moments(run: Run, model: LanguageModel) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """Return mean and standard deviation of each neuron's h, dims (layer)(neuron); 0 for a constant one."""
    summary = run.in_place("summary")
    names = ["n_token", "value_sum", "square_sum_high", "square_sum_low"]
    sums = summary[[f"position_{name}" for name in names]].load().sum("sentence_position")
    every = {name: found.transpose("layer", "neuron").values for name, found in {
        "mean": fixed_point.mean(sums, "position_"), "variance": fixed_point.variance(sums, "position_"),
        "span": summary["value_max"] - summary["value_min"]}.items()}  # fmt: skip
    sd = np.where(every["span"] < schema.RESOLUTION, 0.0, np.sqrt(every["variance"]))
    sizes = list(enumerate(model.layer_sizes))
    return [every["mean"][layer, :n] for layer, n in sizes], [sd[layer, :n] for layer, n in sizes]


def refuse_unknown(run: Run, lesions: Sequence[NeuronSet]) -> None:
    """Refuse neurons that there are not, and lesions named twice.

    Raises
    ------
    UsageError
        Naming them.
    """
    sizes = [int(n) for n in run.facts["model"]["layer_sizes"]]
    for layer, neuron in (one for lesion in lesions for one in lesion):
        if layer >= len(sizes) or neuron >= sizes[layer]:
            there = ", ".join(f"{i}:0 to {i}:{n - 1}" for i, n in enumerate(sizes))
            raise UsageError(f"There is no neuron {layer}:{neuron} in {run.path}: it has {there}.")
    for lesion in lesions:
        if len(set(lesion)) < len(lesion) or sum(set(other) == set(lesion) for other in lesions) > 1:
            raise UsageError(f"The lesion {name_of(lesion)} names a neuron twice, or is given twice. Give each once.")


def name_of(lesion: NeuronSet) -> str:
    """Return how a lesion is written.

    >>> name_of(((1, 387),)), name_of(((1, 3), (0, 4)))
    ('1:387', '1:3,0:4')
    """
    return ",".join(f"{layer}:{neuron}" for layer, neuron in lesion)


def _pieces(run: Run, concepts: list[int]) -> Iterator[Piece]:
    """Yield the corpus with the labels of some concepts."""
    label = cast("zarr.Array[Any]", zarr.open_group(run.path / "labels.zarr", mode="r")["label"])
    type_id = corpus_columns(run.path)["type_id"]
    for start in range(0, label.shape[0], LABEL_TOKENS):
        rows = slice(start, start + LABEL_TOKENS)
        yield Piece(start, np.asarray(label[rows])[:, concepts], np.asarray(type_id[rows]))

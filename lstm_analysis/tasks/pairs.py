"""Correlations of two blocks of neurons, of one model or of two read over the same tokens."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray

from ..analyses.neuron_matching import Best, BlockSums, ProductSums, Quantiser, best_of, quantisers
from ..analyses.neuron_matching.columns import MIN_RESIDUAL_SD, MOST_TOKENS
from ..errors import UserError
from ..locations import Location
from ..store import open_dataset

PAIR_NEURONS = 256
"""Neurons of a block."""


class NeuronBlock(NamedTuple):
    """Neurons of a layer, and the place of the first among all neurons of the model, layer by layer."""

    layer: int
    start: int
    stop: int
    first: int

    @property
    def n_neuron(self) -> int:
        """How many they are."""
        return self.stop - self.start


@dataclass(frozen=True)
class MatchedStates:
    """The states of a run over tokens that another run shares.

    Parameters
    ----------
    activations
        Where they are kept.
    layer_sizes
        Neurons of each layer.
    rows
        Variable of the plan with the row of each token, increasing; ``None`` where every row is one.
    """

    activations: Location
    layer_sizes: tuple[int, ...]
    rows: str | None = None

    @property
    def n_neuron(self) -> int:
        """Neurons of all layers."""
        return sum(self.layer_sizes)

    def blocks(self) -> list[NeuronBlock]:
        """Return all neurons in blocks of `PAIR_NEURONS` at most."""
        found, first = [], 0
        for layer, size in enumerate(self.layer_sizes):
            for start in range(0, size, PAIR_NEURONS):
                found.append(NeuronBlock(layer, start, min(start + PAIR_NEURONS, size), first + start))
            first += size
        return found

    def values(self, block: NeuronBlock, plan: xr.Dataset) -> NDArray[np.float32]:
        """Return the values at the tokens of a part of the plan, dims (time, neuron).

        Raises
        ------
        UserError
            If rows are missing.
        """
        array = zarr.open_group(self.activations, mode="r")["hidden_state"]
        assert isinstance(array, zarr.Array)
        row = plan["time"].values if self.rows is None else plan[self.rows].values
        low, high = (int(row[0]), int(row[-1]) + 1) if len(row) else (0, 0)
        read = np.asarray(array[low:high, block.layer, block.start : block.stop])
        found: NDArray[np.float32] = read.astype(np.float32, copy=False)
        if np.isnan(found).any():
            raise UserError(
                f"States of {self.activations} are missing between the tokens {low} and {high}: they were damaged "
                "after they were read. Run its study again: damaged shards are then found and read anew."
            )
        found = found[row - low]
        return found


def pair_block(
    index: tuple[int, ...],
    plan: Path,
    mine: MatchedStates,
    other: MatchedStates,
    my_block: NeuronBlock,
    other_block: NeuronBlock,
    whole: bool,
) -> xr.Dataset:
    """Return how every neuron of a block correlates with every neuron of another one.

    Parameters
    ----------
    index
        Of the task.
    plan
        Store with the row of each token's type, ``type_row`` (-1: none), its ``position``, and the rows of both runs;
        dims (time).
    mine, other, my_block, other_block
        Which neurons. Of a neuron with itself nothing is said.
    whole
        Whether all correlations are returned, not the best only.

    Returns
    -------
    ``{my,other}_{place,r,r_residual}`` (neuron or other, rank); with ``whole`` also ``r, r_residual`` (neuron, other)
    and ``my_sd``, ``other_sd``; ``n_token, n_token_residual``.
    """
    same = mine == other and my_block == other_block
    columns = [(mine, my_block)] if same else [(mine, my_block), (other, other_block)]
    scales = [_scales(plan, *one) for one in columns]
    sizes = my_block.n_neuron, other_block.n_neuron
    states, residuals = ProductSums(*sizes), ProductSums(*sizes)
    for part in _parts(plan):
        row, place = part["type_row"].values, part["position"].values
        values = [one.values(block, part) for one, block in columns]
        numbers = [scale.values(one) for scale, one in zip(scales, values, strict=True)]
        states.add(numbers[0], numbers[-1])
        numbers = [scale.residuals(one, row, place) for scale, one in zip(scales, values, strict=True)]
        residuals.add(numbers[0], numbers[-1])
    constant = scales[0].constant, scales[-1].constant
    r = states.correlation(*constant)
    left = [constant[i] | ~(sd * scales[-i].residual_step >= MIN_RESIDUAL_SD) for i, sd in enumerate(residuals.sd())]
    r_residual = residuals.correlation(*left)
    if same:
        np.fill_diagonal(r, np.nan)
        np.fill_diagonal(r_residual, np.nan)
    found = _result(r.astype(np.float32), r_residual.astype(np.float32), my_block.first, other_block.first, whole)
    sd = {f"{side}_sd": (dim, sd * scale.step) for side, dim, sd, scale in
          zip(("my", "other"), ("neuron", "other"), states.sd(), (scales[0], scales[-1]), strict=True)}  # fmt: skip
    return found.assign(sd).assign(n_token=states.n_row, n_token_residual=residuals.n_row)


def _parts(plan: Path) -> Iterator[xr.Dataset]:
    """Yield the plan in parts of as many tokens as are multiplied at once."""
    found = open_dataset(plan)
    n_token = found.sizes["time"]
    for start in range(0, n_token, MOST_TOKENS):
        stop = min(start + MOST_TOKENS, n_token)
        yield found.isel(time=slice(start, stop)).load().assign_coords(time=np.arange(start, stop))


def _scales(plan: Path, states: MatchedStates, block: NeuronBlock) -> Quantiser:
    n_type = cast(int, zarr.open_group(plan, mode="r").attrs["n_type"])
    sums = BlockSums(n_type, block.n_neuron)
    for part in _parts(plan):
        sums.add(states.values(block, part), part["type_row"].values, part["position"].values)
    return quantisers(sums)


def _result(
    r: NDArray[np.float32], r_residual: NDArray[np.float32], my_first: int, other_first: int, whole: bool
) -> xr.Dataset:
    sides = {"my": ("neuron", best_of(r, r_residual, other_first)),
             "other": ("other", best_of(r.T, r_residual.T, my_first))}  # fmt: skip
    found = {
        f"{side}_{name}": ((dim, "rank"), getattr(best, name)) for side, (dim, best) in sides.items()
        for name in Best._fields
    }  # fmt: skip
    if whole:
        found |= {"r": (("neuron", "other"), r), "r_residual": (("neuron", "other"), r_residual)}
    return xr.Dataset(found)

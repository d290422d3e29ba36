"""A text cut for truncated back-propagation: parallel streams, and the piece of them that each update reads."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import UserError
from ...recipe import Recipe


@dataclass(frozen=True)
class Pieces:
    """The pieces of an epoch's updates.

    Parameters
    ----------
    streams
        Vocabulary indices, dims (step, stream).
    steps
        Tokens of a stream between two updates.
    starts
        First step of each update.
    """

    streams: Tensor
    steps: int
    starts: range

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, i: int) -> Tensor:
        """Return the tokens of an update and the one after them, dims (step, stream)."""
        return self.streams[self.starts[i] : self.starts[i] + self.steps + 1]


def cut(token_id: NDArray[np.int32], recipe: Recipe, device: torch.device) -> Pieces:
    """Return a text, dims (time), as pieces; up to ``streams - 1`` last tokens have no place in the streams.

    Raises
    ------
    UserError
        If the text is too short for a single update.
    """
    length = len(token_id) // recipe.streams
    whole = (length - 1) // recipe.steps * recipe.steps
    stop = whole if recipe.drop_partial else length - 1
    if stop < 1:
        raise UserError(
            f"{len(token_id)} tokens are too few to train on with {recipe.streams} streams of {recipe.steps} steps. "
            "Give a longer text, or fewer streams or steps."
        )
    text = token_id[: length * recipe.streams].reshape(recipe.streams, length).T.astype(np.int64)
    return Pieces(torch.as_tensor(text, device=device).contiguous(), recipe.steps, range(0, stop, recipe.steps))

"""What changes the weights: AdamW, plain SGD, and the average over a training's last updates."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ...recipe import Recipe

NON_MONOTONE = 5


def make_optimiser(parameters: Sequence[nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """Return the optimiser of a recipe; its rate is set at every update."""
    if recipe.optimiser == "adamw":
        return torch.optim.AdamW(parameters, recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)
    return torch.optim.SGD(parameters, recipe.learning_rate, weight_decay=recipe.weight_decay)


def average_begins(recipe: Recipe, validation: Sequence[float]) -> bool:
    """Whether averaging begins after these epochs.

    Parameters
    ----------
    recipe
        Whether and when to average.
    validation
        Perplexity after each epoch so far.

    Examples
    --------
    >>> slow = [90.0, 80.0, 79.0, 78.0, 77.0, 76.0]
    >>> average_begins(Recipe(optimiser="asgd"), slow), average_begins(Recipe(optimiser="asgd"), [*slow, 91.0])
    (False, True)
    """
    if recipe.optimiser != "asgd":
        return False
    if recipe.average_after is not None:
        return len(validation) >= recipe.average_after
    earlier = validation[: -NON_MONOTONE - 1]
    return bool(earlier) and validation[-1] > min(earlier)


class Average:
    """The mean of the weights after each update since it began.

    Parameters
    ----------
    parameters
        The weights as they change, by name.
    """

    def __init__(self, parameters: Mapping[str, Tensor]) -> None:
        self.parameters = parameters
        self.mean: dict[str, Tensor] = {}
        self.n_update = 0

    @torch.no_grad()
    def add(self) -> None:
        """Take in the weights as they are now."""
        self.n_update += 1
        for name, parameter in self.parameters.items():
            mean = self.mean.setdefault(name, torch.zeros_like(parameter))
            mean += (parameter - mean) / self.n_update

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the network have the mean weights for a while, if there are any."""
        with torch.no_grad():
            now = {name: self.parameters[name].clone() for name in self.mean}
            for name, mean in self.mean.items():
                self.parameters[name].copy_(mean)
            try:
                yield
            finally:
                for name, value in now.items():
                    self.parameters[name].copy_(value)

"""The learning rate of each update."""

import math

from ...recipe import Recipe


def learning_rate(recipe: Recipe, update: int, per_epoch: int) -> float:
    """Return the rate of an update.

    Parameters
    ----------
    recipe
        Schedule and highest rate.
    update
        Updates done before, from 0.
    per_epoch
        Updates of an epoch.

    Examples
    --------
    >>> recipe = Recipe(schedule="decay", learning_rate=1.0, decay=0.5, decay_after=4, epochs=13)
    >>> [learning_rate(recipe, epoch * 10, 10) for epoch in range(7)]
    [1.0, 1.0, 1.0, 1.0, 0.5, 0.25, 0.125]
    """
    if recipe.schedule == "constant":
        return recipe.learning_rate
    if recipe.schedule == "decay":
        assert recipe.decay is not None
        assert recipe.decay_after is not None
        late = max(0, update // per_epoch + 1 - recipe.decay_after)
        return recipe.learning_rate * recipe.decay**late
    n_update = recipe.epochs * per_epoch
    warm_up = max(1, n_update // 50)
    cosine = 0.5 * (1 + math.cos(math.pi * max(0, update - warm_up) / n_update))
    return recipe.learning_rate * min(1.0, (update + 1) / warm_up) * cosine

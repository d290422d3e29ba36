"""Recipes: what does not fit is refused by name."""

import math
from typing import Any

import pytest

from lstm_analysis.errors import UsageError
from lstm_analysis.recipe import Recipe


@pytest.mark.parametrize(
    "wrong",
    [
        {"embedding_size": 0}, {"patience": 0}, {"init_range": 0.0}, {"init_range": float("inf")},
        {"forget_bias": float("nan")}, {"dropout_input": 1.0}, {"dropout_between": -0.1}, {"dropout_output": 2.0},
        {"keep_epochs": (0.0, 1.0)}, {"keep_epochs": (2.0, 1.0)}, {"keep_epochs": (1.0, 6.0)},
        {"keep_epochs": (math.nan,)},
        {"decay": 0.0}, {"decay": float("nan")}, {"decay_after": -1}, {"average_after": -1}, {"hold_out": 1},
    ],
    ids=str,
)  # fmt: skip
def test_values_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=rf"^model\.train\.{next(iter(wrong))} is .*; it must be "):
        Recipe(**wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"optimiser": "adam"}, r"optimiser is 'adam'; did you mean 'adamw'"),
        ({"schedule": "linear"}, r"schedule is 'linear'; .*one of cosine, constant, decay"),
        ({"softmax": "addaptive"}, r"softmax is 'addaptive'; did you mean 'adaptive'"),
        ({"loss": "total"}, r"loss is 'total'; .*one of mean, sum"),
        ({"precision": "float16"}, r"precision is 'float16'; .*one of float32, bfloat16"),
        ({"device": "gpu"}, r"device is 'gpu'; .*one of auto, cpu, cuda"),
        ({"embedding_size": 100}, r"embedding_size is 100 and size is 200: .*Set tied: false"),
        ({"softmax": "adaptive", "cutoffs": (9,)}, r"softmax is adaptive: .*Set tied: false"),
        ({"softmax": "adaptive", "tied": False}, r"softmax is adaptive and cutoffs is \[\]"),
        ({"cutoffs": (100,)}, r"softmax is full and cutoffs is \[100\]"),
        *(
            ({"softmax": "adaptive", "tied": False, "cutoffs": cutoffs}, r"cutoffs is .*it must be increasing, above 0")
            for cutoffs in ((9, 9), (9, 5), (0, 9), (9, 10_000))
        ),
        ({"softmax": "adaptive", "tied": False, "cutoffs": (5, 9), "size": 15}, r"names 2 clusters, each 4 times"),
        ({"schedule": "decay", "decay": 0.5}, r"schedule is decay and decay_after is None"),
        ({"schedule": "decay", "decay_after": 4}, r"schedule is decay and decay is None"),
        ({"decay": 0.5}, r"schedule is cosine and decay is 0\.5"),
        ({"average_after": 3}, r"average_after is 3, but optimiser is adamw"),
        ({"optimiser": "asgd", "average_after": 5}, r"average_after is 5, but there are 5 epochs"),
        ({"validation": "v.txt", "hold_out": 20}, r"has hold_out and validation"),
    ],
    ids=str,
)  # fmt: skip
def test_values_that_do_not_go_together(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=rf"^model\.train\.?.*{message}"):
        Recipe(**wrong)


def test_one_dropout_stands_for_those_not_given() -> None:
    recipe = Recipe(dropout=0.5, dropout_between=0.0)
    assert [recipe.dropout_of(place) for place in ("input", "between", "output")] == [0.5, 0.0, 0.5]  # type: ignore[arg-type]

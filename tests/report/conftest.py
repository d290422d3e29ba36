"""Runs to write a report of."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from fake_run import ANALYSES, MakeRun, write_run

from lstm_analysis.report.material import Material, Replicate, gather


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Return a function that writes a run; see `write_run` for its options."""
    return lambda **options: write_run(tmp_path / "fake & run", **options)


@pytest.fixture(scope="package")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """A run with all analyses and a twin."""
    folder = tmp_path_factory.mktemp("runs") / "fake & run"
    return gather(write_run(folder, draws=99, analyses=(*ANALYSES, "neuron_matching"), twin="initial"))


@pytest.fixture(scope="package")
def beside(whole: Material) -> Material:
    """The run beside two other models: one with the twin's results, and one without analyses."""
    assert whole.twin is not None
    fields = {name: getattr(whole.twin, name) for name in ("tuning", "categories", "idioms", "graded", "periodicity")}
    same = Replicate("seed <1>", scores=whole.twin.scores, matched=_matched(whole.scores), **fields)
    return replace(whole, replicates=(same, Replicate("other", scores=whole.twin.scores, matched=None)))


def _matched(scores: xr.Dataset) -> xr.Dataset:
    """Each neuron is most like the next one of the other layer."""
    layer, neuron = np.indices((scores.sizes["layer"], scores.sizes["neuron"]))
    dims = ("rank", "layer", "neuron")
    columns = {
        "best_layer": 1 - layer, "best_neuron": (neuron + 1) % neuron.shape[1], "r": 0.5 + layer / 10 + neuron / 100,
    }  # fmt: skip
    best = {name: (dims, values[np.newaxis]) for name, values in columns.items()}
    return xr.Dataset(best | {"r_rotated": (dims[1:], np.full(layer.shape, 0.25))})

"""A run to match in, and a Dask client."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import zarr
from distributed import Client, LocalCluster
from fake_run import write_run

from lstm_analysis.run import Run, open_run


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of two layers, the second one smaller."""
    found = write_run(tmp_path_factory.mktemp("kept") / "run", layer_sizes=(7, 5))
    zarr.open_group(found.path / "activations.zarr", mode="r+").attrs["layer_sizes"] = [7, 5]
    return open_run(found.path)


@pytest.fixture
def run(kept: Run, tmp_path: Path) -> Run:
    """A copy to spoil."""
    shutil.copytree(kept.path, tmp_path / "run")
    return open_run(tmp_path / "run")


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    options = {"n_workers": 1, "processes": False, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        yield client

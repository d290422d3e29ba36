"""Defaults of ours stand where Dask's own would, and nowhere else."""

import json
import subprocess
import sys
from collections.abc import Iterator

import dask
import pytest

from lstm_analysis.cluster.defaults import DEFAULTS, set_defaults

OWN = {"distributed.scheduler.worker-ttl": "10 minutes", "distributed.worker.preload": ["something.else"]}


@pytest.fixture(autouse=True)
def configuration() -> Iterator[None]:
    """Begin with Dask's configuration as it comes, and put the present one back."""
    import distributed

    assert distributed.__version__
    with dask.config.set(
        {key: dask.config.get(key, config=dask.config.merge(*dask.config.defaults)) for key in DEFAULTS}
    ):
        yield


def test_defaults_are_ours() -> None:
    set_defaults()
    assert {key: dask.config.get(key) for key in DEFAULTS} == DEFAULTS


def test_the_users_configuration_stays() -> None:
    with dask.config.set(OWN):
        set_defaults()
        assert {key: dask.config.get(key) for key in OWN} == OWN
        assert dask.config.get("distributed.scheduler.worker-saturation") == 1.0


def test_the_server_that_workers_are_forked_from_has_no_threads_of_python_and_no_device() -> None:
    """What a forked process must not inherit: running threads, and a CUDA context that cannot be used in it."""
    program = (
        "import json, sys, threading\n"
        "from lstm_analysis.cluster.forking import IMPORTED\n"
        "[__import__(name) for name in IMPORTED]\n"
        "torch = sys.modules['torch']\n"
        "print(json.dumps([threading.active_count(), torch.cuda.is_initialized(), 'bokeh' in sys.modules]))"
    )
    found = json.loads(subprocess.check_output([sys.executable, "-c", program], text=True))
    assert found == [1, False, False]

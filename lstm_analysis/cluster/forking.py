"""Workers of this machine begin as forks of a process that has imported what they need."""

import multiprocessing
import sys

METHOD = "distributed.worker.multiprocessing-method"
IMPORTED = ("distributed", "distributed.nanny", "distributed.worker", "lstm_analysis.tasks")


def fork_workers() -> None:
    """Let worker processes of this machine be forked by a server process, in place of each importing all again.

    The server is a fresh process with one thread that imports and does nothing else: it opens no device and no file.
    Its environment is that of the first worker. Elsewhere than on Linux workers are spawned, as Dask does by itself.
    """
    import dask
    from distributed.utils import get_mp_context

    if not sys.platform.startswith("linux"):
        return
    dask.config.set({METHOD: "forkserver"})
    get_mp_context()  # names imports of its own, once
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(IMPORTED))

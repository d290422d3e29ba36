"""What Dask's configuration is unless the user's own, or the cluster file, says otherwise."""

from typing import Any

DEFAULTS: dict[str, Any] = {
    "distributed.scheduler.worker-ttl": "120s",
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.deploy.lost-worker-timeout": "60s",
    "distributed.worker.preload": ["lstm_analysis.tasks"],
}
"""In Dask's place: a worker that is not heard of for two minutes is given up (Dask waits for five). A worker gets its
next task when it has finished one, so that a worker that dies takes no other task along (Dask hands out one more). A
worker process that was killed has a minute to start again before its place is given up (Dask: 15 s, less than an import
can take on a busy machine). A worker imports what it needs before it joins, for it cannot be heard of meanwhile."""


def set_defaults() -> None:
    """Set what still has Dask's own default."""
    import dask
    import distributed

    assert distributed.__version__  # its import brings its defaults
    dasks = dask.config.merge(*dask.config.defaults)
    for key, value in DEFAULTS.items():
        if dask.config.get(key) == dask.config.get(key, config=dasks):
            dask.config.set({key: value})

"""Where the work is done: a Dask cluster from a cluster file, and a sliding window of tasks over it."""

from .client import connect, open_client
from .places import LOCAL, PLACES, local_size
from .window import work

__all__ = ["LOCAL", "PLACES", "connect", "local_size", "open_client", "work"]

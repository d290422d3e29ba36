"""Where the work is done: a Dask cluster from a cluster file, and a sliding window of tasks over it."""

from .client import check_file, connect, open_client
from .places import LOCAL, PLACES, local_size
from .shared import shared
from .window import work

__all__ = ["LOCAL", "PLACES", "check_file", "connect", "local_size", "open_client", "shared", "work"]

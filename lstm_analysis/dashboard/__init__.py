"""The page on which people watch a study: what workers count, what the scheduler keeps of it, how it is shown.

This module loads neither Dask nor Bokeh: the tasks count through it, and so does a program without a cluster.
"""

from .announcing import watch
from .counting import count

__all__ = ["count", "watch"]

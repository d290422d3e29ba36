"""The explorer: the views of a run in a browser, served by Bokeh."""

from .beside import is_working
from .server import Explorer

__all__ = ["Explorer", "is_working"]

"""The explorer: the views of a run in a browser, served by Bokeh."""

from .beside import is_working
from .server import ADDRESS, PORT, Explorer

__all__ = ["ADDRESS", "PORT", "Explorer", "is_working"]

"""Self-contained pages: `write_report` of a run, `write_training_page` of a training."""

from .page import write_report
from .training_page import write_training_page

__all__ = ["write_report", "write_training_page"]

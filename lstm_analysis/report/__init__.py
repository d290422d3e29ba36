"""Self-contained pages: `write_report` of a run, `write_comparison` of several, `write_training_page` of a training."""

from .comparison import write_comparison
from .page import write_report
from .training_page import write_training_page

__all__ = ["write_comparison", "write_report", "write_training_page"]

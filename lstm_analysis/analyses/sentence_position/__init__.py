"""How neurons follow the sentence: tuning curve and its fit, the cliff at each boundary, traces of lengths."""

from .boundary_plan import BoundaryRows, plan_boundaries
from .boundary_table import boundary_table
from .conclusion import conclude_positions
from .measures import measure_positions
from .position_sums import PositionSums
from .type_adjusted import eta2_type_adjusted

__all__ = [
    "BoundaryRows", "PositionSums", "boundary_table", "conclude_positions", "eta2_type_adjusted", "measure_positions",
    "plan_boundaries",
]  # fmt: skip

"""Training dynamics: since which epoch of a training neurons are selective.

`training_dynamics` puts together what is known at each epoch (`AtEpoch`).
"""

from .at_epoch import AtEpoch
from .conclude import training_dynamics
from .leading import NEUTRAL

__all__ = ["NEUTRAL", "AtEpoch", "training_dynamics"]

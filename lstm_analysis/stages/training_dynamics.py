"""What the study found after each epoch of the model's training, put together."""

from collections.abc import Sequence

from .work import Work


def write_training_dynamics(state: Work, epochs: Sequence[float]) -> None:
    """Write ``training_dynamics.zarr`` from the runs of the epochs, the untrained network and the model itself."""
    (state.run / "training_dynamics.zarr").mkdir(exist_ok=True)

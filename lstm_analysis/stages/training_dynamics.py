"""What the study found after each epoch of the model's training, put together."""

import math
from collections.abc import Mapping

from .. import schema
from ..analyses.training_dynamics import AtEpoch, training_dynamics
from ..companions import FOLLOWED
from ..run import Run
from ..store import write_dataset
from .work import Work

STORE = "training_dynamics.zarr"


def write_training_dynamics(state: Work, end: float, epochs: Mapping[float, Run]) -> None:
    """Write what the study finds in the untrained network, after each epoch, and at the end.

    Parameters
    ----------
    state
        The study at work, whose model is the end of training.
    end
        Its epoch.
    epochs
        The runs of earlier epochs.
    """
    run = Run(state.run)
    runs = {**epochs, end: run}
    if run.twin is not None and run.twin.record["study"]["model"]["twin"] == "initial":
        runs = {0.0: run.twin, **runs}
    at = [_at_epoch(epoch, runs[epoch]) for epoch in sorted(runs)]
    found = training_dynamics(at, state.study.selectivity.alpha)
    write_dataset(state.run / STORE, found, state.prints["epochs"], schema.TRAINING_DYNAMICS)


def _at_epoch(epoch: float, run: Run) -> AtEpoch:
    asked = run.record["study"]["analyses"]
    stores = {name: getattr(run, name) for name in FOLLOWED if name in asked}
    recorded = run.facts["model"]["metadata"].get("validation_perplexity")
    perplexity = math.nan if recorded is None or epoch == 0 else float(recorded)
    return AtEpoch(epoch=epoch, scores=run.selectivity, validation_perplexity=perplexity, **stores)

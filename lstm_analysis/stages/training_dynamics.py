"""What the study found after each epoch of the model's training, put together."""

import json
import math
from collections.abc import Mapping

from .. import schema
from ..analyses.training_dynamics import AtEpoch, training_dynamics
from ..companions import FOLLOWED
from ..inference.twin import BY_RECIPE
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
    runs, twin = {**epochs, end: run}, run.twin
    if twin is not None and twin.record["study"]["model"]["twin"] == "initial":
        runs = {0.0: twin, **runs}
    at = [_at_epoch(epoch, runs[epoch]) for epoch in sorted(runs)]
    same_start = twin is not None and is_beginning(twin.facts["model"]["metadata"], run.facts["model"]["metadata"])
    found = training_dynamics(at, state.study.selectivity.alpha, same_start=same_start)
    write_dataset(state.run / STORE, found, state.prints["epochs"], schema.TRAINING_DYNAMICS)


def is_beginning(twin: Mapping[str, str], model: Mapping[str, str]) -> bool:
    """Whether a twin is the network that a model's training began from, by the metadata of both."""
    if twin.get("twin_weights") != BY_RECIPE:
        return False
    return bool(json.loads(model["recipe"]).get("seed") == int(twin["twin_seed"]))


def _at_epoch(epoch: float, run: Run) -> AtEpoch:
    asked = run.record["study"]["analyses"]
    stores = {name: getattr(run, name) for name in FOLLOWED if name in asked}
    recorded = run.facts["model"]["metadata"].get("validation_perplexity")
    perplexity = math.nan if recorded is None or epoch == 0 else float(recorded)
    return AtEpoch(epoch=epoch, scores=run.selectivity, validation_perplexity=perplexity, **stores)

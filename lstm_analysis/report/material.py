"""What the page is made from: the datasets of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ..selectivity import is_present

if TYPE_CHECKING:
    from ..run import Run


@dataclass(frozen=True)
class Material:
    """The datasets of a run; those along ``time`` are lazy.

    Parameters
    ----------
    folder
        Name of the run's folder.
    record
        Content of ``run.json``.
    corpus
        ``type_id``, ``document`` (time) and the tables ``type``, ``document_name``; where its tokens are pieces of
        words also ``word``, ``token_id`` (time) and the table ``token_name``.
    labels
        ``label`` (time, concept).
    scores
        Scores (concept, layer, neuron) with their counts and the neurons' smallest and largest values.
    tuning
        Tuning curves (sentence_position, layer, neuron).
    contexts
        Where each neuron is extreme.
    states
        ``hidden_state`` (time, layer, neuron), ``None`` if the run keeps none.
    """

    folder: str
    record: Mapping[str, Any]
    corpus: xr.Dataset
    labels: xr.Dataset
    scores: xr.Dataset
    tuning: xr.Dataset
    contexts: xr.Dataset
    states: xr.DataArray | None

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the run found out, by stage."""
        facts: Mapping[str, Any] = self.record["facts"]
        return facts

    @property
    def study(self) -> Mapping[str, Any]:
        """The effective study."""
        study: Mapping[str, Any] = self.record["study"]
        return study


def gather(run: "Run") -> Material:
    """Return the datasets of a finished run.

    Parameters
    ----------
    run
        The run; its stages up to selectivity are done.

    Raises
    ------
    UserError
        If one of its stores is missing, or was made from other inputs.
    """
    stored = run.record["study"]["store"]["activations"] != "none"
    return Material(
        folder=run.path.resolve().name,
        record=run.record,
        corpus=run.corpus,
        labels=run.labels,
        scores=run.selectivity,
        tuning=run.sentence_position,
        contexts=run.contexts,
        states=run.activations["hidden_state"] if stored else None,
    )


def constant_neurons(scores: xr.Dataset, measure: str) -> list[str]:
    """Return the neurons without a score for any concept that has both target and baseline tokens.

    Parameters
    ----------
    scores
        A result of `selectivity.measure`.
    measure
        A measure in it.

    Returns
    -------
    Names such as ``1:37``; empty if no concept has both.
    """
    scorable = (scores["n_token"] > 0).all("group")
    if not scorable.any():
        return []
    unscored = scores[measure].isel(concept=np.flatnonzero(scorable.values)).isnull().all("concept")
    constant = is_present(scores) & unscored
    return [f"{layer}:{neuron}" for layer, neuron in np.argwhere(constant.transpose("layer", "neuron").values).tolist()]

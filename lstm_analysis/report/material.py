"""What the page is made from: the datasets of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ..selectivity import is_present

if TYPE_CHECKING:
    from ..run import Run


ANALYSES = {
    "tuning": "sentence_position",
    "categories": "categories",
    "idioms": "idioms",
    "matches": "matches",
    "graded": "tuning",
    "periodicity": "periodicity",
    "neuron_matching": "neuron_matching",
    "pca": "pca",
    "probes": "probes",
}
"""The analysis of each field of `Analysed`."""


@dataclass(frozen=True, kw_only=True)
class Analysed:
    """Results of the analyses of a model, ``None`` for those that the study leaves out.

    Parameters
    ----------
    tuning
        Tuning curves (sentence_position, layer, neuron); with stored states also fits, cliffs and tests.
    categories
        Neurons called for categories, and what these share.
    idioms
        Neurons and idioms.
    matches
        Where else the neurons of phrases are on together.
    graded
        How neurons follow graded variables.
    periodicity
        Neurons that run in a period, with their spectra.
    neuron_matching
        Which neurons do the same.
    pca
        Principal components, and word sets told apart in them.
    probes
        How much of each concept a few neurons hold.
    """

    tuning: xr.Dataset | None = None
    categories: xr.Dataset | None = None
    idioms: xr.Dataset | None = None
    matches: xr.Dataset | None = None
    graded: xr.Dataset | None = None
    periodicity: xr.Dataset | None = None
    neuron_matching: xr.Dataset | None = None
    pca: xr.Dataset | None = None
    probes: xr.Dataset | None = None


@dataclass(frozen=True)
class Twin(Analysed):
    """What a random-weights twin of the model reaches in the same study; ``kind`` is ``initial`` or ``shuffled``."""

    kind: str
    scores: xr.Dataset


@dataclass(frozen=True)
class Replicate(Analysed):
    """What another model reaches in the same study.

    Parameters
    ----------
    name
        Of the model.
    scores
        Scores (concept, layer, neuron) of its neurons.
    matched
        Which of its neurons do the same as those of the study's model, ``None`` if the study does not ask for that.
    """

    name: str
    scores: xr.Dataset
    matched: xr.Dataset | None = None


@dataclass(frozen=True, kw_only=True)
class Material(Analysed):
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
    lesion
        What the model loses without some neurons.
    contexts
        Where each neuron is extreme.
    states
        ``hidden_state`` (time, layer, neuron), ``None`` if the run keeps none.
    twin
        The random twin's results, ``None`` if there is none.
    replicates
        Results of other models.
    training_dynamics
        How scores changed over training, ``None`` if the study names no epochs.
    """

    folder: str
    record: Mapping[str, Any]
    corpus: xr.Dataset
    labels: xr.Dataset
    scores: xr.Dataset
    lesion: xr.Dataset | None = None
    contexts: xr.Dataset
    states: xr.DataArray | None
    twin: Twin | None = None
    replicates: tuple[Replicate, ...] = ()
    training_dynamics: xr.Dataset | None = None

    @property
    def of_twin(self) -> Analysed:
        """Results of the analyses of the random twin, none of them without a twin."""
        return Analysed() if self.twin is None else self.twin

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

    @property
    def alpha(self) -> float:
        """Level of the tests."""
        return float(self.study["selectivity"]["alpha"])

    @property
    def draws(self) -> int:
        """Draws of each null distribution; 0 if none was computed."""
        return int(self.study["selectivity"]["draws"])


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
        contexts=run.contexts,
        states=run.activations["hidden_state"] if stored else None,
        twin=None if run.twin is None else _twin(run.twin),
        replicates=tuple(_replicate(name, one) for name, one in run.replicates.items()),
        training_dynamics=run.training_dynamics if run.epochs else None,
        lesion=run.lesion if run.has_lesion else None,
        **_analyses(run),
    )


def _twin(run: "Run") -> Twin:
    return Twin(str(run.record["study"]["model"]["twin"]), run.selectivity, **_analyses(run))


def _replicate(name: str, run: "Run") -> Replicate:
    return Replicate(name=name, scores=run.selectivity, matched=run.matched, **_analyses(run))


def _analyses(run: "Run") -> dict[str, xr.Dataset | None]:
    """Return the results of the analyses by field, ``None`` for those that the study does not ask for."""
    asked = run.record["study"]["analyses"]
    return {field: getattr(run, name) if name in asked else None for field, name in ANALYSES.items()}


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

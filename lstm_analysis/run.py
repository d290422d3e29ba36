"""A run directory opened for reading."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
import xarray as xr

from .errors import UsageError, UserError
from .locations import exists
from .record import PRODUCTS, product, read_record
from .store import FINGERPRINT, open_dataset

BESIDE = {"twin", "replicates", "epochs"}
"""Folders of a run that hold runs of other models, whose states are removed in the end."""
MATCHED = "matched.zarr"
"""In a replicate's folder: which neurons of it and of the model do the same."""
ENDS = {"running": "is still running or was killed", "stopped": "was interrupted", "failed": "failed"}
"""What to say of a stage that is not done, by its state in ``run.json``."""


class Run:
    """The results of a study: lazily opened datasets.

    Parameters
    ----------
    path
        The run's folder.

    Raises
    ------
    UserError
        If the folder is not a run.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        record = read_record(self.path)
        if record is None:
            raise UsageError(f"{self.path} is not a run: it has no run.json. Give a folder that `run` has written.")
        self.record: dict[str, Any] = record

    def __repr__(self) -> str:
        done = [stage for stage, entry in self.record["stages"].items() if entry["state"] == "done"]
        return f"<Run {self.path}: {', '.join(done) or 'nothing done yet'}>"

    @property
    def facts(self) -> dict[str, Any]:
        """What the run found out about its inputs and results, by stage."""
        facts: dict[str, Any] = self.record["facts"]
        return facts

    def in_place(self, name: str) -> xr.Dataset:
        """Return a store, such as ``corpus``, without Dask: rows are read where they are asked for.

        Raises
        ------
        UserError
            If there is no such store, or it was made from other inputs.
        """
        stage = next(stage for stage, names in PRODUCTS.items() if f"{name}.zarr" in names)
        return self._open(f"{name}.zarr", stage, None)

    def _open(self, name: str, stage: str, dims: Sequence[str] | None = ()) -> xr.Dataset:
        entry = self.record["stages"].get(stage, {})
        names = [kept for kept in entry.get("products", ()) if kept.endswith(f"/{name}")]  # a URL
        place = product(self.path, names[0] if names else name)
        if not exists(place, "The store"):
            self._refuse_not_imported(name, stage)
            self._refuse_not_asked_for(name, stage)
            self._refuse_removed(name)
            state = ENDS.get(entry.get("state", ""), "has not run")
            raise UserError(f"{self.path} has no {name}: its stage {stage} {state}. Run the study again to finish it.")
        sizes = {"time": self.record["study"]["inference"]["shard_tokens"], "layer": -1, "neuron": -1}
        found = open_dataset(place, None if dims is None else {dim: sizes[dim] for dim in dims})
        if found.attrs.get(FINGERPRINT) != entry.get("fingerprint"):
            raise UserError(
                f"{place} was made from other inputs than run.json says. Run the study again with --force "
                f"to redo the stage {stage}."
            )
        return found

    def _refuse_not_asked_for(self, name: str, stage: str) -> None:
        """Say that the study does not ask for an analysis; of what it asks for nothing."""
        analysis = name.removesuffix(".zarr")
        if stage == "analyses" and analysis not in (self.record["study"].get("analyses") or ()):
            raise UserError(
                f"{self.path} has no {name}: its study does not ask for the analysis {analysis}. Add it to analyses "
                "and run the study again with --force."
            )

    def _refuse_removed(self, name: str) -> None:
        """Say of a model beside that of another run that its states are gone; of other runs nothing."""
        if name == "activations.zarr" and {*self.path.resolve().parts[-2:]} & BESIDE:
            raise UserError(
                f"{self.path} keeps no states: it went through the study of another run, after which the states of "
                "such models are removed. Run that study with its checkpoint as model.checkpoint to have them."
            )

    def _refuse_not_imported(self, name: str, stage: str) -> None:
        """Say of a run that was imported why it lacks a store; of another one nothing."""
        if "imported" in self.facts and stage in ("corpus", "activations"):
            state = ENDS.get(self.record["stages"].get(stage, {}).get("state", ""), "was not reached")
            raise UserError(f"{self.path} has no {name}: its import {state}. Import it again to finish it.")
        if "imported" in self.facts:
            raise UserError(
                f"{self.path} has no {name}: it was imported, with words and states only. Label it and measure it from "
                "Python (la.label_corpus, la.summarize, la.measure)."
            )

    @cached_property
    def corpus(self) -> xr.Dataset:
        """Tokens along ``time`` and their tables."""
        return self._open("corpus.zarr", "corpus")

    @cached_property
    def activations(self) -> xr.Dataset:
        """States, dims (time, layer, neuron), lazily in pieces of one shard.

        Raises
        ------
        UserError
            If the study keeps none.
        """
        if self.record["study"]["store"]["activations"] == "none":
            raise UserError(f"{self.path} keeps no states: its study says store: none. Run it with store: float32.")
        return self._open("activations.zarr", "activations", ("time", "layer", "neuron"))

    @cached_property
    def labels(self) -> xr.Dataset:
        """Labels, dims (time, concept), with the counts of each concept; the coordinates say word and document."""
        columns = {name: self.corpus[name].variable for name in ("type_id", "document")}
        return self._open("labels.zarr", "labels").assign_coords(columns)

    @cached_property
    def summary(self) -> xr.Dataset:
        """The merged summary from which every measure is computed."""
        return self._open("summary.zarr", "summary").load()

    @cached_property
    def selectivity(self) -> xr.Dataset:
        """Scores, dims (concept, layer, neuron), with their counts."""
        return self._open("selectivity.zarr", "selectivity").load()

    @cached_property
    def sentence_position(self) -> xr.Dataset:
        """How neurons follow the position in the sentence."""
        return self._open("sentence_position.zarr", "analyses").load()

    @cached_property
    def categories(self) -> xr.Dataset:
        """Which neurons are called for which semantic category, and how the categories overlap."""
        return self._open("categories.zarr", "analyses").load()

    @cached_property
    def idioms(self) -> xr.Dataset:
        """How neurons tell idioms from their controls."""
        return self._open("idioms.zarr", "analyses").load()

    @cached_property
    def matches(self) -> xr.Dataset:
        """Where else the neurons of the study's phrases are on together."""
        return self._open("matches.zarr", "analyses").load()

    @property
    def has_lesion(self) -> bool:
        """Whether neurons were taken out: by the study, or by the command ``lesion``."""
        return (self.path / "lesion.zarr").exists()

    @cached_property
    def lesion(self) -> xr.Dataset:
        """What the model loses without some neurons.

        Raises
        ------
        UserError
            If none was taken out, or the scores have changed since.
        """
        if not self.has_lesion:
            raise UserError(
                f"{self.path} has no lesion.zarr. Take neurons out: lstm-analysis lesion {self.path} --neuron "
                "LAYER:NEURON"
            )
        of_study = "lesion" in self.record["study"]["analyses"]
        return self._open("lesion.zarr", "analyses" if of_study else "selectivity").load()

    @cached_property
    def tuning(self) -> xr.Dataset:
        """How neurons follow the study's graded variables."""
        return self._open("tuning.zarr", "analyses").load()

    @cached_property
    def periodicity(self) -> xr.Dataset:
        """Which neurons run in a period, of their own or of the sentences, with their spectra."""
        return self._open("periodicity.zarr", "analyses").load()

    @cached_property
    def pca(self) -> xr.Dataset:
        """Principal components of the states, and whether word and phrase sets are told apart in them."""
        return self._open("pca.zarr", "analyses").load()

    @cached_property
    def probes(self) -> xr.Dataset:
        """How much of each concept a few neurons hold."""
        return self._open("probes.zarr", "analyses").load()

    @cached_property
    def neuron_matching(self) -> xr.Dataset:
        """Which neurons of the model do the same."""
        return self._open("neuron_matching.zarr", "analyses").load()

    @cached_property
    def twin(self) -> "Run | None":
        """The same study of a random-weights twin of the model; ``None`` if the study asks for none."""
        return Run(self.path / "twin") if self._is_done("twin") else None

    @cached_property
    def replicates(self) -> dict[str, "Run"]:
        """The same study of other models, by name; empty if it asks for none."""
        paths = self.record["study"].get("replicates", ()) if self._is_done("replicates") else ()
        return {name: Run(self.path / "replicates" / name) for name in (PurePosixPath(path).stem for path in paths)}

    @cached_property
    def matched(self) -> xr.Dataset | None:
        """Of a replicate: which of its neurons do the same as those of the model of the run that it is beside."""
        return open_dataset(self.path / MATCHED).load() if (self.path / MATCHED).exists() else None

    @cached_property
    def epochs(self) -> dict[float, "Run"]:
        """The same study after earlier epochs of the model's training, by epoch; empty if it asks for none."""
        if not self._is_done("epochs"):
            return {}
        folders = sorted((self.path / "epochs").iterdir(), key=lambda folder: float(folder.name))
        return {float(folder.name): Run(folder) for folder in folders}

    @cached_property
    def training_dynamics(self) -> xr.Dataset:
        """How scores of neurons changed over training, and since when neurons are selective."""
        if "epochs" not in self.record["study"]:
            raise UserError(
                f"{self.path} has no training_dynamics.zarr: its study names no epochs. Give checkpoints of the "
                "model's training as epochs and run the study again."
            )
        return self._open("training_dynamics.zarr", "epochs").load()

    def _is_done(self, stage: str) -> bool:
        return bool(self.record["stages"].get(stage, {}).get("state") == "done")

    @cached_property
    def contexts(self) -> xr.Dataset:
        """Where each neuron is lowest and highest, with the values around."""
        return self._open("contexts.zarr", "selectivity").load()

    @cached_property
    def neurons(self) -> pd.DataFrame:
        """The ranked table (concept, layer, neuron, measures, counts)."""
        return pd.read_parquet(self.path / "neurons.parquet")


def open_run(path: str | Path) -> Run:
    """Open a run's folder; see `Run`."""
    return Run(path)

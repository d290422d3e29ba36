"""Models that go through a study beside its model: a random twin, replicates, checkpoints of its training."""

import dataclasses
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path, PurePosixPath

from .config import LesionConfig, ModelConfig, Study
from .errors import UsageError
from .inference.model import LanguageModel
from .locations import exists, is_url

log = logging.getLogger("lstm_analysis")

TWIN, REPLICATES, EPOCHS = STAGES = ("twin", "replicates", "epochs")
"""Stages of companions, in order; each is named as the folder in the run that holds theirs."""
FOLLOWED = ("sentence_position", "categories", "idioms", "tuning", "periodicity")
"""Analyses that are followed over training."""
OF_MODEL = ("lesion", "neuron_matching", "matches")
"""Analyses that replicates are left out of: what is asked of them is whether they have such neurons, too."""


@dataclass(frozen=True)
class Companion:
    """A model that goes through a study beside its model.

    Parameters
    ----------
    stage
        One of `STAGES`.
    name
        Of the replicate, or the number of the epoch; empty for the twin.
    study
        What it goes through, with itself as the model.
    """

    stage: str
    name: str
    study: Study

    @property
    def place(self) -> str:
        """Its folder inside that of the run."""
        return f"{self.stage}/{self.name}" if self.name else self.stage


def companions(study: Study, model: LanguageModel) -> list[Companion]:
    """Return the companions of a study's model, in the order in which they are read.

    Raises
    ------
    UsageError
        If a checkpoint is missing, or it is not known which epoch is which.
    """
    return [*twins(study), *replicates(study), *epochs(study, model)]


def twins(study: Study) -> list[Companion]:
    """Return the random-weights twin, if the study wants one."""
    twin = study.selectivity.twin
    if twin is None or study.model.twin is not None:
        return []
    alone = [name for name in study.analyses or () if name != "lesion"]  # it has nothing to lose
    return [_companion(study, TWIN, "", dataclasses.replace(study.model, twin=twin), alone)]


def replicates(study: Study) -> list[Companion]:
    """Return the other models of the study.

    Raises
    ------
    UsageError
        If one is missing, or two have the same name.
    """
    found: dict[str, Companion] = {}
    for path in study.replicates:
        name = _stem(path)
        if not exists(study.resolve(path), "The replicate"):
            raise UsageError(f"The replicate {study.resolve(path)} does not exist; check replicates in the study.")
        if name in found:
            raise UsageError(
                f"Two replicates are called {name!r}, so their results would lie in one folder. Rename one."
            )
        analyses = [one for one in study.analyses or () if one not in OF_MODEL]
        found[name] = _companion(study, REPLICATES, name, _other_file(study.model, path), analyses)
    return list(found.values())


def epochs(study: Study, model: LanguageModel) -> list[Companion]:
    """Return the checkpoints from before the end of the model's training, in their order.

    Raises
    ------
    UsageError
        If there is none, a file is not named by its epoch, or the epoch of the model itself is not known.
    """
    if not study.epochs:
        return []
    files = epoch_files(study)
    end, found = end_epoch(study, model, files), []
    analyses = [name for name in study.analyses or () if name in FOLLOWED]
    for epoch, path in sorted(files.items()):
        if epoch < end:
            found.append(_companion(study, EPOCHS, f"{epoch:g}", _other_file(study.model, path), analyses))
        elif epoch > end:
            log.info("epochs: %s is left out, for it is later than the model, which is of epoch %g", path, end)
    if not found:
        raise UsageError(
            f"All checkpoints that epochs names are of epoch {end:g}, that of the model, or later: "
            f"{', '.join(files.values())}. Give some from before."
        )
    return found


def epoch_files(study: Study) -> dict[float, str]:
    """Return the checkpoints that the study names as epochs of its model's training: paths as it has them, by epoch."""
    found: dict[float, str] = {}
    for pattern in study.epochs:
        if has_magic(pattern) and not is_url(pattern):
            files = sorted(glob(pattern, root_dir=study.folder))
        else:
            files = [pattern] if exists(study.resolve(pattern), "The checkpoint") else []
        if not files:
            raise UsageError(f"epochs names {pattern!r}, but there is no such file. {_how_kept(study)}")
        for file in files:
            epoch = _last_number(file)
            if epoch is None or epoch <= 0:
                raise UsageError(
                    f"epochs names {file}, whose name does not end in the number of an epoch, above 0. Rename it, such "
                    "as model-0.5.safetensors or 3.pt."
                )
            if epoch in found:
                raise UsageError(f"epochs names two checkpoints of epoch {epoch:g}: {found[epoch]} and {file}.")
            found[epoch] = file
    return found


def end_epoch(study: Study, model: LanguageModel, files: dict[float, str]) -> float:
    """Return the epoch of the study's model: as it records it, or as the file is named that is among ``files``."""
    recorded = model.metadata.get("best_epoch") or model.metadata.get("epochs")
    if recorded is not None:
        return float(recorded)
    own = study.resolve(study.model.checkpoint)
    for epoch, path in files.items():
        file = study.resolve(path)
        if file == own or (not is_url(own) and not is_url(file) and Path(own).samefile(file)):
            return epoch
    raise UsageError(
        f"{own} does not record after how many epochs its training ended, and it is not among the files that epochs "
        "names. Name it there too, by its epoch."
    )


def keeps_epochs(study: Study) -> bool:
    """Whether the training of the study's model keeps checkpoints on the way."""
    return study.model.train is not None and bool(study.model.train.keep_epochs)


def _how_kept(study: Study) -> str:
    if study.model.train is not None:
        return (
            "Training keeps them if model.train.keep_epochs says when; a model that is there already must be removed "
            "and trained anew."
        )
    return "Check the path; it counts from the study file."


def _companion(study: Study, stage: str, name: str, model: ModelConfig, analyses: Sequence[str]) -> Companion:
    """Return a companion: it needs no surprisals of its own, and has no companions."""
    own = dataclasses.replace(
        study, model=model, replicates=(), epochs=(), lesion=LesionConfig(), analyses=tuple(analyses),
        selectivity=dataclasses.replace(study.selectivity, twin=None),
        inference=dataclasses.replace(study.inference, surprisal=False),
        phrases=study.phrases if "matches" in analyses else (),
    )  # fmt: skip
    return Companion(stage, name, own)


def _other_file(model: ModelConfig, path: str) -> ModelConfig:
    return dataclasses.replace(model, checkpoint=path, train=None, twin=None)


def _stem(path: str) -> str:
    return PurePosixPath(path).stem


def _last_number(path: str) -> float | None:
    """Return the number that a file's name ends in.

    >>> _last_number("models/a2.epochs/0.25.safetensors"), _last_number("lstm-epoch3.pt"), _last_number("best.pt")
    (0.25, 3.0, None)
    """
    found = re.search(r"(\d+(?:\.\d+)?)$", _stem(path), re.ASCII)
    return None if found is None else float(found[1])

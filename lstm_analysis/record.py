"""``run.json``: what a run was asked to do, from which inputs, and how far it is."""

import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .errors import Interrupted, UserError
from .integrity import path_checksum
from .locations import Location, exists, is_url, remove
from .store import write_json
from .versions import versions

STAGES = (
    "corpus",
    "activations",
    "labels",
    "summary",
    "selectivity",
    "analyses",
    "twin",
    "replicates",
    "epochs",
    "report",
)
PRODUCTS: dict[str, tuple[str, ...]] = {
    "corpus": ("corpus.zarr", "model.safetensors", "input_table.safetensors", "parts"),
    "activations": ("activations.zarr", "commits", "carried", "matches"),
    "labels": ("labels.zarr",),
    "summary": ("summary.zarr", "summaries"),
    "selectivity": ("selectivity.zarr", "contexts.zarr", "neurons.parquet", "blocks"),
    "analyses": (
        "sentence_position.zarr",
        "categories.zarr",
        "idioms.zarr",
        "matches.zarr",
        "tuning.zarr",
        "periodicity.zarr",
        "lesion.zarr",
        "pca.zarr",
        "probes.zarr",
        "neuron_matching.zarr",
        "plans",
        "blocks",
    ),
    "twin": ("twin",),
    "replicates": ("replicates",),
    "epochs": ("epochs", "training_dynamics.zarr"),
    "report": ("report.html",),
}
PARTS = {"activations": "commits", "summary": "summaries"}
"""Where a stage keeps parts of its work before it is done."""
UNSEALED = ("report.html",)
"""What may be written anew at any time."""
FORMAT = 2
"""Of ``run.json`` and of all that lies beside it; a change that makes old results unreadable or wrong raises it."""
ATTENDANT = re.compile(r"\.?(run\.lock|status\.json)|submission$")
"""What lies in a run's folder before the run has begun: who has it, how far it is, how it was submitted."""
SHAPE: dict[str, type] = {"name": str, "study": dict, "versions": dict, "facts": dict, "stages": dict}
STAGE_SHAPE: dict[str, type] = {"state": str, "fingerprint": str, "products": list}


def fingerprint(*parts: Any) -> str:
    """Return a short digest of plain JSON values and of `FORMAT`: what a result was made from."""
    return hashlib.sha256(json.dumps([FORMAT, *parts], sort_keys=True, default=str).encode()).hexdigest()[:16]


class Record:
    """The state of a run, kept in its ``run.json``.

    Parameters
    ----------
    run
        Folder of the run.
    study
        The effective study.
    """

    def __init__(self, run: Path, study: Mapping[str, Any]) -> None:
        self.run = run
        self.content: dict[str, Any] = {"format": FORMAT, "name": study.get("name", run.name), "study": dict(study)}
        self.content |= {"versions": versions(), "facts": {}, "stages": {}}

    @property
    def file(self) -> Path:
        """Where it is kept."""
        return self.run / "run.json"

    @property
    def facts(self) -> dict[str, Any]:
        """What was found out about the run's inputs and results."""
        facts: dict[str, Any] = self.content["facts"]
        return facts

    def adopt(self, prints: Mapping[str, str], force: bool) -> None:
        """Go on from what is in the folder: keep the stages whose inputs are the same.

        Parameters
        ----------
        prints
            Fingerprint of each stage's inputs.
        force
            Remove the results of other inputs instead of refusing.

        Raises
        ------
        UserError
            If the folder holds something else and ``force`` is not given.
        """
        old, stale = self.check(prints, force)
        if old is None:
            return
        for stage in stale:
            remove_products(self.run, stage, old["stages"][stage]["products"])
        kept = {stage: entry for stage, entry in old["stages"].items() if stage not in stale}
        facts = {name: found for name, found in old["facts"].items() if name not in stale}
        self.content |= {"stages": kept, "facts": facts}

    def check(self, prints: Mapping[str, str], force: bool) -> tuple[dict[str, Any] | None, list[str]]:
        """Return what is in the folder, ``None`` if it is no run yet, and the stages of other inputs; change nothing.

        Raises
        ------
        UserError
            As `adopt` does.
        """
        old = read_record(self.run)
        if old is None:
            strangers = [p.name for p in self.run.iterdir() if not ATTENDANT.match(p.name)] if self.run.is_dir() else []
            if strangers and not force:
                raise UserError(
                    f"{self.run} is not empty and not a run (it holds {', '.join(sorted(strangers)[:4])}). Give "
                    "another --output, or --force to use it all the same; other files in it are left alone."
                )
            return None, []
        recorded = {stage: entry["fingerprint"] for stage, entry in old["stages"].items()}
        stale = [stage for stage in STAGES if stage in recorded and recorded[stage] != prints.get(stage)]
        lost = [stage for stage in stale if self._has_results(stage, old["stages"][stage])]
        if lost and not force:
            raise UserError(
                f"{self.run} holds another study: {changes(old['study'], self.content['study'])}. Its results for "
                f"{', '.join(lost)} would be overwritten. Give another --output, or --force to replace them."
            )
        return old, stale

    def _has_results(self, stage: str, entry: Mapping[str, Any]) -> bool:
        """Whether a stage was finished, or left parts of its work that can be gone on from."""
        parts = self.run / PARTS[stage] if stage in PARTS else None
        return entry["state"] == "done" or (parts is not None and parts.is_dir() and any(parts.iterdir()))

    def is_done(self, stage: str) -> bool:
        """Whether the stage was finished, and its results are there."""
        entry = self.content["stages"].get(stage, {})
        return entry.get("state") == "done" and all(exists(product(self.run, name)) for name in entry["products"])

    def ended(self, stage: str) -> bool:
        """Whether the stage was finished, even if its results are not there any more."""
        return bool(self.content["stages"].get(stage, {}).get("state") == "done")

    def remove_damaged(self) -> list[Path]:
        """Remove the results of finished stages that are not what was written, and return them.

        A stage whose result is missing is done again.
        """
        found = []
        for name, entry in self.content["stages"].items():
            for made, wanted in entry.get("checksums", {}).items() if self.is_done(name) else ():
                if self._checksum(made) != wanted:
                    remove(self.run / made)
                    found.append(self.run / made)
        return found

    def _checksum(self, made: str) -> int | None:
        """Return the checksum of a result; of states it is that of their metadata, for commits vouch for the rest."""
        if made in UNSEALED:
            return None
        return path_checksum(self.run / made, "zarr.json" if made == "activations.zarr" else "*")

    @contextmanager
    def stage(self, name: str, print_: str, products: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        """Note that a stage runs, and how it ended; yields a dict for what it finds out."""
        began = time.time()
        facts = self.facts[name] = {}
        entry: dict[str, Any] = {"state": "running", "fingerprint": print_, "products": list(products)}
        self.content["stages"][name] = entry
        self.save()
        try:
            yield facts
        except BaseException as error:
            entry["state"] = "stopped" if isinstance(error, KeyboardInterrupt | Interrupted) else "failed"
            with suppress(OSError):  # the disk may be full; the error that goes on says so
                self.save()
            raise
        finished = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        entry["checksums"] = {made: found for made in products if (found := self._checksum(made)) is not None}
        entry |= {"state": "done", "seconds": round(time.time() - began, 2), "finished": finished}
        self.save()

    def save(self) -> None:
        """Write ``run.json``."""
        write_json(self.file, self.content)


def read_record(run: Path) -> dict[str, Any] | None:
    """Return the content of a run's ``run.json``, ``None`` if there is none.

    Raises
    ------
    UserError
        If the file is damaged, or of another format.
    """
    file = run / "run.json"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:
        raise _damaged(file, "it is not valid JSON") from None
    if not isinstance(content, dict):
        raise _damaged(file, "it holds no mapping")
    if content.get("format") != FORMAT:
        found = f"has the format {content['format']!r}" if "format" in content else "names no format"
        raise UserError(
            f"{file} {found}; this version of lstm-analysis knows format {FORMAT}. Open the run with the version that "
            "wrote it, or give --output for another folder and run the study again."
        )
    _check_shape(file, content, SHAPE, "")
    for name, entry in content["stages"].items():
        _check_shape(file, entry, STAGE_SHAPE, f"stages.{name}")
    return content


def _check_shape(file: Path, content: Any, shape: Mapping[str, type], key: str) -> None:
    if not isinstance(content, dict):
        raise _damaged(file, f"{key} is no mapping")
    for name, kind in shape.items():
        if not isinstance(content.get(name), kind):
            raise _damaged(file, f"{key + '.' if key else ''}{name} is missing or of another type")


def _damaged(file: Path, what: str) -> UserError:
    return UserError(f"{file} is damaged: {what}. Remove the folder, or give --output for another.")


def remove_products(run: Path, stage: str, recorded: Sequence[str] = ()) -> None:
    """Remove what a stage made; ``recorded`` are the products that ``run.json`` names, URLs among them."""
    for name in (*PRODUCTS[stage], *filter(is_url, recorded)):
        remove(product(run, name))


def product(run: Path, name: str) -> Location:
    """Return where a product that ``run.json`` names lies."""
    return name if is_url(name) else run / name


def changes(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> str:
    """Return the keys whose values differ, written for a person."""
    found = []
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            inner = changes(before, after, f"{prefix}{key}.")
            found += [inner] if inner else []
        elif before != after:
            found.append(f"{prefix}{key} was {_short(before)}, is {_short(after)}")
    if not found and not prefix:
        return "the content of a file it names has changed"
    return "; ".join(found)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."

"""What an interrupted training needs to go on, in a folder beside its checkpoint."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from ...conversion import convert
from ...disk import write_whole
from ...errors import UsageError, UserError
from ...lock import RunLock
from ...recipe import Recipe

BEST = "best.safetensors"


@dataclass
class Place:
    """How far a training has come.

    Parameters
    ----------
    update
        Updates done.
    validation
        Perplexity on the validation text after each epoch so far.
    n_averaged
        Updates in the average of the weights.
    epoch_nats
        Sum over the epoch's updates so far of their mean nats a token.
    recent_nats
        The same since the last line of the log.
    """

    update: int = 0
    validation: list[float] = field(default_factory=list)
    n_averaged: int = 0
    epoch_nats: float = 0.0
    recent_nats: float = 0.0


class Progress:
    """The folder ``<checkpoint>.progress``: a file of tensors, and ``place.json``, written last, that names it.

    Parameters
    ----------
    checkpoint
        The checkpoint being made.
    recipe
        How; a folder of another recipe is refused.
    text_digest
        SHA-256 of the texts and the vocabulary; a folder of other texts is refused.
    """

    def __init__(self, checkpoint: Path, recipe: Recipe, text_digest: str) -> None:
        self.folder = progress_folder(checkpoint)
        self._made_from = {"recipe": json.loads(json.dumps(recipe.recorded())), "text": text_digest}

    @property
    def is_saved(self) -> bool:
        """Whether there is something to go on from."""
        return (self.folder / "place.json").exists()

    def load(self) -> tuple[Place, dict[str, Tensor]] | None:
        """Return place and tensors of the last save, ``None`` if there was none.

        Raises
        ------
        UserError
            If they belong to another recipe or another text, or are damaged.
        """
        if not self.is_saved:
            return None
        try:
            found = json.loads((self.folder / "place.json").read_text())
            if not isinstance(found, dict):
                raise TypeError("place.json holds no mapping")
            changed = [what for what, value in self._made_from.items() if found.get(what) != value]
            if not changed:
                return _place(found["place"]), load_file(self.folder / found["file"])
        except (ValueError, TypeError, KeyError, FileNotFoundError, SafetensorError, UsageError) as error:
            raise UserError(f"{self.folder} is damaged ({error!r}). Remove the folder to start anew.") from None
        raise UserError(
            f"{self.folder} holds a training by another {' and another '.join(changed)}. Remove the folder to start "
            f"anew, or restore the {' and the '.join(changed)} to go on."
        )

    def save(self, place: Place, tensors: Mapping[str, Tensor]) -> None:
        """Write tensors and place, then remove what was saved before."""
        file = f"update-{place.update}.safetensors"
        self._write(file, tensors)
        text = json.dumps({"place": asdict(place), "file": file, **self._made_from})
        write_whole(self.folder / "place.json", text.encode())
        for old in self.folder.glob("update-*.safetensors*"):
            if old.name != file:
                old.unlink()

    def save_best(self, weights: Mapping[str, Tensor]) -> None:
        """Keep the weights of the best epoch so far."""
        self._write(BEST, weights)

    def best(self) -> dict[str, Tensor]:
        """Return the weights of the best epoch."""
        return load_file(self.folder / BEST)

    def remove(self) -> None:
        """Remove what was written, and the folder if nothing else is in it."""
        for pattern in ("place.json*", "*.safetensors*"):
            for file in self.folder.glob(pattern):
                file.unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()

    def _write(self, file: str, tensors: Mapping[str, Tensor]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / file, save({name: tensor.contiguous() for name, tensor in tensors.items()}))


@contextmanager
def alone(checkpoint: Path) -> Iterator[None]:
    """Keep other programs from training the same checkpoint.

    Raises
    ------
    UserError
        If one is at it.
    """
    folder = progress_folder(checkpoint)
    try:
        with RunLock(folder):
            yield
    finally:
        with suppress(OSError):  # it holds what is needed to go on
            folder.rmdir()


def progress_folder(checkpoint: Path) -> Path:
    """Return the folder with what an interrupted training of a checkpoint needs to go on."""
    return checkpoint.with_name(checkpoint.name + ".progress")


def _place(found: Any) -> Place:
    place: Place = convert(found, Place, "place.json", "place")
    if not all(isinstance(value, int | float) for value in place.validation):
        raise TypeError(f"place.validation is {place.validation!r}")
    return place

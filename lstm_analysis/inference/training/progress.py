"""What an interrupted training needs to go on, in a folder beside its checkpoint."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ...errors import UserError
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
        self.folder = checkpoint.with_name(checkpoint.name + ".progress")
        self._made_from = {"recipe": json.loads(json.dumps(asdict(recipe))), "text": text_digest}

    def load(self) -> tuple[Place, dict[str, Tensor]] | None:
        """Return place and tensors of the last save, ``None`` if there was none.

        Raises
        ------
        UserError
            If they belong to another recipe or another text, or are damaged.
        """
        if not (self.folder / "place.json").exists():
            return None
        try:
            found: dict[str, Any] = json.loads((self.folder / "place.json").read_text())
            changed = [what for what, value in self._made_from.items() if found.get(what) != value]
            if not changed:
                return Place(**found["place"]), load_file(self.folder / found["file"])
        except (ValueError, TypeError, KeyError, FileNotFoundError, SafetensorError) as error:
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
        (self.folder / "place.json.new").write_text(text)
        (self.folder / "place.json.new").replace(self.folder / "place.json")
        for old in self.folder.glob("update-*.safetensors"):
            if old.name != file:
                old.unlink()

    def save_best(self, weights: Mapping[str, Tensor]) -> None:
        """Keep the weights of the best epoch so far."""
        self._write(BEST, weights)

    def best(self) -> dict[str, Tensor]:
        """Return the weights of the best epoch."""
        return load_file(self.folder / BEST)

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, file: str, tensors: Mapping[str, Tensor]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, self.folder / (file + ".new"))
        (self.folder / (file + ".new")).replace(self.folder / file)

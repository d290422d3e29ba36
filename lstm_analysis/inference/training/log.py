"""The log of a training: a line of JSON every hundred updates and every epoch, kept beside the checkpoint."""

import json
import time
from pathlib import Path
from typing import Any

from ...disk import write_whole


class TrainingLog:
    """The file ``<checkpoint>.log.jsonl``.

    A line's ``event`` is ``updates`` (``train_loss`` in nats a token since the line before, ``tokens_per_second``),
    ``epoch`` (``train_loss`` of the epoch, ``validation_perplexity``) or ``end`` (perplexities of the checkpoint).

    Parameters
    ----------
    checkpoint
        The checkpoint being made.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.path = checkpoint.with_name(checkpoint.name + ".log.jsonl")

    def go_on(self, update: int, n_epoch: int) -> None:
        """Remove what was logged after a place that the training goes on from: it will be logged again.

        Parameters
        ----------
        update, n_epoch
            Updates done and epochs measured at that place; 0 begins a new log.
        """
        lines = self.path.read_bytes().splitlines() if self.path.exists() and update else []
        entries = [entry for line in lines if (entry := _entry(line)) is not None]
        kept = [e for e in entries if e["event"] == "updates" and e["update"] <= update]
        kept += [e for e in entries if e["event"] == "epoch" and e["epoch"] <= n_epoch]
        kept.sort(key=lambda e: (e["update"], e["event"] == "epoch"))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, "".join(json.dumps(entry) + "\n" for entry in kept).encode())

    def write(self, event: str, **entry: float | None) -> None:
        """Append a line."""
        with self.path.open("a") as file:
            file.write(json.dumps({"event": event, **entry}) + "\n")


def _entry(line: bytes) -> dict[str, Any] | None:
    """Return what a line holds, ``None`` if it is damaged: a killed process leaves half a line."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(found, dict) and all(type(found.get(name)) is int for name in ("update", "epoch"))
    return found if whole and "event" in found else None


class Speed:
    """Tokens a second since the last time it was asked."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin to count."""
        self._since, self._n_token = time.monotonic(), 0

    def count(self, n_token: int) -> None:
        """Count tokens that were trained on."""
        self._n_token += n_token

    def read(self) -> float:
        """Return tokens a second, and begin to count anew."""
        speed = self._n_token / max(time.monotonic() - self._since, 1e-9)
        self.restart()
        return speed

"""The log of a training: a line of JSON every hundred updates and every epoch, kept beside the checkpoint."""

import json
import time
from pathlib import Path


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
        lines = self.path.read_text().splitlines() if self.path.exists() and update else []
        entries = [json.loads(line) for line in lines if line.endswith("}")]  # a killed process leaves half a line
        kept = [e for e in entries if e["event"] == "updates" and e["update"] <= update]
        kept += [e for e in entries if e["event"] == "epoch" and e["epoch"] <= n_epoch]
        kept.sort(key=lambda e: (e["update"], e["event"] == "epoch"))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("".join(json.dumps(entry) + "\n" for entry in kept))

    def write(self, event: str, **entry: float | None) -> None:
        """Append a line."""
        with self.path.open("a") as file:
            file.write(json.dumps({"event": event, **entry}) + "\n")


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

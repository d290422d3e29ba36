"""The model's reading of the whole corpus: the plan of its shards, and their extraction in the order they need."""

import math
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from ..cluster import work
from ..config import InferenceConfig
from ..errors import UsageError, UserError
from ..inference.checkpoints import load_model, save_model
from ..inference.kernels import choose_kernel
from ..inference.lanes import Lanes
from ..inference.model import LanguageModel
from ..inference.shards import Shard, plan_shards
from ..schema import CELL_STATES
from ..store import commit_path, crc32
from ..tasks import Job, Receipt
from ..tasks.carried import State, end_path, load_state, save_state, start_path
from .work import ShardsFailed, Work, explain, log

Task = Callable[..., Receipt]
FEW_NAMES = 3
NAME_LENGTH = 40
"""How many documents of a failed shard are named, and how many signs of a name are shown: the last ones."""


class NotForgotten(Exception):
    """The lanes do not meet: the model remembers more than was measured."""


class Reading:
    """What the model reads in which order.

    Parameters
    ----------
    state
        The study at work.
    job
        What the tasks need to know.
    lanes
        How the corpus is cut into lanes; ``None`` where streams begin anew at each document or sentence.
    """

    def __init__(self, state: Work, job: Job, lanes: Lanes | None) -> None:
        self.state, self.job, self.lanes = state, job, lanes
        self.shards = plan_streams(state) if lanes is None else lanes.shards()
        self.starts: dict[int, int] = {}
        """CRC-32 of the states that each group of lanes begins from, where they were scouted."""

    @property
    def n_token(self) -> int:
        """Tokens of the corpus."""
        return sum(shard.n_token for shard in self.shards)

    def extract(self, name: str, task: Task, receipts: dict[int, Receipt]) -> None:
        """Do the reading of all shards that need it; a shard that goes on from another waits for it.

        Parameters
        ----------
        name
            What the tasks are called on the dashboard.
        task
            Called with index, shard and job.
        receipts
            Of the shards that are done; those of the others are added.

        Raises
        ------
        ShardsFailed
            If a shard fails after all retries; the others are done.
        """
        self._drop_without_end(receipts)
        needed = [shard for shard in self.shards if self.needs(shard, receipts)]
        if len(needed) < len(self.shards):
            log.info("%s: %d of %d shards are there already", name, len(self.shards) - len(needed), len(self.shards))
        heads = [shard for shard in self.shards if shard.after is None]
        queue = deque(task_of for head in heads for task_of in self._next(head, receipts))
        failures: dict[int, str] = {}
        contents: dict[int, str] = {}
        n_left = sum(shard.n_token for shard in needed)
        done, n_read = {shard.index for shard in self.shards} - {shard.index for shard in needed}, self.n_token - n_left
        with self.state.progress(name, self.n_token, initial=n_read, n_task=len(self.shards), done_before=done) as bar:
            for (index, shard, *_), outcome in work(self.state.client, name, task, queue):
                if isinstance(outcome, BaseException):
                    failures[index] = explain(outcome, self.state.run, self._still_needed(receipts))
                    contents[index] = self._contents(shard)
                    log.warning("shard %d (%s) failed: %s", index, contents[index], failures[index])
                    bar.fail()
                    continue
                receipts[index] = outcome
                bar.update(min(shard.n_token, self.n_token - bar.step.done))
                for follower in self._followers(shard):
                    queue.extend(self._next(follower, receipts))
        for shard in needed:
            if shard.index not in receipts and shard.index not in failures:
                failures[shard.index] = "waits for the shard before it"
        if failures:
            raise ShardsFailed(failures, len(self.shards), contents)

    def _still_needed(self, receipts: Mapping[int, Receipt]) -> str:
        """Return a sentence on the room that the shards take which are not done; empty if no states are kept."""
        if not self.state.stored:
            return ""
        size = row_bytes(self.state.run / "activations.zarr")
        left = [shard.n_token for shard in self.shards if shard.index not in receipts]
        largest = max(max(left, default=0), self.job.rows)
        return (
            f"The {len(left)} of {len(self.shards)} shards that are not done need {sum(left) * size / 1e6:,.1f} MB, "
            f"in files of {largest * size / 1e6:,.1f} MB at most. "
        )

    def _contents(self, shard: Shard) -> str:
        """Return the documents that a shard covers, the first few by name."""
        corpus = zarr.open_group(self.state.run / "corpus.zarr", mode="r")
        document, names = self.job.column("corpus.zarr", "document", *shard.spans), corpus["document_name"]
        found = np.unique(document)
        shown = [_shorten(str(names[int(i)])) for i in found[:FEW_NAMES]]  # type: ignore[index]
        more = f" and {len(found) - FEW_NAMES} more" if len(found) > FEW_NAMES else ""
        return f"document{'s' * (len(found) > 1)} {', '.join(shown)}{more}"

    def begin_anew(self, starts: State, wrong: NDArray[np.bool_]) -> None:
        """Give the wrong lanes, dims (lane), the starts that they should have, so that their groups are read again."""
        assert self.lanes is not None
        for g, members in enumerate(self.lanes.groups()):
            if wrong[members].any():
                self.starts[g] = save_state(start_path(self.state.run, g), starts[members])

    def needs(self, shard: Shard, receipts: Mapping[int, Receipt]) -> bool:
        """Whether a shard has to be read: it was not, or from other states than it now begins from."""
        receipt = receipts.get(shard.index)
        return receipt is None or receipt.get("start_crc32") != self._start(shard, receipts)

    def _start(self, shard: Shard, receipts: Mapping[int, Receipt]) -> int | None:
        """Return the CRC-32 of the states that a shard begins from, ``None`` if it begins from zeros."""
        if shard.after is not None:
            return receipts.get(shard.after, {}).get("end_crc32")
        return None if shard.group is None else self.starts[shard.group]

    def _next(self, shard: Shard, receipts: dict[int, Receipt]) -> Iterator[tuple[Any, ...]]:
        """Yield the first task of a chain, from a shard whose start is known, that is not done."""
        waiting: Shard | None = shard
        while waiting is not None and not self.needs(waiting, receipts):
            waiting = next(iter(self._followers(waiting)), None)
        if waiting is not None:
            commit_path(self.state.run, waiting.index).unlink(missing_ok=True)
            receipts.pop(waiting.index, None)
            yield (waiting.index, waiting, self.job)

    def _followers(self, shard: Shard) -> list[Shard]:
        following = self.shards[shard.index + 1 : shard.index + 2]
        return [other for other in following if other.after == shard.index]

    def _drop_without_end(self, receipts: dict[int, Receipt]) -> None:
        """Forget the shards whose end states are needed and are not on disk as they were committed."""
        for shard in reversed(self.shards):
            if shard.after is not None and self.needs(shard, receipts) and shard.after in receipts:
                found = load_state(end_path(self.state.run, shard.after))
                if found is None or crc32(found) != receipts[shard.after].get("end_crc32"):
                    del receipts[shard.after]


def row_bytes(path: Path) -> int:
    """Return the bytes that a token takes in all arrays of a store, before they are compressed."""
    arrays = [array for _, array in zarr.open_group(path, mode="r", zarr_format=3).arrays()]
    return sum(array.dtype.itemsize * math.prod(array.shape[1:]) for array in arrays)


def _shorten(name: str) -> str:
    return name if len(name) <= NAME_LENGTH else f"...{name[3 - NAME_LENGTH :]}"


def plan_streams(state: Work) -> list[Shard]:
    """Return the shards of a corpus whose streams are its documents or its sentences."""
    corpus = zarr.open_group(state.run / "corpus.zarr", mode="r")
    n_token = state.record.facts["corpus"]["n_token"]
    if state.study.inference.carry == "document":
        starts = np.asarray(corpus["document_start"][:])  # type: ignore[index]

        def stream_start(time: int) -> int:
            return int(starts[np.searchsorted(starts, time, side="right") - 1])

    else:
        position = corpus["sentence_position"]

        def stream_start(time: int) -> int:
            return time - int(position[time])  # type: ignore[index, arg-type]

    return plan_shards(n_token, state.study.inference.shard_tokens, stream_start)


def perplexity(receipts: Mapping[int, Receipt]) -> dict[str, Any]:
    """Return the perplexity over all shards, summed in their order."""
    n = sum(receipt.get("n_predicted", 0) for receipt in receipts.values())
    if not n:
        return {"n_predicted": 0}
    bits = sum(receipts[i]["surprisal_sum"] for i in sorted(receipts)) / n
    return {"n_predicted": n, "bits_per_token": bits, "perplexity": 2.0**bits}


def forget_reading(state: Work) -> None:
    """Remove the commits and the carried states of a run: all of it is read anew."""
    for name in ("commits", "carried"):
        shutil.rmtree(state.run / name, ignore_errors=True)


def keep_model(state: Work, model: LanguageModel) -> None:
    """Put the model into the run, unless it is there: a study changed with ``--force`` may bring another one."""
    path = state.run / "model.safetensors"
    try:
        kept = load_model(path).digest == model.digest
    except UserError:
        kept = False
    if not kept:
        save_model(model, path)


def check_reading(inference: InferenceConfig, model: LanguageModel) -> None:
    """Refuse what this model cannot show.

    Raises
    ------
    UsageError
        If its cell has no such state or cannot be run by the kernel, or it has no decoder for the surprisal.
    """
    choose_kernel(inference.kernel, model, inference.precision)
    known = CELL_STATES[model.cell]
    for name in inference.kept(model.cell):
        if name not in known:
            raise UsageError(
                f"inference.states names {name}, but the model's cell is {model.cell.upper()}, which has "
                f"{', '.join(known)}."
            )
    if inference.surprisal and model.decoder is None:
        raise UsageError(
            "The model's checkpoint has no decoder that reads the top layer alone, so there is no surprisal. Set "
            "inference.surprisal: false."
        )

"""How far a piece of work is: a bar on stderr, and whoever else wants to know."""

import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from tqdm import tqdm

FILE_SECONDS = 10.0
"""Between two states of a bar in a file, where each takes room."""


@dataclass
class Step:
    """A piece of work: many tasks of one name, and how far it is.

    Parameters
    ----------
    name
        What its tasks are called.
    unit
        What it is counted in, such as ``tokens``.
    total, done
        How much there is, ``None`` if nobody knows, and how much of it is done.
    began_with
        How much was done already when it began.
    n_task
        Number of its tasks, those of an earlier try included; 0 where it is one piece.
    done_before
        Indices of the tasks that were done already when it began.
    n_task_done, n_failed
        Tasks that are done, those of an earlier try included, and tasks that failed for good.
    finished
        Whether it is over.
    """

    name: str
    unit: str
    total: int | None
    done: int = 0
    began_with: int = 0
    n_task: int = 0
    done_before: Collection[int] = ()
    n_task_done: int = 0
    n_failed: int = 0
    finished: bool = False


Listener = Callable[[Step], None]
"""Called when a step begins, after each of its tasks, and when it is over."""


class Progress:
    """Tells how far a step is, with rate and time left.

    Parameters
    ----------
    step
        The piece of work.
    listeners
        Who is told, beside the bar on stderr.
    """

    def __init__(self, step: Step, listeners: Sequence[Listener] = ()) -> None:
        self.step, self._listeners = step, listeners
        step.began_with = step.done
        step.n_task_done = len(step.done_before)
        self._bar: tqdm[Any] = tqdm(
            total=step.total, initial=step.done, desc=step.name, unit=f" {step.unit}", unit_scale=True,
            mininterval=1.0 if sys.stderr.isatty() else FILE_SECONDS,
        )  # fmt: skip
        self._tell()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
        self.step.finished = True
        self._tell()

    def update(self, n: int = 1) -> None:
        """Count a finished task, of this size in the step's unit."""
        self.step.done += n
        self.step.n_task_done += 1
        self._bar.update(n)
        self._tell()

    def fail(self) -> None:
        """Count a task that failed for good."""
        self.step.n_failed += 1
        self._tell()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener(self.step)

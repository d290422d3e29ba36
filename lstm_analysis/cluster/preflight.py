"""Before a study begins: does every worker see the run's folder, and has it the driver's versions."""

import logging
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..disk import temporary_name
from ..errors import UserError
from .worker_fitness import Expected, unfit

if TYPE_CHECKING:
    from distributed import Client

log = logging.getLogger("lstm_analysis")

MOST_NAMED = 3


@contextmanager
def preflight(client: "Client", folder: Path) -> Iterator[None]:
    """Look whether all workers are fit for a study, and look at those that join while it goes on.

    The driver writes a small file into the folder of the run; every worker must read it, write one of its own, and
    have the driver's versions. A worker that joins later and is not fit is let go before it does a task; the log says
    so.

    Parameters
    ----------
    client
        Of the cluster.
    folder
        Of the run; the file is removed in the end.

    Raises
    ------
    UserError
        Naming the workers that are not fit, and why.
    """
    from .late_workers import NAME, TOPIC, LateWorkers

    with token_in(folder) as token:
        expected = Expected(token, token.read_text(encoding="utf-8"))
        refuse_unfit(client.run(unfit, expected, on_error="return"))
        client.subscribe_topic(TOPIC, _report)
        client.register_plugin(LateWorkers(expected))
        try:
            yield
        finally:
            with suppress(Exception):  # the scheduler may be gone
                if client.status == "running":
                    client.unregister_worker_plugin(NAME)
                    client.unsubscribe_topic(TOPIC)


@contextmanager
def token_in(folder: Path) -> Iterator[Path]:
    """Give a file with a text of its own in a folder, named so that a run removes one that a killed driver left."""
    folder = folder.resolve()
    token = temporary_name(folder / "preflight")
    try:
        token.write_text(uuid.uuid4().hex, encoding="utf-8")
        yield token
    finally:
        token.unlink(missing_ok=True)


def refuse_unfit(answers: Mapping[str, Any]) -> None:
    """Refuse workers that answered with a problem or an exception.

    Raises
    ------
    UserError
        Naming them.
    """
    problems = {address: _problem(answer) for address, answer in answers.items()}
    problems = {address: problem for address, problem in problems.items() if problem}
    if not problems:
        return
    shown = "; ".join(f"{address} {problem}" for address, problem in list(problems.items())[:MOST_NAMED])
    raise UserError(
        f"{len(problems)} of {len(answers)} workers cannot do this study: {shown}. Mend this, or take the hosts out of "
        "the cluster file; `lstm-analysis cluster FILE --check` shows the whole of it."
    )


def _problem(answer: Any) -> str:
    if isinstance(answer, ModuleNotFoundError):
        return f"lacks the package {answer.name}: install the same environment on all hosts"
    return f"failed: {type(answer).__name__}: {answer}" if isinstance(answer, BaseException) else str(answer)


def _report(event: tuple[float, Mapping[str, str]]) -> None:
    _, found = event
    log.warning("a worker was let go before it did anything: %s %s", found["worker"], found["problem"])

"""Work that takes seconds, done in a thread beside what others look at."""

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from ..errors import UserError

T = TypeVar("T")
NAME = "explorer-work"
LOG = logging.getLogger(__name__)
_FEW_AT_A_TIME = threading.Semaphore(2)


def attempt(work: Callable[[], T]) -> T | UserError:
    """Return what some work gives, or the user's mistake that it meets."""
    try:
        return work()
    except UserError as error:
        return error


def work_beside(work: Callable[[], T], then: Callable[[T | UserError], None]) -> None:
    """Do some work in a thread, two at a time, and call a function there with its result or with what went wrong."""

    def run() -> None:
        with _FEW_AT_A_TIME:
            try:
                result = attempt(work)
            except Exception as error:  # else the page would wait for ever
                LOG.exception("The explorer could not do what a page has asked for")
                result = UserError(f"This failed: {error}. The terminal of the explorer says more.")
        then(result)

    threading.Thread(target=run, name=NAME, daemon=True).start()


def is_working() -> bool:
    """Whether such work is being done."""
    return any(thread.name == NAME for thread in threading.enumerate())

"""The errors a user sees: one paragraph that says what is wrong, what was found and what to do."""

import difflib
import threading
from collections.abc import Iterable

MOST_LISTED = 30
"""Names that an error lists."""


class UserError(Exception):
    """Something the user can mend; the command line prints its text without a traceback.

    Parameters
    ----------
    message
        What is wrong, what was found, what to do.
    exit_code
        1 for a failure of the work, 2 for wrong usage (a study, an option, a path).
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class UsageError(UserError):
    """The command, the study file or the cluster file is wrong; nothing was started."""

    def __init__(self, message: str) -> None:
        super().__init__(message, exit_code=2)


class Interrupted(UserError):
    """The work stopped half-way and the same command finishes it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, exit_code=75)


KEPT = "What was finished is kept; run the same command to go on."


class StopRequest(threading.Event):
    """Set when the program is to stop, with the reason."""

    reason = "Stopped"
    interrupts = False
    """Whether SIGTERM is answered by the command line, which interrupts whatever the main thread waits for."""
    raised = False
    """Whether a handler of signals has raised it: the second time would break the cleaning up."""

    def request(self, reason: str) -> None:
        """Ask for a stop; the first reason counts."""
        if not self.is_set():
            self.reason = reason
            self.set()

    def clear(self) -> None:
        """Take the request back."""
        super().clear()
        self.raised = False


STOP = StopRequest()
"""Set by SIGTERM and Ctrl-C. Their handlers raise, too, but what is raised in a library's callback can get lost."""


def raise_if_stopped() -> None:
    """Raise what a request to stop asks for, if one came; called where work is waited for.

    Raises
    ------
    Interrupted
        If the program is to stop.
    """
    if STOP.is_set():
        raise Interrupted(f"{STOP.reason}. {KEPT}")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the hint that ends a sentence about an unknown name, its last sign included.

    >>> nearest("aucroc", ["auroc", "d_prime"])
    "did you mean 'auroc'?"
    >>> nearest("zzz", ["auroc", "d_prime"])
    'known are auroc, d_prime.'
    """
    known = list(known)
    more = f" and {len(known) - MOST_LISTED} more" if len(known) > MOST_LISTED else ""
    return _guess(name, known) or f"known are {', '.join(known[:MOST_LISTED])}{more}."


def one_of(name: str, known: Iterable[str]) -> str:
    """Return the hint that ends a sentence about a word that is none of a few: the nearest, and all of them.

    >>> one_of("docment", ["document", "sentence"])
    "did you mean 'document'? It is one of document, sentence."
    >>> one_of("page", ["document", "sentence"])
    'it must be one of document, sentence.'
    """
    known = list(known)
    guess, listed = _guess(name, known), f"one of {', '.join(known)}."
    return f"{guess} It is {listed}" if guess else f"it must be {listed}"


def _guess(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else ""

"""Work beside what others look at: results, users' mistakes, and what nobody has foreseen."""

import logging
import threading

import pytest

from lstm_analysis.errors import UserError
from lstm_analysis.explorer.beside import is_working, work_beside


def result_of(work: object) -> object:
    """Return what is told of some work."""
    done, found = threading.Event(), []

    def then(result: object) -> None:
        found.append(result)
        done.set()

    work_beside(work, then)
    assert done.wait(60)
    return found[0]


def fail() -> None:
    raise KeyError("x")


def refuse() -> None:
    raise UserError("There is none.")


def test_results_and_mistakes_are_told(caplog: pytest.LogCaptureFixture) -> None:
    assert result_of(lambda: 3) == 3
    assert str(result_of(refuse)) == "There is none."
    logging.getLogger("lstm_analysis").propagate = True
    failed = result_of(fail)
    assert isinstance(failed, UserError)
    assert "This failed: 'x'." in str(failed)
    assert "could not do what a page has asked for" in caplog.text


def test_it_is_known_whether_work_is_being_done() -> None:
    begun, over, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        over.wait(60)

    work_beside(work, lambda _: ended.set())
    assert begun.wait(60)
    assert is_working()
    over.set()
    assert ended.wait(60)
    for thread in threading.enumerate():
        if thread.name == "explorer-work":
            thread.join(60)
    assert not is_working()

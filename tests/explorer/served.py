"""An explorer of a run, answering in a thread of this process."""

import asyncio
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPMessage
from typing import Any, NamedTuple

from lstm_analysis.explorer import Explorer
from lstm_analysis.run import Run


class Answer(NamedTuple):
    """Status, headers and text of an answer."""

    status: int
    headers: HTTPMessage
    text: str


class Served:
    """A server that answers.

    Parameters
    ----------
    explorer
        The server.
    loop
        That of its thread.
    """

    def __init__(self, explorer: Explorer, loop: asyncio.AbstractEventLoop) -> None:
        self.explorer, self.loop = explorer, loop
        self.root = f"http://127.0.0.1:{explorer.port}"

    def get(self, path: str, **headers: str) -> Answer:
        """Ask for a path, without following it elsewhere."""
        request = urllib.request.Request(self.root + path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        try:
            with urllib.request.build_opener(_Stay).open(request, timeout=60) as answer:
                return Answer(answer.status, answer.headers, answer.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read().decode())


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


@contextmanager
def served(run: Run, **options: Any) -> Iterator[Served]:
    """Serve a run on a free port while the block runs."""
    ready = threading.Event()
    found: list[Any] = []

    def serve() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            explorer = Explorer(run, port=0, **options)
            explorer.start()
            found.append(Served(explorer, loop))
        except BaseException as error:
            found.append(error)
            ready.set()
            loop.close()
            return
        loop.call_soon(ready.set)
        loop.run_forever()
        explorer.close()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    ready.wait(60)
    if isinstance(found[0], BaseException):
        thread.join()
        raise found[0]
    try:
        yield found[0]
    finally:
        found[0].loop.call_soon_threadsafe(found[0].loop.stop)
        thread.join(60)

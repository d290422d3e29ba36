"""The server: which views there are, where it listens, who may look, and how it ends."""

import errno
import ipaddress
import logging
import secrets
import signal
import socket
import sys
import webbrowser
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.document import Document
from bokeh.server.server import Server
from tornado.ioloop import IOLoop

from ..errors import UsageError, UserError
from ..explorer_links import PORT
from .concept_view import concept_view
from .gate import LOGIN, Gate, TokenPage, make_token
from .holdings import Holdings
from .neuron_view import neuron_view
from .overview_view import overview_view
from .pages import fill
from .tables import TableFile
from .text_view import text_view

if TYPE_CHECKING:
    from ..run import Run

ADDRESS = "127.0.0.1"
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
VIEWS = {"/": overview_view, "/text": text_view, "/neuron": neuron_view, "/concept": concept_view}


class Explorer:
    """A server of the views of a run, listening.

    Parameters
    ----------
    run
        The run.
    port, address
        Where to listen; port 0 is any that is free.
    allow_origin
        Further hosts, with their port, under which a browser may ask for the page.
    token
        What a reader must have; by default none on the machine itself, else one that is made.

    Raises
    ------
    UserError
        If the run has no corpus, or the port cannot be listened at.
    """

    def __init__(
        self,
        run: "Run",
        port: int = PORT,
        address: str = ADDRESS,
        allow_origin: Sequence[str] = (),
        token: str | None = None,
    ) -> None:
        self._log_quietly()
        holdings = Holdings(run)
        local = is_loopback(address)
        gate = Gate(token or (None if local else make_token()))
        views = {path: FunctionHandler(partial(show, view, holdings)) for path, view in VIEWS.items()}
        applications = {path: Application(handler) for path, handler in views.items()}
        shared = {"holdings": holdings, "gate": gate}
        try:
            self._server = Server(
                applications,
                port=port,
                address=address,
                allow_websocket_origin=["*"],  # the gate checks origins, those of websockets too
                auth_provider=gate,
                extra_patterns=[(LOGIN, TokenPage, {"gate": gate}), (r"/(\w+)\.csv", TableFile, shared)],
                secret_key=secrets.token_hex(32).encode(),
                sign_sessions=True,
                include_cookies=[],
                include_headers=[],
            )
        except OSError as error:
            raise cannot_listen(error, address, port) from None
        self.port = int(self._server.port or port)
        gate.serve_at([*hosts(address, self.port), *allow_origin], self.port)
        name = address if not is_any(address) else socket.gethostname()
        shown = f"[{name}]" if ":" in name else name
        self.url = f"http://{shown}:{self.port}/" + (f"?token={quote(gate.token)}" if gate.token else "")

    def serve(self, show: bool) -> None:
        """Serve until Ctrl-C or SIGTERM, and end quietly.

        Parameters
        ----------
        show
            Open a browser of this machine.
        """
        loop = IOLoop.current()
        self.start()
        if show:
            loop.add_callback(webbrowser.open, self.url)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.asyncio_loop.add_signal_handler(number, loop.stop)  # type: ignore[attr-defined]
        print("Ctrl-C ends it.", file=sys.stderr, flush=True)
        loop.start()
        self.close()

    def start(self) -> None:
        """Begin to answer, as soon as the loop of this thread runs."""
        self._server.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.stop()

    def _log_quietly(self) -> None:
        for name in ("bokeh", "tornado"):
            logging.getLogger(name).setLevel(logging.ERROR)


def show(view: Callable[[Holdings, Document], None], holdings: Holdings, doc: Document) -> None:
    """Fill a document with a view, or with the user's mistake that it meets."""
    try:
        view(holdings, doc)
    except UserError as error:
        doc.clear()
        path = next(path for path, known in VIEWS.items() if known is view)
        fill(doc, holdings, path, "problem.html", {}, {"problem": str(error)})


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an address.

    >>> is_loopback("localhost"), is_loopback("127.0.0.2"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def is_any(address: str) -> bool:
    """Whether an address stands for all of a machine.

    >>> is_any("0.0.0.0"), is_any("::"), is_any("10.0.0.1")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(address).is_unspecified
    except ValueError:
        return False


def hosts(address: str, port: int) -> list[str]:
    """Return host and port of all names by which a server that listens at an address is known."""
    names = [*LOOPBACK, f"[{address}]" if ":" in address else address]
    if not is_loopback(address):
        names += [socket.gethostname(), socket.getfqdn()]
    return [f"{name}:{port}" for name in dict.fromkeys(names)]


def cannot_listen(error: OSError, address: str, port: int) -> UsageError:
    """Return what it means for the user that a port cannot be listened at."""
    if error.errno == errno.EADDRINUSE:
        return UsageError(
            f"Port {port} of {address} is taken, perhaps by another explorer. Give another with --port, or --port 0 "
            "for any that is free."
        )
    reason = error.strerror or str(error)
    return UsageError(f"{address}:{port} cannot be listened at: {reason}. Give another --address or --port.")

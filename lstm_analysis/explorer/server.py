"""The server: which views there are, where it listens, who may look, and how it ends."""

import errno
import ipaddress
import logging
import secrets
import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.server.server import Server
from tornado.ioloop import IOLoop

from ..errors import UsageError
from .concept_view import concept_view
from .gate import LOGIN, Gate, TokenPage, make_token
from .holdings import Holdings
from .neuron_view import neuron_view
from .overview_view import overview_view
from .tables import TableFile
from .text_view import text_view

if TYPE_CHECKING:
    from ..run import Run

ADDRESS, PORT = "127.0.0.1", 5006
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
        applications = {path: Application(FunctionHandler(partial(view, holdings))) for path, view in VIEWS.items()}
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
        self._server.start()
        if show:
            IOLoop.current().add_callback(self._server.show, self.url.partition(f":{self.port}")[2])
        asyncio_loop = IOLoop.current().asyncio_loop  # type: ignore[attr-defined]
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio_loop.add_signal_handler(number, IOLoop.current().stop)
        print("Ctrl-C ends it.", file=sys.stderr, flush=True)
        IOLoop.current().start()
        self.close()

    def close(self) -> None:
        """Stop listening."""
        self._server.stop()

    def _log_quietly(self) -> None:
        for name in ("bokeh", "tornado"):
            logging.getLogger(name).setLevel(logging.ERROR)


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
            f"Port {port} of {address} is taken, perhaps by another explorer. Give another with --port, or --port 0 for "
            "any that is free."
        )
    reason = error.strerror or str(error)
    return UsageError(f"{address}:{port} cannot be listened at: {reason}. Give another --address or --port.")

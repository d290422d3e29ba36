"""Who may look: a token, checked for pages, tables and websockets alike, and the hosts that the page may come from."""

import hmac
import secrets
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from bokeh.server.auth_provider import AuthProvider
from tornado.httputil import url_concat
from tornado.web import RequestHandler

LOGIN = "/token"


def make_token() -> str:
    """Return a token that nobody guesses."""
    return secrets.token_urlsafe(24)


class Gate(AuthProvider):  # type: ignore[misc]
    """Lets in whoever has the token, asked for under a name that this server is known by.

    The host of a request and the origin of a websocket are checked even without a token: else a page of another site
    whose name points at this machine could read the run.

    Parameters
    ----------
    token
        ``None`` lets everybody in who can reach the server.
    """

    def __init__(self, token: str | None) -> None:
        self.token = token
        self.hosts: set[str] = set()
        """Host and port by which the server may be asked, as `plain_host` gives them; set when the port is known."""
        self.cookie = "lstm-analysis-token"
        self.passes = hmac.new(secrets.token_bytes(32), (token or "").encode(), "sha256").hexdigest()
        """What a browser that has shown the token keeps as a cookie; this server alone takes it."""
        super().__init__()

    def serve_at(self, hosts: Sequence[str], port: int) -> None:
        """Take the names that the server is known by; servers on other ports have other cookies."""
        self.hosts = {plain_host(host) for host in hosts}
        self.cookie = f"lstm-analysis-token-{port}"

    def knows_host(self, handler: RequestHandler) -> bool:
        """Whether a request names this server, and comes from one of its own pages if it says where from."""
        origin = handler.request.headers.get("Origin")
        named = [handler.request.host, *([urlsplit(origin).netloc] if origin else [])]
        return all(plain_host(host) in self.hosts for host in named)

    def is_token(self, given: str) -> bool:
        """Whether something is the token; how long this takes says nothing of it."""
        return self.token is None or hmac.compare_digest(given.encode(), self.token.encode())

    @property
    def get_user(self) -> Callable[[Any], str | None]:
        """How Bokeh asks whether a request may pass."""
        return self._user

    def _user(self, handler: RequestHandler) -> str | None:
        if not self.knows_host(handler):
            return None
        kept = handler.get_cookie(self.cookie) or ""
        return "reader" if self.token is None or hmac.compare_digest(kept.encode(), self.passes.encode()) else None

    @property
    def get_login_url(self) -> Callable[[Any], str]:
        """Where Bokeh sends a request that may not pass: an address with the token in it goes on from there."""
        return lambda handler: LOGIN


class TokenPage(RequestHandler):
    """Takes the token: from the address, once, or typed in; then the page's address does without it."""

    def initialize(self, gate: Gate) -> None:
        """Take the gate."""
        self._gate = gate

    def get(self) -> None:
        """Ask for the token, or take it and go where the reader wanted to."""
        if not self._gate.knows_host(self):
            self.set_status(403)
            self.finish(
                f"This explorer is not known as {self.request.host!r}. Start it with --allow-origin and that host and "
                "port if a proxy or a tunnel leads here under this name."
            )
            return
        target = local_path(self.get_query_argument("next", "/"))
        given = self.get_query_argument("token", None) or token_in(target)
        if given is not None and self._gate.is_token(given):
            self.set_cookie(self._gate.cookie, self._gate.passes, httponly=True, samesite="Strict", path="/")
            self.redirect(without_token(target))
            return
        self.set_status(401 if given is not None else 200)
        self.render("token.html", wrong=given is not None, target=without_token(target))

    def get_template_path(self) -> str:
        """Return the folder of the page's template."""
        from .pages import FOLDER

        return str(FOLDER)


def plain_host(host: str) -> str:
    """Return a host and port as browsers name them, in lower case and without the usual ports of HTTP and HTTPS.

    >>> plain_host("Lab.example.org:443"), plain_host("localhost:5006")
    ('lab.example.org', 'localhost:5006')
    """
    return host.lower().removesuffix(":443").removesuffix(":80")


def local_path(target: str) -> str:
    """Return a path of this server, the root for anything else.

    >>> local_path("/text?at=3"), local_path("https://evil.example/"), local_path("//evil.example")
    ('/text?at=3', '/', '/')
    """
    parts = urlsplit(target.replace("\\", "/"))
    return target if not parts.scheme and not parts.netloc and parts.path.startswith("/") else "/"


def token_in(path: str) -> str | None:
    """Return the token in the query of a path.

    >>> token_in("/text?at=3&token=abc")
    'abc'
    """
    return next(iter(parse_qs(urlsplit(path).query).get("token", [])), None)


def without_token(path: str) -> str:
    """Return a path without the token in its query.

    >>> without_token("/text?at=3&token=abc")
    '/text?at=3'
    """
    parts = urlsplit(path)
    pairs = [(name, value) for name, value in parse_qsl(parts.query) if name != "token"]
    return str(url_concat(parts.path, pairs))

"""Who may look: pages, tables and websockets ask for the token, and only under the server's own names."""

import re
import socket
from http.cookies import SimpleCookie
from urllib.parse import quote

import pytest
from bokeh.util.token import get_token_payload
from fake_run import MakeRun
from served import Served, served

from lstm_analysis.explorer.gate import Gate, local_path, without_token
from lstm_analysis.explorer.server import hosts, is_loopback

TEXT_FRAME = b"\x81"
TOKEN = "a token with & and ="
PATHS = (
    "/",
    "/text",
    "/neuron",
    "/concept",
    "/text.csv",
    "/text/autoload.js?bokeh-autoload-element=x",
    "/text/metadata",
)


def cookie_of(server: Served) -> str:
    """Return the cookie that the token's page gives."""
    answer = server.get(f"/token?token={quote(TOKEN)}&next=/text")
    assert (answer.status, answer.headers["Location"]) == (302, "/text")
    cookie = SimpleCookie(answer.headers["Set-Cookie"])
    (name,) = cookie
    assert cookie[name]["httponly"]
    assert cookie[name]["samesite"] == "Strict"
    return f"{name}={cookie[name].coded_value}"


def test_nothing_is_shown_without_the_token(make_run: MakeRun) -> None:
    with served(make_run(), token=TOKEN) as server:
        for path in PATHS:
            answer = server.get(path)
            assert (answer.status, answer.headers["Location"].split("?")[0]) == (302, "/token"), path
            assert "600 tokens" not in answer.text
        cookie = cookie_of(server)
        for path in PATHS[:5]:
            assert server.get(path, Cookie=cookie).status == 200, path
        assert server.get("/text", Cookie=cookie[:-1]).status == 302


def test_an_address_with_the_token_leads_on_without_it(make_run: MakeRun) -> None:
    with served(make_run(), token=TOKEN) as server:
        first = server.get(f"/text?at=5&token={quote(TOKEN)}")
        assert first.status == 302
        second = server.get(first.headers["Location"])
        assert (second.status, second.headers["Location"]) == (302, "/text?at=5")
        assert "Set-Cookie" in second.headers
        wrong = server.get("/token?token=guess&next=/text")
        assert (wrong.status, "Set-Cookie" in wrong.headers) == (401, False)
        assert "That is not its token." in wrong.text


def test_the_cookie_does_not_stand_in_the_page(make_run: MakeRun) -> None:
    with served(make_run(), token="abcdefgh12345678") as server:
        answer = server.get("/token?token=abcdefgh12345678&next=/")
        cookie = answer.headers["Set-Cookie"].split(";")[0]
        page = server.get("/text", Cookie=cookie).text
        bearer = re.search(r'"token":"([^"]+)"', page)
        assert bearer is not None
        payload = get_token_payload(bearer.group(1))
        assert (payload["headers"], payload["cookies"]) == ({}, {})
        assert cookie.split("=")[1] not in page
        assert "abcdefgh12345678" not in page


def connect(server: Served, path: str, **headers: str) -> str:
    """Ask for the websocket of a page as a browser does; return ``open`` if the server speaks first, as Bokeh does."""
    page = server.get(path, **{name: text for name, text in headers.items() if name != "Origin"}).text
    found = re.search(r'"token":"([^"]+)"', page)
    lines = [
        f"GET {path}/ws HTTP/1.1", f"Host: 127.0.0.1:{server.explorer.port}", "Upgrade: websocket",
        "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        f"Sec-WebSocket-Protocol: bokeh, {found.group(1) if found else 'none'}",
        *(f"{name}: {text}" for name, text in headers.items()), "", "",
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", server.explorer.port), timeout=20) as connection:
        connection.sendall("\r\n".join(lines).encode())
        with connection.makefile("rb") as answer:
            status = answer.readline().split()[1].decode()
            while answer.readline().strip():
                pass
            first = answer.read(1)
    return "open" if status == "101" and first == TEXT_FRAME else f"refused ({status})"


def test_a_websocket_needs_the_token_too(make_run: MakeRun) -> None:
    with served(make_run(), token=TOKEN) as server:
        cookie = cookie_of(server)
        assert connect(server, "/text", Cookie=cookie) == "open"
        assert connect(server, "/text") != "open"
        assert connect(server, "/text", Cookie=cookie, Origin="http://evil.example") != "open"


def test_pages_of_other_sites_are_refused_even_without_a_token(make_run: MakeRun) -> None:
    with served(make_run(), allow_origin=["lab.example.org:443"]) as server:
        assert server.get("/text").status == 200
        assert server.get("/text", Host="lab.example.org:443").status == 200
        assert server.get("/text", Host="Lab.example.org").status == 200
        assert server.get("/text", Host="lab.example.org:8080").status == 302
        refused = server.get("/text", Host="evil.example")
        assert refused.status == 302
        said = server.get("/token", Host="evil.example")
        assert said.status == 403
        assert "--allow-origin" in said.text
        assert connect(server, "/text") == "open"
        assert connect(server, "/text", Origin=server.root) == "open"
        assert connect(server, "/text", Origin="https://lab.example.org") == "open"
        assert connect(server, "/text", Origin="http://evil.example") != "open"


def test_an_address_that_others_reach_gets_a_token(make_run: MakeRun) -> None:
    with served(make_run(), address="0.0.0.0") as server:
        assert "?token=" in server.explorer.url
        assert server.get("/text").status == 302


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example/x", "\\\\evil.example", "javascript:alert(1)", ""]
)
def test_nobody_is_led_to_another_site(target: str) -> None:
    assert local_path(target) == "/"


def test_a_token_is_all_or_nothing() -> None:
    gate = Gate("ein Schlüssel")
    assert gate.is_token("ein Schlüssel")
    assert not any(gate.is_token(text) for text in ("", "ein Schlüsse", "ein Schlüssel "))
    assert Gate(None).is_token("")


def test_names_of_a_server() -> None:
    assert hosts("127.0.0.1", 5006) == ["localhost:5006", "127.0.0.1:5006", "[::1]:5006"]
    assert "10.1.2.3:80" in hosts("10.1.2.3", 80)
    assert not is_loopback("example.org")
    assert without_token("/a?token=x&b=%26") == "/a?b=%26"

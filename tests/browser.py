"""A headless Chromium, driven by its own chromedriver over the WebDriver protocol, which is plain JSON over HTTP."""

import base64
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
SECONDS = 60


class Browser:
    """An open browser.

    Parameters
    ----------
    session
        Address of its session.
    """

    def __init__(self, session: str) -> None:
        self._session = session

    def open(self, address: str) -> None:
        """Go to an address."""
        _call("POST", f"{self._session}/url", {"url": address})

    def resize(self, width: int, height: int) -> None:
        """Show pages as in a window of this size, be it as narrow as a phone, which no real window is."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        command = {"cmd": "Emulation.setDeviceMetricsOverride", "params": size}
        _call("POST", f"{self._session}/goog/cdp/execute", command)

    def run(self, script: str) -> Any:
        """Return what a script returns."""
        return _call("POST", f"{self._session}/execute/sync", {"script": script, "args": []})

    def drag(self, start: tuple[float, float], stop: tuple[float, float]) -> None:
        """Press the mouse at a point of the window, move it to another, and let go; there it stays."""
        moves = [{"type": "pointerMove", "duration": 50, "x": round(x), "y": round(y)} for x, y in (start, stop)]
        buttons = [{"type": f"pointer{which}", "button": 0} for which in ("Down", "Up")]
        actions = [moves[0], buttons[0], moves[1], buttons[1]]
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions}
        _call("POST", f"{self._session}/actions", {"actions": [mouse]})

    def press(self, keys: str) -> None:
        """Press keys one after the other in whatever has the focus."""
        actions = [{"type": f"key{which}", "value": key} for key in keys for which in ("Down", "Up")]
        _call("POST", f"{self._session}/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def errors(self) -> list[str]:
        """Return what the console has complained about since the last call."""
        entries = _call("POST", f"{self._session}/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def save_picture(self, path: Path) -> None:
        """Write what is seen as PNG."""
        path.write_bytes(base64.b64decode(_call("GET", f"{self._session}/screenshot")))


@contextmanager
def open_browser(width: int = 1280, height: int = 1100) -> Iterator[Browser]:
    """Start a browser with a window of this size, and end it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        server = f"http://127.0.0.1:{port}"
        _wait_for(server)
        chrome = {"args": [*OPTIONS, f"--window-size={width},{height}"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": chrome, "goog:loggingPrefs": {"browser": "ALL"}}
        found = _call("POST", f"{server}/session", {"capabilities": {"alwaysMatch": wanted}})
        session = f"{server}/session/{found['sessionId']}"
        try:
            yield Browser(session)
        finally:
            _call("DELETE", session)
    finally:
        driver.terminate()
        driver.wait(SECONDS)


def _wait_for(server: str) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            _call("GET", f"{server}/status")
            return
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _call(method: str, address: str, content: object = None) -> Any:
    data = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return json.load(answer)["value"]

"""A local server that speaks S3, and how many requests it gets."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import fsspec
import pytest

BUCKET = "bucket"
SECRET = "open-sesame"


class ObjectStore:
    """A running server with an empty bucket.

    Parameters
    ----------
    requests
        Method and path of each request since the last `count`.
    """

    def __init__(self, requests: list[tuple[str, str]]) -> None:
        self._requests = requests

    def count(self, part: str = "") -> Counter[str]:
        """Return how many requests of each method named a path with this part since the last call."""
        found, self._requests[:] = list(self._requests), []
        return Counter(method for method, path in found if part in path)

    def write(self, name: str, content: bytes) -> str:
        """Write an object; return its URL."""
        with fsspec.open(f"s3://{BUCKET}/{name}", "wb") as file:
            file.write(content)
        return f"s3://{BUCKET}/{name}"

    def names(self, prefix: str = "") -> list[str]:
        """Return the names of all objects below a prefix."""
        filesystem = fsspec.filesystem("s3")
        filesystem.invalidate_cache()
        return sorted(filesystem.find(f"{BUCKET}/{prefix}"))


@contextmanager
def object_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """Start the server on this machine and let the environment name it, with keys that open nothing else.

    Once a process: the file system keeps its connections.
    """
    from moto.server import DomainDispatcherApplication, ThreadedMotoServer

    requests: list[tuple[str, str]] = []

    class Counting(DomainDispatcherApplication):
        def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
            requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
            return super().__call__(environ, start_response)

    monkeypatch.setattr("moto.moto_server.threaded_moto_server.DomainDispatcherApplication", Counting)
    monkeypatch.setattr("werkzeug.serving.WSGIRequestHandler.log_request", lambda *_: None)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        environment = {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        fsspec.filesystem("s3").mkdir(BUCKET)
        requests.clear()
        yield ObjectStore(requests)
    finally:
        server.stop()

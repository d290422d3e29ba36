"""A value that many tasks need, sent to the cluster once."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from distributed import Client

Value = TypeVar("Value")


@contextmanager
def shared(client: "Client | None", name: str, value: Value) -> Iterator[Value]:
    """Give what stands for a value among the arguments of tasks.

    The workers hand it to each other. It is the result of a task, not scattered data, so that the scheduler makes it
    again if the worker that has it dies.

    Parameters
    ----------
    client
        A Dask client; ``None`` gives the value itself.
    name
        What it is called on the dashboard.
    value
        Anything that can travel.
    """
    if client is None:
        yield value
        return
    future = client.submit(_same, value, key=f"{name}-{uuid.uuid4().hex[:6]}", pure=False)
    try:
        yield future
    finally:
        future.release()


def _same(value: Value) -> Value:
    return value

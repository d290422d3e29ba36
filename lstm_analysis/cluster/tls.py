"""Encryption: who may talk to a scheduler, and why one does not talk."""

import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..config import ClusterConfig
from ..errors import UsageError, UserError, nearest

PROBE_SECONDS = 5.0
GREETING_SECONDS = 0.5


def as_security(given: Any, config: ClusterConfig, *, here: bool = True) -> Any:
    """Return what a cluster file says under ``security`` as a `distributed.Security`.

    Parameters
    ----------
    given
        A mapping of its arguments, or ``true`` for certificates that are made for this cluster alone.
    config
        The cluster file; files count from it.
    here
        Whether the files are read on this machine, and not only on other hosts.

    Raises
    ------
    UsageError
        If a key is unknown, or a file cannot be read.
    """
    from distributed import Security

    if not isinstance(given, Mapping):
        return given
    found = {key: value for key, value in given.items() if value is not None}
    for key, value in found.items():
        if key not in Security.__slots__:
            raise UsageError(f"The cluster file's key security.{key} is unknown; {nearest(key, Security.__slots__)}")
        if here and key.endswith(("_file", "_cert", "_key")):
            found[key] = _readable(key, config.resolve(value))
    return Security(**found)


def _readable(key: str, path: str) -> str:
    try:
        open(path, "rb").close()
    except OSError as error:
        raise UsageError(
            f"The cluster file's security.{key} is {path}, which cannot be read ({error.strerror}). Check the path: it "
            "counts from the cluster file."
        ) from None
    return path


def credentials(config: ClusterConfig) -> Any:
    """Return the `distributed.Security` by which a running scheduler is joined, ``None`` for none."""
    return None if config.security is None else as_security(asdict(config.security), config)


def refuse_misfit(config: ClusterConfig) -> None:
    """Refuse a running scheduler that encrypts otherwise than the cluster file says.

    A short look at its port, before a client is made: Dask's own client says little, and late.

    Raises
    ------
    UserError
        Saying what to write instead.
    """
    address = _address(config)
    protocol, _, place = address.partition("://")
    host, _, port = place.rpartition(":")
    if protocol not in ("tcp", "tls") or not port.isdigit():
        return
    end = (host.strip("[]"), int(port))
    try:
        plain = _greets(end)
    except OSError:
        return  # nothing is there yet, and a client waits for it
    if plain and (protocol == "tls" or config.security is not None):
        raise UserError(f"The scheduler at {address} does not speak TLS. Write tcp:// and no security, or start it so.")
    reason = None if plain else _shake_hands(end, config)
    if reason is None:
        return
    if protocol == "tcp":
        raise UserError(
            f"The scheduler at {address} speaks TLS only. Write address: tls://{place} in the cluster file and give "
            "security: {tls_ca_file, tls_client_cert, tls_client_key}."
        )
    if config.security is None:
        raise UserError(
            f"The cluster file names {address} but no security. Give security: {{tls_ca_file, tls_client_cert, "
            "tls_client_key}}, the files that the scheduler's owner made for clients."
        )
    if reason:
        raise UserError(
            f"The scheduler at {address} and the files under security do not trust each other ({reason}). tls_ca_file "
            "must have signed the scheduler's certificate, and the scheduler's --tls-ca-file tls_client_cert."
        )


def _address(config: ClusterConfig) -> str:
    """Return the scheduler's address as far as it is known."""
    if config.address is not None:
        return config.address
    try:
        found = json.loads(Path(config.resolve(str(config.scheduler_file))).read_text(encoding="utf-8"))
        return str(found["address"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _greets(end: tuple[str, int]) -> bool:
    """Whether what listens speaks first, as a Dask scheduler without TLS does; one with TLS waits to be greeted."""
    with socket.create_connection(end, PROBE_SECONDS) as connection:
        connection.settimeout(GREETING_SECONDS)
        try:
            return bool(connection.recv(1))
        except TimeoutError:
            return False


def _shake_hands(end: tuple[str, int], config: ClusterConfig) -> str | None:
    """Return what is wrong between the two certificates, empty if nothing is; ``None`` if this is no TLS."""
    given = config.security
    context = ssl.create_default_context(
        cafile=config.resolve(given.tls_ca_file) if given and given.tls_ca_file else None
    )
    context.check_hostname = False
    if given is None or given.tls_ca_file is None:
        context.verify_mode = ssl.CERT_NONE
    if given and given.tls_client_cert:
        key = config.resolve(given.tls_client_key) if given.tls_client_key else None
        context.load_cert_chain(config.resolve(given.tls_client_cert), key)
    spoken = False
    try:
        with socket.create_connection(end, PROBE_SECONDS) as connection, context.wrap_socket(connection) as encrypted:
            spoken = True
            encrypted.recv(1)  # the other side looks at our certificate only now
            return ""
    except ssl.SSLCertVerificationError as error:
        return f"its certificate: {error.verify_message}"
    except OSError as error:
        return " ".join(str(error).split()) if spoken else None

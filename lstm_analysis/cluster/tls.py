"""Encryption: who may talk to a scheduler, and why one does not talk."""

import socket
import ssl
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..config import ClusterConfig
from ..errors import UsageError, UserError, nearest

PROBE_SECONDS = 5.0


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


def explain_refusal(config: ClusterConfig, error: Exception) -> UserError:
    """Return why a running scheduler was not joined, as far as a look at its port tells."""
    where = config.address or f"the address in {config.scheduler_file}"
    if config.address is None or "://" not in config.address:
        return UserError(f"The scheduler at {where} did not answer: {_line(error)}. Is it running?")
    protocol, _, place = config.address.partition("://")
    host, _, port = place.rpartition(":")
    answer = _shake_hands(host.strip("[]"), port, config)
    if answer is None:
        return UserError(
            f"Nothing answers at {where} ({_line(error)}). Is the scheduler running, and its port reachable from here? "
            "One that listens on 127.0.0.1 is reached from elsewhere by `ssh -L PORT:localhost:PORT HOST`."
        )
    encrypts, reason = answer
    if encrypts and protocol != "tls":
        return UserError(
            f"The scheduler at {where} speaks TLS only. Write address: tls://{place} and give security: {{tls_ca_file, "
            "tls_client_cert, tls_client_key}} in the cluster file."
        )
    if protocol == "tls" and config.security is None:
        return UserError(
            f"The cluster file names {where} but no security. Give security: {{tls_ca_file, tls_client_cert, "
            "tls_client_key}}, the files that the scheduler's owner made for clients."
        )
    if protocol == "tls" and not encrypts:
        return UserError(f"The scheduler at {where} does not speak TLS ({reason}). Write tcp:// and no security.")
    if config.security is not None and protocol != "tls":
        return UserError(f"The scheduler at {where} does not speak TLS, but security is given. Start it with --tls-*.")
    found = reason or _line(error)
    return UserError(
        f"The scheduler at {where} and the files under security do not trust each other ({found}). tls_ca_file must "
        "have signed the scheduler's certificate, and the scheduler's --tls-ca-file tls_client_cert."
    )


def _shake_hands(host: str, port: str, config: ClusterConfig) -> tuple[bool, str] | None:
    """Return whether a port speaks TLS, and what is wrong with its certificate; ``None`` if nothing listens.

    A Dask scheduler without TLS speaks first; one with TLS waits to be greeted.
    """
    try:
        with socket.create_connection((host, int(port)), PROBE_SECONDS) as connection:
            connection.settimeout(PROBE_SECONDS / 5)
            try:
                return (False, "it greets in plain text") if connection.recv(1) else (False, "it hangs up")
            except TimeoutError:
                pass
    except (OSError, ValueError):
        return None
    ca_file = config.security.tls_ca_file if config.security else None
    context = ssl.create_default_context(cafile=config.resolve(ca_file) if ca_file else None)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED if ca_file else ssl.CERT_NONE
    try:
        with socket.create_connection((host, int(port)), PROBE_SECONDS) as connection, context.wrap_socket(connection):
            return True, ""
    except ssl.SSLCertVerificationError as error:
        return True, f"its certificate: {error.verify_message}"
    except OSError as error:
        return False, _line(error)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__

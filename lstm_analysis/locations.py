"""Where files and stores lie: a local path, or the URL of a file system that fsspec knows."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fsspec

from .errors import UsageError, UserError

Location = Path | str
"""A path on this machine, or a URL."""
INSTALL = {"s3": "'lstm-analysis[s3]'", "s3a": "'lstm-analysis[s3]'", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs",
           "az": "adlfs", "http": "aiohttp", "https": "aiohttp"}  # fmt: skip
"""What ``pip install`` needs for a protocol."""
SECRETS = ("signature", "token", "secret", "password", "sig=", "key=")
"""Signs that the query of a URL gives access to somebody."""


def is_url(location: Location) -> bool:
    """Whether a location is a URL.

    >>> is_url("s3://bucket/a"), is_url("/data/a"), is_url(Path("a"))
    (True, False, False)
    """
    return isinstance(location, str) and "://" in location


def refuse_credentials(url: str, key: str) -> None:
    """Refuse a URL that gives access, for a study and its URLs are kept in the run and shown.

    Raises
    ------
    UsageError
        Naming the key of the study, and not the URL.
    """
    if not is_url(url):
        return
    parts = urlsplit(url)
    if "@" in parts.netloc or any(sign in parts.query.lower() for sign in SECRETS):
        raise UsageError(
            f"{key} is a {parts.scheme}:// URL with credentials in it. A study is kept in its runs and can be read by "
            "others: take them out, and give them as the protocol's package wants them (for s3:// AWS_ACCESS_KEY_ID "
            "and AWS_SECRET_ACCESS_KEY in the environment, or ~/.aws)."
        )


def open_filesystem(path: str, what: str) -> tuple[Any, str]:
    """Return the file system of a path or URL, and the path inside it.

    Parameters
    ----------
    path, what
        The path, and what it is, for errors.

    Raises
    ------
    UsageError
        If there is no such protocol, or its package is not installed.
    """
    protocol = path.partition("://")[0]
    try:
        filesystem, inner = fsspec.core.url_to_fs(path)
    except ImportError as error:
        install = f" (`pip install {INSTALL[protocol]}`)" if protocol in INSTALL else ""
        raise UsageError(
            f"{what} {path!r} needs a package for the protocol {protocol}: {str(error).rstrip('.')}{install}. Or copy "
            "the files to this machine."
        ) from None
    except ValueError as error:
        raise UsageError(
            f"{what} {path!r} cannot be opened: {error}. Give a path, or the URL of a protocol that fsspec "
            "knows, such as s3:// or https://."
        ) from None
    return filesystem, inner


def exists(location: Location, what: str = "The path") -> bool:
    """Whether there is a file or folder.

    Raises
    ------
    UsageError
        If a URL cannot be asked.
    """
    if not is_url(location):
        return Path(location).exists()
    with explained(str(location), what) as (filesystem, inner):
        filesystem.invalidate_cache()
        return bool(filesystem.exists(inner))


def remove(location: Location) -> None:
    """Remove a file or a folder, if it is there."""
    import shutil

    if is_url(location):
        with explained(str(location), "The store") as (filesystem, inner):
            filesystem.invalidate_cache()
            if filesystem.exists(inner):
                filesystem.rm(inner, recursive=True)
    elif Path(location).is_dir():
        shutil.rmtree(location)
    else:
        Path(location).unlink(missing_ok=True)


@contextmanager
def explained(url: str, what: str) -> Iterator[tuple[Any, str]]:
    """Give the file system of a URL and the path inside it; what goes wrong becomes an error for the user."""
    filesystem, inner = open_filesystem(url, what)
    try:
        yield filesystem, inner
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise UsageError(f"{what} {url!r} cannot be reached: {reason}. Check the URL and who may use it.") from None
    except Exception as error:
        if not type(error).__module__.startswith(("botocore", "aiobotocore", "aiohttp", "gcsfs", "adlfs")):
            raise
        raise UsageError(f"{what} {url!r} cannot be reached: {error}. Check the URL and your credentials.") from None


@contextmanager
def fetched(location: Location, what: str) -> Iterator[Path]:
    """Give a local path of a file; that of a URL is a copy which is there no longer than this.

    Parameters
    ----------
    location, what
        The file, and what it is, for errors.

    Raises
    ------
    UsageError
        If a URL cannot be read.
    """
    if not is_url(location):
        yield Path(location)
        return
    url = str(location)
    with tempfile.TemporaryDirectory(prefix="lstm-analysis-") as folder:
        copy = Path(folder) / (urlsplit(url).path.rsplit("/", 1)[-1] or "file")
        with explained(url, what) as (filesystem, inner):
            if not filesystem.isfile(inner):
                raise UsageError(f"{what} {url} does not exist. Check the URL.")
            filesystem.get_file(inner, str(copy))
        try:
            yield copy
        except UserError as error:
            error.args = (str(error).replace(str(copy), url),)
            raise

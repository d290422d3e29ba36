"""What the commands of the command line have in common."""

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from distributed import Client

Command = Callable[[argparse.Namespace], int]
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def new_command(commands: Commands, name: str, command: Command, text: str) -> argparse.ArgumentParser:
    """Add a command to the command line and return its parser.

    Parameters
    ----------
    commands
        Where it is added.
    name
        What the user types.
    command
        Called with the parsed options; returns the exit code.
    text
        What it does, one sentence.
    """
    sub = commands.add_parser(name, help=text, description=text)
    sub.set_defaults(command=command)
    return sub


def add_settings(sub: argparse.ArgumentParser) -> None:
    """Add the option that overrides keys of a study file."""
    sub.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a key of the study")


def add_cluster_choice(sub: argparse.ArgumentParser) -> None:
    """Add the option that says who works on a run that is there."""
    sub.add_argument("--cluster", type=Path, metavar="FILE", help="cluster file of the workers (default: this process)")


def workers(options: argparse.Namespace) -> "AbstractContextManager[Client | None]":
    """Return a context that gives the client of the cluster asked for, ``None`` for this process alone."""
    if options.cluster is None:
        return nullcontext(None)
    from ..cluster import open_client

    return open_client(options.cluster, options.run)

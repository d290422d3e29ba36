"""What the commands of the command line have in common."""

import argparse
from collections.abc import Callable
from typing import TypeAlias

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

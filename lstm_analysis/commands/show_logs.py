"""``lstm-analysis logs``: what the driver of a run has written."""

import argparse
import sys
from pathlib import Path

from .subcommand import Commands, new_command


def add_logs(commands: Commands) -> None:
    """Add the command to the command line."""
    sub = new_command(commands, "logs", logs_command, "Print the log of a run that was submitted.")
    sub.add_argument("run", type=Path, help="folder of a run")
    sub.add_argument("-f", "--follow", action="store_true", help="go on until the run has ended")
    sub.add_argument("-n", type=_number, metavar="N", help="the last N lines (default: all)")


def logs_command(options: argparse.Namespace) -> int:
    """Print the log of a run."""
    from ..submission.logs import check_log, follow, last_lines, whole_lines

    if note := check_log(options.run):
        print(note, file=sys.stderr)
    lines, at = last_lines(options.run, options.n, whole=options.follow)
    for line in lines:
        print(line, flush=True)
    if options.follow:
        pieces = follow(options.run, at)
        alive = sys.stdout.isatty()  # a terminal draws the bars itself
        for text in pieces if alive else whole_lines(pieces):
            print(text, end="" if alive else "\n", flush=True)
    return 0


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of lines")
    return int(text)

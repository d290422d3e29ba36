"""``lstm-analysis status``: how far a run is."""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from .subcommand import Commands, new_command

LOOK_SECONDS = 2.0
CLEAR = "\x1b[H\x1b[2J"
"""What makes a terminal begin anew."""


def add_status(commands: Commands) -> None:
    """Add the command to the command line."""
    sub = new_command(commands, "status", status_command, "Show how far a run is, from any machine that sees it.")
    sub.add_argument("run", type=Path, help="folder of a run")
    sub.add_argument("--json", action="store_true", help="print it as JSON; with --watch a line for each change")
    sub.add_argument("--watch", action="store_true", help="show it anew until the run has ended")


def status_command(options: argparse.Namespace) -> int:
    """Show how far a run is."""
    from ..submission.state import LIVE, read_state
    from ..submission.status_text import describe_state, state_as_json

    before = None
    while True:
        state = read_state(options.run)
        if replace(state, age=None) != before:
            text = state_as_json(state, None if options.watch else 1) if options.json else describe_state(state)
            clear = options.watch and not options.json and sys.stdout.isatty()
            print(CLEAR + text if clear else text, flush=True)
        before = replace(state, age=None)
        if not options.watch or state.state not in LIVE:
            return state.exit_code
        time.sleep(LOOK_SECONDS)

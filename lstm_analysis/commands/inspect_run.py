"""``lstm-analysis inspect``: what a run holds."""

import argparse
import json
from pathlib import Path

from .subcommand import Commands, new_command


def add_inspect(commands: Commands) -> None:
    """Add the command to the command line."""
    sub = new_command(commands, "inspect", inspect_command, "Show what a run holds.")
    sub.add_argument("run", type=Path, help="folder of a run")
    sub.add_argument("--json", action="store_true", help="print run.json's facts as JSON")


def inspect_command(options: argparse.Namespace) -> int:
    """Show a run."""
    from ..run import open_run
    from ..tables import describe_run

    run = open_run(options.run)
    print(json.dumps(run.record, indent=1) if options.json else describe_run(run))
    return 0

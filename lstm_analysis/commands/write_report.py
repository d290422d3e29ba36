"""``lstm-analysis report``: the page of a run is written anew."""

import argparse
from pathlib import Path

from .subcommand import Commands, new_command


def add_report(commands: Commands) -> None:
    """Add the command to the command line."""
    sub = new_command(commands, "report", report_command, "Write a run's report.html anew.")
    sub.add_argument("run", type=Path, help="folder of a run")


def report_command(options: argparse.Namespace) -> int:
    """Write a run's report anew."""
    from ..report import write_report
    from ..run import open_run

    run = open_run(options.run)
    print(write_report(run))
    return 0

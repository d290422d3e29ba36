"""``lstm-analysis report``: the page of a run is written anew, or one page that puts runs side by side."""

import argparse
from pathlib import Path

from ..disk import check_folder
from ..errors import UsageError
from .subcommand import Commands, new_command

COMPARISON = Path("comparison.html")


def add_report(commands: Commands) -> None:
    """Add the command to the command line."""
    sub = new_command(
        commands, "report", report_command, "Write a run's report.html anew, or put runs side by side on one page."
    )
    sub.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folder of a run; two or more are compared")
    sub.add_argument("--output", type=Path, metavar="FILE", help=f"page of a comparison (default: {COMPARISON})")
    sub.add_argument("--force", action="store_true", help="replace the page of a comparison that is there")


def report_command(options: argparse.Namespace) -> int:
    """Write a run's report anew, or the comparison of several runs."""
    from ..report import write_report
    from ..run import open_run

    if len(options.runs) > 1:
        return _compare(options)
    if options.output is not None or options.force:
        raise UsageError(
            "--output and --force go with two runs or more, not with one: a run's report lies in its folder and is "
            "always replaced. Leave them away, or name another run."
        )
    options.run = options.runs[0]
    print(write_report(open_run(options.run)))
    return 0


def _compare(options: argparse.Namespace) -> int:
    from ..neuron_listing import refuse_existing
    from ..report import write_comparison
    from ..run import open_run

    options.output = options.output or COMPARISON
    refuse_existing(options.output, options.force)
    check_folder(options.output.parent)
    print(write_comparison([open_run(run) for run in options.runs], options.output))
    return 0

"""``lstm-analysis run``: a whole study, from its file to the top neurons of each concept."""

import argparse
import dataclasses
from pathlib import Path

from ..disk import check_folder
from .subcommand import Commands, add_settings, new_command


def add_run(commands: Commands) -> None:
    """Add the command to the command line."""
    sub = new_command(commands, "run", run_command, "Run a whole study; what is done already is kept.")
    sub.add_argument("study", type=Path, help="study file, pipelines/*.yaml")
    sub.add_argument("--cluster", type=Path, help="cluster file, cluster/*.yaml (default: this machine)")
    sub.add_argument("--output", type=Path, help="folder of the run (default: runs/NAME)")
    sub.add_argument(
        "--relative-to", type=Path, metavar="DIR", help="where the study's relative paths begin (default: its folder)"
    )
    sub.add_argument("--dry-run", action="store_true", help="show the plan and stop")
    sub.add_argument("--force", action="store_true", help="replace results of other inputs in the folder")
    sub.add_argument("--profile", action="store_true", help="keep Dask's performance report as profile.html")
    add_settings(sub)


def run_command(options: argparse.Namespace) -> int:
    """Run a study, print the top neurons of each concept."""
    from ..config import load_study

    study = load_study(options.study, options.set)
    if options.relative_to is not None:
        study = dataclasses.replace(study, folder=options.relative_to)
    options.output = options.output or study.output
    check_folder(options.output)
    if options.dry_run:
        from ..dry_run import describe_plan

        print(describe_plan(study, options.output, options.cluster))
        return 0
    from ..study import run_study
    from ..tables import describe_cost, top_neurons

    run = run_study(study, options.output, options.cluster, force=options.force, profile=options.profile)
    print(top_neurons(run.selectivity, alpha=run.record["study"]["selectivity"]["alpha"]))
    if cost := describe_cost(run):
        print(f"\n{cost}")
    print(f"\nreport: {run.path / 'report.html'}")
    return 0

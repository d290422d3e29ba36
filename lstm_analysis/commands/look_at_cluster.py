"""``lstm-analysis cluster``: what a cluster file would start, and whether its workers are fit for a study."""

import argparse
from pathlib import Path

from ..disk import check_folder
from ..errors import UsageError
from .subcommand import Commands, new_command


def add_cluster(commands: Commands) -> None:
    """Add the command to the command line."""
    text = "Show what a cluster file would start, or start one worker and check it."
    sub = new_command(commands, "cluster", cluster_command, text)
    sub.add_argument("file", type=Path, metavar="FILE", help="cluster file, cluster/*.yaml")
    what = sub.add_mutually_exclusive_group(required=True)
    what.add_argument("--print", action="store_true", help="show the job script, manifest or commands; start nothing")
    what.add_argument("--check", action="store_true", help="start one worker and check versions, storage, threads ...")
    sub.add_argument("--study", type=Path, help="with --check: can the worker read its model, has it the memory?")
    sub.add_argument("--output", type=Path, help="with --check: folder of runs that all must see (default: runs)")


def cluster_command(options: argparse.Namespace) -> int:
    """Show what a cluster file would start, or check it."""
    from ..config import load_cluster, load_study

    if options.print:
        if options.study or options.output:
            raise UsageError("--study and --output go with --check; --print shows the cluster file alone.")
        from ..cluster.preview import describe_cluster

        print(describe_cluster(load_cluster(options.file)))
        return 0
    from ..place_check import check_place

    study = None if options.study is None else load_study(options.study)
    options.output = options.output or (study.output.parent if study else Path("runs"))
    check_folder(options.output)
    table, passed = check_place(options.file, options.output, study)
    print(table)
    return 0 if passed else 1

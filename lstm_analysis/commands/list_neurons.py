"""``lstm-analysis neurons``: the neurons that are strongest for a concept."""

import argparse
from pathlib import Path

from ..disk import check_folder
from ..errors import UsageError
from .subcommand import Commands, new_command


def add_neurons(commands: Commands) -> None:
    """Add the command to the command line."""
    sub = new_command(
        commands, "neurons", neurons_command, "List the neurons of a run that are strongest for a concept."
    )
    sub.add_argument("run", type=Path, help="folder of a run")
    sub.add_argument("--concept", required=True, help="a concept of the run, or sentence_position")
    sub.add_argument("--by", metavar="SCORE", help="the score to rank by (default: auroc; cliff_mean)")
    sub.add_argument("--n", type=_number_or_all, default=10, help="how many, or all (default: 10)")
    sub.add_argument("--layer", type=int, help="only of this layer, counted from 0")
    sub.add_argument("--sign", choices=["up", "down"], help="only neurons that go up, or down, for the concept")
    sub.add_argument("--q", type=float, help="only neurons with q_value at most this, such as 0.05")
    sub.add_argument("--keep-duplicates", action="store_true", help="a row for each neuron, |r| > .95 or not")
    form = sub.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print all columns as JSON")
    form.add_argument("--csv", type=Path, metavar="FILE", help="write all columns")
    form.add_argument("--parquet", type=Path, metavar="FILE", help="write all columns")
    sub.add_argument("--force", action="store_true", help="replace a file that is there")


def neurons_command(options: argparse.Namespace) -> int:
    """List the neurons that are strongest for a concept."""
    from ..neuron_listing import describe_neurons, list_neurons, neurons_as_json, refuse_existing, write_neurons
    from ..run import open_run

    file = options.csv or options.parquet
    if file is not None:
        refuse_existing(file, options.force)
        check_folder(file.parent)
        options.output = file
    if options.q is not None and not 0 < options.q <= 1:
        raise UsageError(f"--q is {options.q}; it must be above 0 and at most 1.")
    chosen = {"n": options.n, "layer": options.layer, "q": options.q, "group_duplicates": not options.keep_duplicates}
    chosen["sign"] = {"up": 1, "down": -1}.get(options.sign)
    table, by = list_neurons(open_run(options.run), options.concept, options.by, **chosen)
    if file is not None:
        write_neurons(table, file, "csv" if options.csv else "parquet")
        print(f"{file}: {len(table)} neurons")
    else:
        print((neurons_as_json if options.json else describe_neurons)(table, options.concept, by))
    return 0


def _number_or_all(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number from 1 on nor all")
    return int(text)

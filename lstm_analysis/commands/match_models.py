"""``lstm-analysis match-neurons``: which neurons of two models do the same."""

import argparse
from pathlib import Path

from ..disk import check_folder
from ..errors import UsageError
from .subcommand import Commands, add_cluster_choice, new_command, workers
from .values import whole_number


def add_match_neurons(commands: Commands) -> None:
    """Add the command to the command line."""
    sub = new_command(
        commands, "match-neurons", match_neurons_command, "Match the neurons of two runs that read the same text."
    )
    sub.add_argument("run", type=Path, help="folder of a run")
    sub.add_argument("other", type=Path, help="folder of the run that its neurons are looked for in")
    sub.add_argument(
        "--by", choices=["states", "selectivity"], default="states",
        help="correlations of states, or of scores over concepts that both runs have (default: states)",
    )  # fmt: skip
    sub.add_argument("--n", type=whole_number(1), default=20, help="mutual matches that are printed (default: 20)")
    sub.add_argument("--seed", type=whole_number(0), default=0, help="of the random rotations (default: 0)")
    sub.add_argument(
        "--output", type=Path, metavar="STORE", help="default: neuron_matching.OTHER.zarr in the folder of the run"
    )
    add_cluster_choice(sub)
    form = sub.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print all neurons as JSON")
    form.add_argument("--csv", type=Path, metavar="FILE", help="write all neurons")
    sub.add_argument("--force", action="store_true", help="replace what is there")


def match_neurons_command(options: argparse.Namespace) -> int:
    """Match the neurons of two runs."""
    from ..neuron_listing import refuse_existing, rows_as_json, write_neurons
    from ..neuron_match_listing import describe_matched, matched_neurons
    from ..run import open_run
    from ..run_matching import match_neurons
    from ..schema import NEURON_MATCHING
    from ..store import write_dataset

    run, other = open_run(options.run), open_run(options.other)
    by = "" if options.by == "states" else f".{options.by}"
    options.output = options.output or options.run / f"neuron_matching.{other.path.resolve().name}{by}.zarr"
    _refuse(options.output, options.force)
    check_folder(options.output.parent)
    if options.csv is not None:
        refuse_existing(options.csv, options.force)
        check_folder(options.csv.parent)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with workers(options) as client:
        found = match_neurons(
            run, other, by=options.by, seed=options.seed, client=client, folder=options.output.parent
        )  # fmt: skip
    write_dataset(options.output, found, variables=NEURON_MATCHING)
    table = matched_neurons(found)
    if options.csv is not None:
        write_neurons(table, options.csv, "csv")
        print(f"{options.csv}: {len(table)} neurons")
    elif options.json:
        query = {"run": str(options.run), "other": str(options.other), "by": options.by, "store": str(options.output)}
        print(rows_as_json(table, {**query, "baseline": found.attrs["baseline"]}, "neurons"))
    else:
        print(f"{describe_matched(found, table, options.n)}\n{options.output}")
    return 0


def _refuse(store: Path, force: bool) -> None:
    """Refuse to replace what is no store of matches, or what nobody allowed to be replaced."""
    if not store.exists():
        return
    if not (store / "zarr.json").is_file():
        raise UsageError(f"{store} is there already and is no store of matches. Give another --output.")
    if not force:
        raise UsageError(f"{store} is there already. Give --force to replace it, or another --output.")

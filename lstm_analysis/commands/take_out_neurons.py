"""``lstm-analysis lesion``: what the model of a run loses without some neurons."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from .subcommand import Commands, add_cluster_choice, new_command, workers
from .values import neuron, neurons, whole_number

if TYPE_CHECKING:
    from ..run import Run


def add_lesion(commands: Commands) -> None:
    """Add the command to the command line."""
    sub = new_command(commands, "lesion", lesion_command, "Take neurons out of a run's model and see what it loses.")
    sub.add_argument("run", type=Path, help="folder of a run")
    sub.add_argument(
        "--neuron", type=neuron, action="append", default=[], metavar="LAYER:NEURON", help="a lesion each; repeatable"
    )
    sub.add_argument(
        "--set", type=neurons, action="append", default=[], metavar="L:N,L:N,...", help="one lesion of several neurons"
    )
    sub.add_argument("--concept", help="the strongest neurons for a concept of the run, a lesion each")
    sub.add_argument("--top", type=whole_number(1), metavar="N", help="how many of --concept (default: 10)")
    sub.add_argument("--by", metavar="SCORE", help="the score that ranks them (default: auroc; cliff_mean)")
    sub.add_argument(
        "--kind", choices=["mean", "zero", "resample"], default="mean", help="what replaces h (default: its mean)"
    )
    sub.add_argument("--tokens", type=whole_number(1), default=500, help="most tokens of a concept (default: 500)")
    sub.add_argument("--before", type=whole_number(1), default=32, help="tokens read before them (default: 32)")
    sub.add_argument("--random", type=whole_number(0), default=100, help="random neurons for p (default: 100)")
    sub.add_argument("--seed", type=whole_number(0), default=0, help="of what is drawn (default: 0)")
    add_cluster_choice(sub)
    sub.add_argument("--output", type=Path, metavar="STORE", help="where it is kept (default: lesion.zarr in the run)")
    sub.add_argument("--json", action="store_true", help="print it as JSON")
    sub.add_argument("--force", action="store_true", help="replace a result that is there")


def lesion_command(options: argparse.Namespace) -> int:
    """Take neurons out, one lesion after the other, and print what each costs."""
    if not (options.neuron or options.set or options.concept):
        raise UsageError("No neuron is named. Give --neuron LAYER:NEURON, --set L:N,L:N or --concept NAME --top N.")
    for name in ("top", "by"):
        if getattr(options, name) is not None and options.concept is None:
            raise UsageError(f"--{name} goes with --concept. Name one, or leave it away.")
    from ..lesion_listing import describe_lesions, lesions_as_json
    from ..lesions import lesion, refuse_overwriting
    from ..run import open_run

    run = open_run(options.run)
    refuse_overwriting(run, options.output, options.force)
    strongest = _strongest(run, options)
    named = list(dict.fromkeys([*options.neuron, *strongest]))
    with workers(options) as client:
        found = lesion(
            run, [*named, *options.set], kind=options.kind, n_token=options.tokens, n_before=options.before,
            n_random=options.random, seed=options.seed, chosen_for={one: [options.concept] for one in strongest},
            output=options.output, force=options.force, client=client,
        )  # fmt: skip
    alpha = float(run.record["study"]["selectivity"]["alpha"])
    print(lesions_as_json(found, alpha) if options.json else describe_lesions(found, alpha))
    return 0


def _strongest(run: "Run", options: argparse.Namespace) -> list[tuple[int, int]]:
    """Return the strongest neurons of the concept that is named."""
    if options.concept is None:
        return []
    from ..neuron_listing import list_neurons

    table, _ = list_neurons(run, options.concept, options.by, n=options.top or 10)
    return list(zip(table["layer"].tolist(), table["neuron"].tolist(), strict=True))

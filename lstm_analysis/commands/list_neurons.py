"""``lstm-analysis neurons``: those strongest for a concept, at spans, or like another; where one is extreme."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..disk import check_folder
from ..errors import UsageError
from .subcommand import Commands, add_cluster_choice, new_command, workers
from .values import neuron, span, whole_number

if TYPE_CHECKING:
    import pandas as pd

    from ..match.of_states import States
    from ..run import Run


class Listing(NamedTuple):
    """A table of neurons, what its JSON says beside it, and its text for the terminal."""

    table: "pd.DataFrame"
    query: Mapping[str, object]
    text: Callable[[], str]


def add_neurons(commands: Commands) -> None:
    """Add the command to the command line."""
    sub = new_command(
        commands, "neurons", neurons_command, "List the neurons of a run that are strongest for a concept or alike."
    )
    sub.add_argument("run", type=Path, help="folder of a run")
    what = sub.add_mutually_exclusive_group(required=True)
    what.add_argument("--concept", help="strongest for a concept of the run, or for sentence_position")
    what.add_argument("--span", type=span, action="append", metavar="A:B", help="highest and lowest there; repeatable")
    what.add_argument("--like", type=neuron, metavar="LAYER:NEURON", help="those that do the same as a neuron")
    what.add_argument("--neuron", type=neuron, metavar="LAYER:NEURON", help="where a neuron is highest and lowest")
    sub.add_argument("--by", metavar="SCORE", help="the score to rank by (default: auroc; cliff_mean)")
    sub.add_argument("--n", type=_number_or_all, default=10, help="how many, or all (default: 10)")
    sub.add_argument("--layer", type=whole_number(0), help="only of this layer, counted from 0")
    sub.add_argument("--sign", choices=["up", "down"], help="only neurons that go up, or down, for the concept")
    sub.add_argument("--q", type=float, help="only neurons with q_value at most this, such as 0.05")
    sub.add_argument("--keep-duplicates", action="store_true", help="a row for each neuron, |r| > .95 or not")
    sub.add_argument("--source", choices=["hidden", "tanh_cell", "tanh_hidden"], help="the values (default: hidden)")
    sub.add_argument("--threshold", type=float, help="of --like: a neuron is on from here (default: 0.3)")
    add_cluster_choice(sub)
    form = sub.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print all columns as JSON")
    form.add_argument("--csv", type=Path, metavar="FILE", help="write all columns")
    form.add_argument("--parquet", type=Path, metavar="FILE", help="write all columns")
    sub.add_argument("--force", action="store_true", help="replace a file that is there")


ONLY = {
    "by": ("concept",),
    "sign": ("concept", "span"),
    "q": ("concept",),
    "keep_duplicates": ("concept",),
    "layer": ("concept", "span", "like"),
    "source": ("span", "like", "neuron"),
    "threshold": ("like",),
    "cluster": ("span", "like"),
}
"""What each of these options goes together with."""


def neurons_command(options: argparse.Namespace) -> int:
    """List neurons, or the contexts of one."""
    from ..neuron_listing import refuse_existing, rows_as_json, write_neurons
    from ..run import open_run

    mode = next(name for name in MODES if getattr(options, name) is not None)
    _check(options, mode)
    file = options.csv or options.parquet
    if file is not None:
        refuse_existing(file, options.force)
        check_folder(file.parent)
        options.output = file
    listing = MODES[mode](open_run(options.run), options)
    if file is not None:
        write_neurons(listing.table, file, "csv" if options.csv else "parquet")
        print(f"{file}: {len(listing.table)} {'tokens' if mode == 'neuron' else 'neurons'}")
    elif options.json:
        print(rows_as_json(listing.table, listing.query, "contexts" if mode == "neuron" else "neurons"))
    else:
        print(listing.text())
    return 0


def _check(options: argparse.Namespace, mode: str) -> None:
    """Refuse options that do not go together, and values that cannot be."""
    for name, modes in ONLY.items():
        if getattr(options, name) not in (None, False) and mode not in modes:
            together = " or ".join(f"--{one}" for one in modes)
            raise UsageError(f"--{name.replace('_', '-')} goes with {together}, not with --{mode}. Leave it away.")
    if options.q is not None and not 0 < options.q <= 1:
        raise UsageError(f"--q is {options.q}; it must be above 0 and at most 1.")


def _of_concept(run: "Run", options: argparse.Namespace) -> Listing:
    """List the neurons that are strongest for a concept."""
    from ..neuron_listing import describe_neurons, list_neurons

    chosen = {"n": options.n, "layer": options.layer, "q": options.q, "group_duplicates": not options.keep_duplicates}
    chosen["sign"] = _sign(options)
    table, by = list_neurons(run, options.concept, options.by, **chosen)
    query = {"concept": options.concept, "by": by}
    return Listing(table, query, lambda: describe_neurons(table, options.concept, by))


def _at_spans(run: "Run", options: argparse.Namespace) -> Listing:
    """List the neurons that are highest or lowest at spans."""
    import numpy as np

    from ..match.words import align
    from ..single_neurons import describe_at_spans, neurons_at_spans

    source: States = options.source or "hidden"
    with workers(options) as client:
        table = neurons_at_spans(run, options.span, options.n, options.layer, _sign(options), source, client)
    texts = align(run, *np.array(options.span).T)["text"].values.tolist()
    query = {"spans": options.span, "source": source}
    return Listing(table, query, lambda: describe_at_spans(table, options.span, texts))


def _alike(run: "Run", options: argparse.Namespace) -> Listing:
    """List the neurons that do the same as one."""
    from ..single_neurons import alike, describe_alike

    source: States = options.source or "hidden"
    threshold = 0.3 if options.threshold is None else options.threshold
    with workers(options) as client:
        table = alike(run, options.like, options.n, options.layer, threshold, source, client)
    query = {"like": _name(options.like), "source": source, "threshold": threshold}
    return Listing(table, query, lambda: describe_alike(table, options.like, threshold))


def _contexts(run: "Run", options: argparse.Namespace) -> Listing:
    """List where a neuron is highest, lowest and in the middle of its range."""
    from ..single_neurons import contexts, describe_contexts

    if options.n is None:
        raise UsageError("--n all goes with lists of neurons; of the contexts of --neuron give a number.")
    source: States = options.source or "hidden"
    table = contexts(run, options.neuron, options.n, source)
    query = {"neuron": _name(options.neuron), "source": source}
    return Listing(table, query, lambda: describe_contexts(table, options.neuron))


MODES = {"concept": _of_concept, "span": _at_spans, "like": _alike, "neuron": _contexts}


def _sign(options: argparse.Namespace) -> int | None:
    return {"up": 1, "down": -1}.get(options.sign)


def _name(place: tuple[int, int]) -> str:
    return f"{place[0]}:{place[1]}"


def _number_or_all(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number from 1 on nor all")
    return int(text)

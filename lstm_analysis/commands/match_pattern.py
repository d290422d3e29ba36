"""``lstm-analysis match``: where else the neurons of a phrase are on together."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..disk import check_folder
from ..errors import UsageError
from .subcommand import Commands, add_cluster_choice, new_command, workers
from .values import span, whole_number

if TYPE_CHECKING:
    import xarray as xr

    from ..match.threshold import Sides
    from ..run import Run

MOST_LISTED = 20
"""Occurrences of a phrase that are listed with their neurons."""


def add_match(commands: Commands) -> None:
    """Add the command to the command line."""
    sub = new_command(
        commands, "match", match_command, "Find where else in a run's corpus the neurons of a phrase are on together."
    )
    sub.add_argument("run", type=Path, help="folder of a run")
    what = sub.add_mutually_exclusive_group(required=True)
    what.add_argument("--text", metavar="PHRASE", help="words that stand in the corpus, in any case")
    what.add_argument("--span", type=span, metavar="A:B", help="first token, and the token after the last")
    sub.add_argument(
        "--occurrence", type=whole_number(1), help="of --text the Nth place (default: the first with neurons)"
    )
    sub.add_argument("--layer", type=whole_number(0), help="only this layer, counted from 0 (default: all)")
    sub.add_argument("--threshold", type=float, default=0.3, help="a neuron is on from here (default: 0.3)")
    sub.add_argument("--source", choices=["hidden", "tanh_cell", "tanh_hidden"], default="hidden", help="the values")
    sub.add_argument("--sides", choices=["up", "both", "absolute"], help="which direction counts (default: both)")
    sub.add_argument("--left", type=whole_number(0), default=1, help="tokens before in which they are off (default: 1)")
    sub.add_argument("--right", type=whole_number(0), default=0, help="tokens after in which they are off (default: 0)")
    sub.add_argument("--mode", choices=["native", "lstmvis"], default="native", help="lstmvis: exactly as its server")
    sub.add_argument("--query", choices=["fast", "precise"], help="of --mode lstmvis (default: fast)")
    sub.add_argument("--length", type=whole_number(1), help="only matches of so many tokens")
    sub.add_argument("--n", type=whole_number(1), default=50, help="most matches (default: 50)")
    sub.add_argument("--draws", type=whole_number(0), help="random spans for p, 0 for none (default: 99)")
    sub.add_argument("--seed", type=whole_number(0), default=0, help="of the random spans (default: 0)")
    add_cluster_choice(sub)
    form = sub.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print it as JSON")
    form.add_argument("--csv", type=Path, metavar="FILE", help="write the matches")
    sub.add_argument("--force", action="store_true", help="replace a file that is there")


def match_command(options: argparse.Namespace) -> int:
    """Find the matches of a phrase or span."""
    from ..match.of_run import match_span
    from ..match_listing import (
        describe_matches,
        describe_occurrences,
        match_rows,
        matches_as_json,
        occurrences_for_json,
    )
    from ..neuron_listing import refuse_existing, write_neurons
    from ..run import open_run

    _check(options)
    if options.csv is not None:
        refuse_existing(options.csv, options.force)
        check_folder(options.csv.parent)
        options.output = options.csv
    run = open_run(options.run)
    rule = {name: getattr(options, name) for name in ("layer", "threshold", "source", "left", "right")}
    looked_up = None if options.text is None else _look_up(run, options, rule)
    start, stop = options.span if looked_up is None else looked_up.span
    rest = {"mode": options.mode, "n": options.n, "sides": options.sides, "phrase_length": options.length or 0}
    rest |= {"query": options.query or "fast", "seed": options.seed}
    rest["draws"] = 99 if options.draws is None else options.draws
    with workers(options) as client:
        found = match_span(run, start, stop, **rule, **rest, client=client)
    query = {"start": start, "stop": stop, **rule, **rest}
    if options.csv is not None:
        write_neurons(match_rows(found), options.csv, "csv")
        print(f"{options.csv}: {found.sizes['match']} matches")
    elif options.json:
        places = {} if looked_up is None else occurrences_for_json(looked_up.found, looked_up.selected)
        print(matches_as_json(found, query, places))
    else:
        if looked_up is not None:
            print(describe_occurrences(looked_up.found, looked_up.selected, options.text, looked_up.chosen) + "\n")
        print(describe_matches(found, query, run.corpus.sizes["time"]))
    return 0


def _check(options: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    if options.occurrence is not None and options.text is None:
        raise UsageError("--occurrence says which place of --text is meant; with --span leave it away.")
    if options.query is not None and options.mode != "lstmvis":
        raise UsageError("--query belongs to --mode lstmvis; the native mode always looks at the whole corpus.")
    if options.draws is not None and options.mode == "lstmvis":
        raise UsageError("--draws belongs to the native mode; LSTMVis has no null distribution.")


class LookedUp(NamedTuple):
    """Where a phrase stands, the neurons selected at the first places, which place is chosen, and its span."""

    found: "xr.Dataset"
    selected: list[int]
    chosen: int
    span: tuple[int, int]


def _look_up(run: "Run", options: argparse.Namespace, rule: dict[str, Any]) -> LookedUp:
    """Return where the phrase stands, and the place that is meant."""
    from ..match.of_run import MOST_OCCURRENCES, find_text, selected_at

    found = find_text(run, options.text, n=max(MOST_OCCURRENCES, options.occurrence or 0))
    spans = list(zip(found["start"].values.tolist(), found["stop"].values.tolist(), strict=True))
    if options.occurrence is not None and options.occurrence > len(spans):
        raise UsageError(
            f"--occurrence is {options.occurrence}, but {options.text!r} stands at {len(spans)} places. Give 1 to "
            f"{len(spans)}."
        )
    sides: Sides = options.sides or ("up" if options.mode == "lstmvis" else "both")
    selected = [int((selected_at(run, *one, **rule, sides=sides) != 0).sum()) for one in spans[:MOST_LISTED]]
    first = next((i for i, n in enumerate(selected) if n), 0)
    chosen = first if options.occurrence is None else options.occurrence - 1
    return LookedUp(found, selected, chosen, spans[chosen])

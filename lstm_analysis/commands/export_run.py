"""``lstm-analysis export``: a run for another program."""

import argparse
from pathlib import Path

from .subcommand import Commands, new_command
from .values import span


def add_export(commands: Commands) -> None:
    """Add the command to the command line."""
    sub = new_command(commands, "export", export_command, "Write a run, or a part of it, for another program.")
    sub.add_argument("run", type=Path, help="folder of a run")
    sub.add_argument("output", type=Path, metavar="OUT", help="the file that is written; for lstmvis a folder")
    sub.add_argument("--format", required=True, choices=["lstmvis", "neurox", "parquet", "csv"])
    sub.add_argument("--table", choices=["neurons", "states"], help="of parquet and csv (default: neurons)")
    sub.add_argument("--span", type=span, metavar="A:B", help="tokens, half-open positions (default: all)")
    sub.add_argument("--layers", type=_layers, metavar="0,1", help="layers, counted from 0 (default: all)")
    sub.add_argument(
        "--state", action="append", metavar="NAME", help="hidden, cell or another that is stored (default: all)"
    )
    sub.add_argument("--dtype", choices=["float32", "float16"], help="of the states (default: as they are stored)")
    sub.add_argument("--concept", action="append", default=[], help="of lstmvis: labels that become a track")
    sub.add_argument("--force", action="store_true", help="replace what is there")


def export_command(options: argparse.Namespace) -> int:
    """Export a run."""
    from ..exchange import export_run

    line = export_run(
        options.run, options.output, options.format, span=options.span, layers=options.layers, states=options.state,
        dtype=options.dtype, concepts=options.concept, table=options.table, force=options.force,
    )  # fmt: skip
    print(line)
    return 0


def _layers(text: str) -> list[int]:
    parts = text.split(",")
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of layers, such as 0,1")
    return [int(part) for part in parts]

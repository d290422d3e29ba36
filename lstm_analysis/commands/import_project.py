"""``lstm-analysis import``: a project of another program becomes a run."""

import argparse
from pathlib import Path

from .subcommand import Commands, new_command


def add_import(commands: Commands) -> None:
    """Add the command to the command line."""
    sub = new_command(commands, "import", import_command, "Make a run of an LSTMVis project.")
    sub.add_argument("project", type=Path, help="directory with lstm.yml")
    sub.add_argument("--output", type=Path, required=True, metavar="RUN", help="folder of the run that is written")
    sub.add_argument(
        "--source", type=_source, action="append", default=[], metavar="FILE::PATH=KIND",
        help="what a source holds, if not what lstm.yml says: hidden, cell or skip",
    )  # fmt: skip
    sub.add_argument("--document", metavar="TRACK", help="meta track whose every change begins a document")
    sub.add_argument("--sentence", metavar="TRACK", help="meta track whose every change begins a sentence")
    sub.add_argument("--end-of-sentence", metavar="WORD", help="word that ends a sentence (default: </s> and the like)")
    sub.add_argument("--limit-tokens", type=int, metavar="N", help="import the first N tokens only")
    sub.add_argument("--force", action="store_true", help="replace what is in the folder")


def import_command(options: argparse.Namespace) -> int:
    """Import a project."""
    from ..exchange import IMPORTS
    from ..tables import describe_run

    chosen = {"end_of_sentence": options.end_of_sentence} if options.end_of_sentence is not None else {}
    run = IMPORTS["lstmvis"](
        options.project, options.output, sources=dict(options.source), document=options.document,
        sentence=options.sentence, limit_tokens=options.limit_tokens, force=options.force, **chosen,
    )  # fmt: skip
    print(describe_run(run))
    return 0


def _source(text: str) -> tuple[str, str]:
    name, sign, kind = text.rpartition("=")
    if not sign or "::" not in name:
        raise argparse.ArgumentTypeError(f"{text!r} is no FILE::PATH=KIND, such as states::states1=hidden")
    return name, kind

"""``lstm-analysis explore``: a run in a browser."""

import argparse
import os
import re
import sys
from pathlib import Path

from ..errors import UsageError
from ..explorer_links import PORT
from .subcommand import Commands, new_command

ORIGIN = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")


def add_explore(commands: Commands) -> None:
    """Add the command to the command line."""
    sub = new_command(commands, "explore", explore_command, "Look at a run in a browser.")
    sub.add_argument("run", type=Path, help="folder of a run")
    sub.add_argument("--port", type=int, default=PORT, help=f"where to listen; 0: any that is free (default: {PORT})")
    sub.add_argument("--address", default="127.0.0.1", help="where to listen (default: 127.0.0.1, this machine alone)")
    sub.add_argument(
        "--allow-origin", action="append", default=[], metavar="HOST:PORT",
        help="a name under which a browser asks for the page through a proxy or tunnel",
    )  # fmt: skip
    sub.add_argument("--token", help="what a reader must have (default: none on 127.0.0.1, elsewhere one is made)")
    show = sub.add_mutually_exclusive_group()
    show.add_argument("--show", action="store_true", help="open a browser of this machine")
    show.add_argument("--no-browser", action="store_true", help="open none (default)")


def explore_command(options: argparse.Namespace) -> int:
    """Serve the views of a run until Ctrl-C."""
    if not 0 <= options.port < 65536:
        raise UsageError(f"--port is {options.port}; it must be from 0 to 65535.")
    if options.token is not None and len(options.token) < 8:
        raise UsageError("--token is shorter than 8 characters, which can be guessed. Give a longer one, or none.")
    for origin in options.allow_origin:
        if not ORIGIN.fullmatch(origin):
            raise UsageError(f"--allow-origin is {origin!r}; give host and port, such as lab.example.org:443.")
    from ..explorer import Explorer, is_working
    from ..run import open_run

    explorer = Explorer(open_run(options.run), options.port, options.address, options.allow_origin, options.token)
    print(explorer.url, flush=True)
    explorer.serve(show=options.show)
    print("Ended.", file=sys.stderr, flush=True)
    if is_working():  # a thread that reads states would hold the interpreter up, and complain about its end
        os._exit(0)
    return 0

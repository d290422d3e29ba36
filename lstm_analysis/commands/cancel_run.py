"""``lstm-analysis cancel``: a run is stopped."""

import argparse
import sys
from pathlib import Path

from .subcommand import Commands, new_command

WAIT_SECONDS = 60


def add_cancel(commands: Commands) -> None:
    """Add the command to the command line."""
    sub = new_command(commands, "cancel", cancel_command, "Stop a run; what was finished is kept.")
    sub.add_argument("run", type=Path, help="folder of a run")
    sub.add_argument(
        "--wait", type=float, default=WAIT_SECONDS, metavar="SECONDS", help="for its end (default: %(default)s)"
    )


def cancel_command(options: argparse.Namespace) -> int:
    """Stop a run and say what is kept."""
    from ..record import read_record
    from ..submission.cancel import cancel
    from ..submission.state import LIVE, read_state

    state = read_state(options.run)
    if state.state not in LIVE:
        print(f"{options.run} is {state.state}; there is nothing to stop.")
        return 0
    ended = cancel(state, options.wait)
    if ended.state in LIVE:
        print(
            f"lstm-analysis: {options.run} was asked to stop and is still {ended.state} after {options.wait:g} s "
            f"({ended.job}). Look again with `lstm-analysis status {options.run}`.",
            file=sys.stderr,
        )
        return 1
    entries = (read_record(options.run) or {"stages": {}})["stages"].items()
    kept = [name for name, entry in entries if entry["state"] == "done"]
    step, tasks = ended.status.get("step"), ended.status.get("tasks")
    if step and tasks and ended.state != "done":
        kept.append(f"{tasks['done']:,} of {tasks['all']:,} shards of {step['name']}")
    print(f"{options.run} is {ended.state}. Kept: {', '.join(kept) or 'nothing was finished yet'}.")
    if ended.state != "done":
        print("To go on, submit the study again or run the same command.")
    return 0

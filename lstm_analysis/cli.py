"""The command line: ``lstm-analysis COMMAND``; each command is a file of ``commands/``."""

import argparse
import logging
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from . import __version__
from .commands.cancel_run import add_cancel
from .commands.convert_checkpoint import add_convert
from .commands.explore_run import add_explore
from .commands.export_run import add_export
from .commands.import_project import add_import
from .commands.inspect_run import add_inspect
from .commands.list_neurons import add_neurons
from .commands.look_at_cluster import add_cluster
from .commands.match_models import add_match_neurons
from .commands.match_pattern import add_match
from .commands.run_study import add_run
from .commands.show_logs import add_logs
from .commands.show_status import add_status
from .commands.subcommand import Command, Commands
from .commands.submit_study import add_submit
from .commands.take_out_neurons import add_lesion
from .commands.train_model import add_train
from .commands.validate_study import add_validate
from .commands.write_report import add_report
from .disk import explain_os_error
from .errors import KEPT, STOP, Interrupted, UserError, raise_if_stopped

INTERRUPTED = "Interrupted"
COMMANDS: tuple[Callable[[Commands], None], ...] = (
    add_run,
    add_submit,
    add_status,
    add_logs,
    add_cancel,
    add_train,
    add_validate,
    add_cluster,
    add_convert,
    add_inspect,
    add_match,
    add_match_neurons,
    add_neurons,
    add_lesion,
    add_explore,
    add_report,
    add_import,
    add_export,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 failed, 2 wrong usage, 3 some shards failed, 75 interrupted."""
    options = parser().parse_args(arguments)
    _log_to_stderr(logging.DEBUG if options.debug else logging.INFO)
    STOP.clear()
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGINT, _interrupt)
    STOP.interrupts = True
    command: Command = options.command
    try:
        return command(options)
    except UserError as error:
        if options.debug:
            raise
        print(f"lstm-analysis: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"lstm-analysis: {INTERRUPTED}. {KEPT}", file=sys.stderr)
        return Interrupted("").exit_code
    except BrokenPipeError:
        return 0
    except OSError as error:
        if options.debug or error.errno is None:  # without a number it does not come from the system
            raise
        refusal = explain_os_error(error, vars(options).get("output") or vars(options).get("run") or Path())
        print(f"lstm-analysis: {refusal}", file=sys.stderr)
        return refusal.exit_code


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="lstm-analysis", description="Measure what single neurons of a recurrent language model respond to."
    )
    top.add_argument("--version", action="version", version=f"lstm-analysis {__version__}")
    top.add_argument("--debug", action="store_true", help="show tracebacks")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for add in COMMANDS:
        add(commands)
    return top


def _log_to_stderr(level: int) -> None:
    log = logging.getLogger("lstm_analysis")
    log.setLevel(level)
    log.propagate = False
    log.handlers = [logging.StreamHandler(sys.stderr)]
    warnings.showwarning = _show_warning


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"warning: {message}", file=sys.stderr)


def _terminate(number: int, frame: FrameType | None) -> None:
    STOP.request("Stopped by SIGTERM")
    if not STOP.raised:
        STOP.raised = True
        raise_if_stopped()


def _interrupt(number: int, frame: FrameType | None) -> None:
    STOP.request(INTERRUPTED)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

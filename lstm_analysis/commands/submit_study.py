"""``lstm-analysis submit``: a study runs detached."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ..disk import check_folder
from .subcommand import Commands, add_settings, new_command

if TYPE_CHECKING:
    from ..config import Study


def add_submit(commands: Commands) -> None:
    """Add the command to the command line."""
    sub = new_command(commands, "submit", submit_command, "Run a study detached: as a job, or in the background.")
    sub.add_argument("study", type=Path, help="study file, pipelines/*.yaml")
    sub.add_argument("--cluster", type=Path, help="cluster file, cluster/*.yaml (default: this machine)")
    sub.add_argument("--output", type=Path, help="folder of the run (default: runs/NAME)")
    sub.add_argument("--dry-run", action="store_true", help="print the driver's script and submit nothing")
    sub.add_argument("--force", action="store_true", help="replace results of other inputs in the folder")
    sub.add_argument("--json", action="store_true", help="print what was submitted as JSON")
    add_settings(sub)


def submit_command(options: argparse.Namespace) -> int:
    """Check a study as `run` does, then start its driver."""
    from ..config import load_study
    from ..submission.submit import Request, preview, refuse_if_live, submit

    study = load_study(options.study, options.set)
    options.output = options.output or study.output
    check_folder(options.output)
    request = Request(options.study, study.name, options.output, options.cluster, options.set, options.force)
    refuse_if_live(request.run)
    system = request.system
    check(study, request.run, request.force)
    if options.dry_run:
        print(preview(request), end="")
        return 0
    submitted = submit(request)
    if options.json:
        print(json.dumps(submitted, indent=1))
        return 0
    where = "a process of this machine, which has to stay up" if system is None else f"a job of {system.name}"
    print(f"submitted  {submitted['id']} ({where})")
    print(f"run        {request.run}")
    for command in ("status", "logs -f", "cancel"):
        name, *flags = command.split()
        print(f"then       lstm-analysis {' '.join([name, str(request.run), *flags])}")
    return 0


def check(study: "Study", run: Path, force: bool) -> None:
    """Refuse what would be refused when the run begins.

    Raises
    ------
    UserError
        If the study is wrong or the folder holds another one.
    """
    from ..inputs import check_corpus, check_model, corpus_files, fingerprints, validate
    from ..record import Record, read_record

    validate(study)
    check_corpus(study)
    model, known = check_model(study), read_record(run)
    prints = {}
    if known is not None and model is not None:
        prints = fingerprints(study, model, corpus_files(study, known["facts"].get("files", {})))
    if known is None or model is not None:
        Record(run, study.as_dict()).check(prints, force)

"""A study is given to a driver that runs detached: as a job of a batch system, or as a process of this machine."""

import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ..config import ClusterConfig, load_cluster
from ..errors import UsageError, UserError
from ..lock import RunLock, is_held, read_owner, refusal
from ..owner import describe_owner, this_process
from .batch import SYSTEMS, BatchSystem
from .folder import cancel_file, now, save_json, script_file, submission_file, submission_folder
from .script import driver_script
from .state import LIVE, read_state


@dataclass(frozen=True)
class Request:
    """What is to be submitted.

    Parameters
    ----------
    study
        The study file.
    name
        What the study is called.
    run
        Folder of the run.
    cluster
        The cluster file; ``None`` for this machine.
    settings
        Overrides of the study's keys.
    force
        Whether results of other inputs are replaced.
    """

    study: Path
    name: str
    run: Path
    cluster: Path | None = None
    settings: Sequence[str] = ()
    force: bool = False

    @property
    def config(self) -> ClusterConfig:
        """What the cluster file says."""
        return ClusterConfig() if self.cluster is None else load_cluster(self.cluster)

    @property
    def system(self) -> BatchSystem | None:
        """The batch system on which the driver is a job; ``None`` where it is a process of this machine.

        Raises
        ------
        UsageError
            If the cluster file describes a job for a driver that is none.
        """
        config = self.config
        system = SYSTEMS.get(config.class_ or "")
        if system is None and config.driver is not None:
            raise UsageError(
                f"{self.cluster} has the key driver, but only with {', '.join(SYSTEMS)} the driver is a job; elsewhere "
                "it is a process of the machine that submits. Remove the key."
            )
        return system

    def script(self, token: str) -> str:
        """Return the script of the driver, which reads copies of the files: they can be edited meanwhile."""
        folder = submission_folder(self.run.absolute())
        command = ["-m", "lstm_analysis.cli", "run", str(folder / "study.yaml"), "--output", str(self.run.absolute())]
        command += ["--relative-to", str(self.study.absolute().parent)]
        command += [] if self.cluster is None else ["--cluster", str(folder / "cluster.yaml")]
        command += [word for setting in self.settings for word in ("--set", setting)]
        command += ["--force"] if self.force else []
        return driver_script(self.run.absolute(), self.name, command, token, self.config, self.system)


def preview(request: Request) -> str:
    """Return the driver's script without submitting it; the batch system is asked whether it would take it."""
    script = request.script("0" * 8)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "driver.sh"
        file.write_text(script, encoding="utf-8")
        if request.system is not None:
            request.system.test_script(file)
    return script


def submit(request: Request) -> dict[str, Any]:
    """Start a driver and return what ``submission.json`` says of it.

    Raises
    ------
    UserError
        If the run is going on or waits in a queue, or the batch system does not take the job.
    """
    preview(request)
    folder = submission_folder(request.run)
    with RunLock(folder):  # two that submit at once
        refuse_if_live(request.run)
        token = uuid.uuid4().hex[:8]
        shutil.copyfile(request.study, folder / "study.yaml")
        if request.cluster is not None:
            shutil.copyfile(request.cluster, folder / "cluster.yaml")
        script_file(request.run).write_text(request.script(token), encoding="utf-8")
        cancel_file(request.run).unlink(missing_ok=True)
        system = request.system
        script = script_file(request.run).absolute()
        started = _start_process(script) if system is None else {"id": system.submit_script(script), "driver": None}
        content = {
            "format": 1, **started, "token": token, "study": request.name, "file": str(request.study.absolute()),
            "cluster": None if request.cluster is None else str(request.cluster.absolute()),
            "settings": list(request.settings), "force": request.force, "run": str(request.run.absolute()),
            "submitted": now(), "by": this_process(),
        }  # fmt: skip
        save_json(submission_file(request.run), content)
    return content


def refuse_if_live(run: Path) -> None:
    """Refuse a run that goes on, or will.

    Raises
    ------
    UserError
        With who has it.
    """
    owner = read_owner(run / "run.lock")
    if owner is not None and is_held(run / "run.lock", owner):
        raise UserError(refusal(run, owner))
    try:
        state = read_state(run)
    except UsageError:
        return
    if state.state in LIVE:
        raise UserError(
            f"{run} is {state.state} already: {state.job}, submitted {state.submission.get('submitted')} by "
            f"{describe_owner(state.submission.get('by', {}))}. Wait for it, or stop it: lstm-analysis cancel {run}."
        )


def _start_process(script: Path) -> dict[str, Any]:
    """Start a script as a process that outlives this one, its terminal and its session."""
    command, quiet = ["/bin/sh", str(script)], subprocess.DEVNULL
    process = subprocess.Popen(command, start_new_session=True, stdin=quiet, stdout=quiet, stderr=quiet)
    host = this_process()["host"]
    try:
        started = psutil.Process(process.pid).create_time()
    except psutil.NoSuchProcess:
        started = 0.0
    driver = {"host": host, "pid": process.pid, "started": started}
    return {"id": f"process:{host}:{process.pid}", "driver": driver}

"""What batch systems have in common: a job is asked for, submitted and cancelled."""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...errors import UsageError, UserError

COMMAND_SECONDS = 60


@dataclass(frozen=True)
class JobRequest:
    """What a driver's job asks for.

    Parameters
    ----------
    name
        What it is called in the queue.
    output
        File for what the system itself has to say.
    cores, memory
        Processor cores; bytes.
    walltime, queue, account
        As the system writes them; ``None`` for its own defaults.
    directives
        Further ones, without their prefix.
    """

    name: str
    output: Path
    cores: int
    memory: int
    walltime: str | None
    queue: str | None
    account: str | None
    directives: tuple[str, ...]

    @property
    def megabytes(self) -> int:
        """Memory in MiB, rounded up."""
        return -(-self.memory // (1 << 20))


@dataclass(frozen=True)
class BatchSystem:
    """A batch system.

    Parameters
    ----------
    name
        First part of the ids that a user sees, such as ``slurm``.
    submit, cancel
        Commands that submit a script and cancel a job.
    reads_stdin
        Whether the script is given on the standard input, not as a path.
    id_pattern
        Finds the id of the job in what ``submit`` prints.
    id_variable
        Environment variable that holds the id inside the job.
    header
        Returns the directives of a script.
    test
        Command that says whether a script would be accepted; ``None`` where there is none.
    after
        Shell lines at the end of the script, where ``$code`` is the driver's exit code, ``$stopped`` is set if the
        system has asked it to stop, and ``$cancel`` is the file by which a user does.
    """

    name: str
    submit: tuple[str, ...]
    cancel: str
    id_pattern: str
    id_variable: str
    header: Callable[[JobRequest], list[str]]
    reads_stdin: bool = False
    test: tuple[str, ...] | None = None
    after: tuple[str, ...] = ()

    def submit_script(self, script: Path) -> str:
        """Submit a script and return the id of its job, such as ``slurm:1234``.

        Raises
        ------
        UserError
            If the system refuses it.
        """
        printed = self._call(self.submit, script, "does not take the driver's job")
        found = re.search(self.id_pattern, printed)
        if found is None:
            raise UserError(f"{self.submit[0]} names no job; it said: {printed.strip()!r}. See its queue by hand.")
        return f"{self.name}:{found[1]}"

    def test_script(self, script: Path) -> None:
        """Refuse a script that the system would not accept, where it can tell.

        Raises
        ------
        UsageError
            With what the system says.
        """
        if self.test is not None and shutil.which(self.test[0]):
            self._call(self.test, script, "would not take the driver's job", UsageError)

    def cancel_job(self, job: str) -> bool:
        """Cancel a job; false where the system cannot be reached from here."""
        command = [self.cancel, job.partition(":")[2]]
        if shutil.which(self.cancel) is None:
            return False
        return subprocess.run(command, capture_output=True, timeout=COMMAND_SECONDS, check=False).returncode == 0

    def _call(
        self, command: tuple[str, ...], script: Path, what: str, refusal: Callable[[str], UserError] = UserError
    ) -> str:
        if shutil.which(command[0]) is None:
            raise UserError(f"There is no {command[0]} on this machine. Submit from one that has it, or run the study.")
        whole = [*command] if self.reads_stdin else [*command, str(script)]
        content = script.read_text(encoding="utf-8") if self.reads_stdin else None
        try:
            done = subprocess.run(
                whole, input=content, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise UserError(f"{command[0]} does not answer within {COMMAND_SECONDS} s. Is its server up?") from None
        if done.returncode:
            said = " ".join((done.stderr or done.stdout).split()).rstrip(".")
            raise refusal(
                f"{command[0]} {what}: {said}. Check queue, account and walltime in the cluster file (kwargs, driver)."
            )
        return done.stdout

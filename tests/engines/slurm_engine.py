"""A real Slurm on this machine: a controller and two nodes on loopback, without systemd, cgroups or a database."""

import getpass
import os
import re
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil
from driver import wait_until

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
NODES = ("n1", "n2")
SECONDS = 30
CONFIG = """
ClusterName=engines
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
MailProg=/bin/true
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1
ReturnToService=2
DefMemPerCPU=500
SlurmdTimeout=60
KillWait=10
MinJobAge=300
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def free_port() -> int:
    """Return a port of loopback that nobody listens to now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Slurm:
    """A Slurm that is up between ``start`` and ``stop``.

    Parameters
    ----------
    folder
        For its configuration, state and logs; its path has to be short, since a socket lies in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "slurm.conf"
        self.environment = {**os.environ, "SLURM_CONF": str(self.config)}

    def start(self) -> None:
        """Start it and wait until its nodes are idle."""
        self._start_munge()
        host = socket.gethostname().split(".")[0]
        node = "NodeName={} NodeHostname={} NodeAddr=127.0.0.1 Port={} CPUs=4 RealMemory=8000 State=UNKNOWN"
        for name in NODES:
            (self.folder / f"spool-{name}").mkdir()
        (self.folder / "state").mkdir()
        self.config.write_text(
            CONFIG.format(
                host=host,
                user=getpass.getuser(),
                folder=self.folder,
                control_port=free_port(),
                nodes="\n".join(node.format(name, host, free_port()) for name in NODES),
            )
        )
        self.call("slurmctld")
        for name in NODES:
            self.call("slurmd", "-N", name)
        try:
            wait_until(self._is_idle, "idle node of Slurm")
        except TimeoutError:
            logs = "\n".join(f"{log}: {log.read_text()[-2000:]}" for log in self.folder.glob("*.log"))
            raise RuntimeError(f"Slurm does not come up:\n{logs}") from None

    def _start_munge(self) -> None:
        """Start the daemon by which Slurm's parts know each other, as the user that its package made."""
        keys = self.folder / "munge"
        keys.mkdir(mode=0o711)
        (keys / "key").write_bytes(os.urandom(128))
        (keys / "key").chmod(0o400)
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        command = ["munged", *(f"--{option}={keys / name}" for option, name in files.items())]
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "munge:munge", str(keys)], check=True)
            command = ["setpriv", "--reuid=munge", "--regid=munge", "--clear-groups", *command]
        subprocess.run(command, check=True, timeout=SECONDS, capture_output=True)

    def _is_idle(self) -> bool:
        return len(re.findall(r"idle$", self.call("sinfo", "-h", "-N", "-o", "%N %T", check=False), re.MULTILINE)) == 2

    def call(self, *command: str, check: bool = True) -> str:
        """Run one of its commands and return what it prints."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")
        return done.stdout

    def jobs(self, name: str = "") -> dict[str, str]:
        """Return the states of the jobs in the queue, by id; of those with a name if it is given."""
        lines = self.call("squeue", "-h", "-o", "%i|%T|%j").splitlines()
        found = [line.split("|") for line in lines]
        return {job: state for job, state, called in found if name in ("", called)}

    def show(self, job: str, key: str) -> str:
        """Return what Slurm knows of a job, such as its ``JobState``, also when it has ended."""
        found = re.search(rf"\b{key}=(\S*)", self.call("scontrol", "show", "job", job))
        assert found is not None
        return found[1]

    def cancel_all(self) -> None:
        """Cancel what runs or waits, and wait until it is gone."""
        self.call("scancel", "--user", getpass.getuser(), check=False)
        wait_until(lambda: not self.call("squeue", "-h", check=False).strip(), "end of the jobs")

    def stop(self) -> None:
        """Cancel what runs and stop the daemons, the one that writes the state last."""
        with suppress(TimeoutError):
            self.cancel_all()
        names = [*(f"slurmd-{name}.pid" for name in NODES), "slurmctld.pid", "munge/pid"]
        for file in (self.folder / name for name in names):
            with suppress(FileNotFoundError, ProcessLookupError, ValueError, psutil.Error):
                daemon = psutil.Process(int(file.read_text()))
                daemon.send_signal(signal.SIGTERM)
                psutil.wait_procs([daemon], timeout=SECONDS)

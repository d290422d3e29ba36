"""A real sshd on loopback, with a port and keys of its own."""

import getpass
import os
import shutil
import signal
import subprocess
from pathlib import Path

from driver import MARK, wait_until
from slurm_engine import free_port

PROGRAMS = ("sshd", "ssh-keygen", "ssh-keyscan")
SECONDS = 30
CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile {folder}/sshd.pid
UsePAM no
StrictModes no
PasswordAuthentication no
PermitRootLogin prohibit-password
SetEnv {environment}
"""


class SshServer:
    """An sshd that is up between ``start`` and ``stop``.

    Parameters
    ----------
    folder
        For its keys, its configuration and its log.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()

    def start(self) -> None:
        """Start it and wait until it answers."""
        for name in ("host_key", "user_key"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)]
            subprocess.run(command, check=True, timeout=SECONDS)
        names = [name for name in ("PYTHONPATH", MARK) if name in os.environ]
        environment = " ".join(f'{name}="{os.environ[name]}"' for name in names)
        config = CONFIG.format(port=self.port, folder=self.folder, environment=environment or "LANG=C")
        (self.folder / "sshd_config").write_text(config)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # sshd locks itself up there before anyone is known
        sshd = shutil.which("sshd")
        assert sshd is not None  # it starts itself again and wants to know its whole path
        command = [sshd, "-f", str(self.folder / "sshd_config"), "-E", str(self.folder / "sshd.log")]
        subprocess.run(command, check=True, timeout=SECONDS)
        wait_until(self._answers, "answer of sshd")

    def _answers(self) -> bool:
        command = ["ssh-keyscan", "-T", "2", "-p", str(self.port), "127.0.0.1"]
        return bool(subprocess.run(command, capture_output=True, timeout=SECONDS, check=False).stdout)

    def stop(self) -> None:
        """Stop it; what it has started goes on."""
        file = self.folder / "sshd.pid"
        if file.exists():
            os.kill(int(file.read_text()), signal.SIGTERM)

    @property
    def connect_options(self) -> dict[str, object]:
        """What asyncssh needs to know."""
        keys = [str(self.folder / "user_key")]
        return {"port": self.port, "known_hosts": None, "client_keys": keys, "username": getpass.getuser()}

"""Two hosts as network namespaces of this machine, on a bridge, with one file system."""

import os
import subprocess
from contextlib import suppress

PROGRAMS = ("ip", "nsenter")
SECONDS = 30
N_HOST = 2


class Hosts:
    """Hosts that are up between ``start`` and ``stop``; names and addresses go by this process's id."""

    def __init__(self) -> None:
        number = os.getpid()
        self.bridge = f"lab{number % 10**6}"
        self.names = [f"lah{number % 10**6}{letter}" for letter in "ab"[:N_HOST]]
        self._net = f"10.{64 + number // 250 % 64}.{number % 250}"

    @property
    def address(self) -> str:
        """The address of this side."""
        return f"{self._net}.254"

    def start(self) -> None:
        """Make the bridge and the hosts."""
        self._ip("link", "add", self.bridge, "type", "bridge")
        self._ip("addr", "add", f"{self.address}/24", "dev", self.bridge)
        self._ip("link", "set", self.bridge, "up")
        for i, name in enumerate(self.names, start=1):
            self._ip("netns", "add", name)
            self._ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
            self._ip("link", "set", name, "master", self.bridge, "up")
            self._ip("-n", name, "addr", "add", f"{self._net}.{i}/24", "dev", "eth0")
            for device in ("eth0", "lo"):
                self._ip("-n", name, "link", "set", device, "up")

    def command(self, i: int, *command: str) -> list[str]:
        """Return what runs a command on a host."""
        return ["nsenter", f"--net=/run/netns/{self.names[i]}", "unshare", "--uts", "sh", "-c",
                'hostname "$0"; exec "$@"', self.names[i], *command]  # fmt: skip

    def cut_off(self, i: int) -> None:
        """Take a host off the network, without a word to anybody."""
        self._ip("link", "set", self.names[i], "down")

    def stop(self) -> None:
        """Remove them."""
        for name in self.names:
            with suppress(subprocess.CalledProcessError):
                self._ip("netns", "del", name)
        with suppress(subprocess.CalledProcessError):
            self._ip("link", "del", self.bridge)

    def _ip(self, *words: str) -> None:
        subprocess.run(["ip", *words], check=True, timeout=SECONDS, capture_output=True, text=True)

# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines with a distribution's own kernel, on the bridge of C(lab/vm/run), reached as users reach their hosts.

Hardware virtualisation is used where a kernel starts with it; elsewhere QEMU emulates the processor, some ten times slower.
"""

from __future__ import annotations

import functools
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).parents[2]
BRIDGE = "lvs"
MEMORY = 640  # MiB of each
STARTING = 600  # seconds until a machine lets somebody in, emulated beside others
COMMAND = 300  # seconds that a command on a machine may take


@dataclass(frozen=True)
class Image:
    """The disk, the kernel and the key that C(lab/vm/image) has made."""

    suite: str
    folder: Path

    @classmethod
    def of(cls, suite: str) -> Image:
        """Find it."""
        made = subprocess.check_output([PROJECT / "lab/vm/image", suite], text=True, timeout=60)
        return cls(suite, Path(made.strip()))


@functools.cache
def acceleration(image: Image) -> str:
    """Whether the processor is virtualised or emulated. A kernel that has no disk ends at once, or does not start at all."""
    chosen = os.environ.get("LVS_VM_ACCEL")
    if chosen or not os.access("/dev/kvm", os.W_OK):
        return chosen or "tcg"
    kernel = ["-kernel", str(image.folder / "kernel"), "-append", "panic=-1"]
    command = ["qemu-system-x86_64", "-accel", "kvm", "-m", "256", "-display", "none", "-no-reboot", *kernel]
    try:
        return "tcg" if subprocess.run(command, timeout=20, check=False, capture_output=True).returncode else "kvm"
    except subprocess.TimeoutExpired:
        return "tcg"


@dataclass
class Machine:
    """A virtual machine."""

    name: str
    address: str
    image: Image
    folder: Path  # of its disk and of what its kernel prints
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def ssh_options(self) -> list[str]:
        """How to log in, for C(ssh) and for Ansible."""
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=10")
        control = ("ControlMaster=auto", "ControlPersist=60s", f"ControlPath={self.folder}/ssh-{self.name}")
        return [f"-o{option}" for option in (*options, *control)]

    def start(self) -> None:
        """Switch it on, with a disk of its own: a copy of the image's."""
        disk = self.folder / f"{self.name}.disk"
        subprocess.run(["cp", "--sparse=always", self.image.folder / "disk", disk], check=True)
        self._write(disk, "/etc/hostname", f"{self.name}\n")
        lines = ("auto lo eth0", "iface lo inet loopback", "iface eth0 inet static", f"    address {self.address}/24", "")
        self._write(disk, "/etc/network/interfaces", "\n".join(lines))
        tap = f"tap-{self.name}"
        for words in (["tuntap", "add", tap, "mode", "tap"], ["link", "set", tap, "master", BRIDGE, "up"]):
            subprocess.run(["ip", *words], check=True)
        mac = "02:00:" + ":".join(f"{int(part):02x}" for part in self.address.split("."))
        accelerator = acceleration(self.image)
        options = {
            "name": self.name,
            "accel": accelerator,
            "cpu": "host" if accelerator == "kvm" else "max",
            "m": str(MEMORY),
            "display": "none",
            "monitor": "none",
            "serial": "stdio",
            "kernel": str(self.image.folder / "kernel"),
            "initrd": str(self.image.folder / "initrd"),
            "append": "root=/dev/vda rw console=ttyS0 net.ifnames=0",
            "drive": f"file={disk},format=raw,if=virtio,cache=unsafe",
            "netdev": f"tap,id=n,ifname={tap},script=no,downscript=no",
            "device": f"virtio-net-pci,netdev=n,mac={mac}",
        }
        words = [word for name, value in options.items() for word in (f"-{name}", value)]
        with (self.folder / f"{self.name}.console").open("wb") as output:
            self._process = subprocess.Popen(
                ["qemu-system-x86_64", *words], stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def _write(self, disk: Path, path: str, text: str) -> None:
        """Write a file of a disk that is not in use."""
        own = self.folder / f"{self.name}{path.replace('/', '-')}"
        own.write_text(text)
        commands = f"rm {path}\nwrite {own} {path}\n"
        subprocess.run(
            ["debugfs", "-w", "-f", "/dev/stdin", disk], input=commands, text=True, check=True, capture_output=True
        )

    def stop(self) -> None:
        """Switch it off."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=30)

    def ssh(self, command: str, check: bool = True, timeout: float = COMMAND) -> subprocess.CompletedProcess[str]:
        """Run a command of a shell as a user who may use sudo."""
        words = ["ssh", "-i", str(self.image.folder / "key"), *self.ssh_options, f"admin@{self.address}", command]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=timeout, stdin=subprocess.DEVNULL)
        assert not check or done.returncode == 0, f"{self.name}: {command}: {done.stdout}{done.stderr}"
        return done

    def root(self, command: str) -> str:
        """What a command of a shell prints, run by root."""
        script = command.replace("'", "'\\''")
        return self.ssh(f"sudo sh -c '{script}'").stdout

    def boot_id(self) -> str:
        """Which start this is; nothing while nobody is let in."""
        try:
            return self.ssh("cat /proc/sys/kernel/random/boot_id", check=False, timeout=60).stdout.strip()
        except subprocess.TimeoutExpired:
            return ""

    def wait_started(self, before: str = "") -> None:
        """Wait until somebody is let in, after another start than C(before), and all units are up, or have failed."""
        end = time.monotonic() + STARTING
        while (now := self.boot_id()) in ("", before):
            assert self._process is None or self._process.poll() is None, self.console()
            assert time.monotonic() < end, f"{self.name} has not started ({now}): {self.console()}"
            time.sleep(1)
        self.ssh("systemctl is-system-running --wait", check=False)

    def reboot(self) -> str:
        """Begin to start anew, as an administrator would; which start it was."""
        before = self.boot_id()
        self.ssh("sudo systemctl reboot", check=False)
        subprocess.run(["ssh", *self.ssh_options, "-O", "exit", self.address], check=False, capture_output=True, timeout=30)
        return before

    def console(self) -> str:
        """The last lines that its kernel and its init have printed."""
        text = (self.folder / f"{self.name}.console").read_text(errors="replace")
        return "\n".join(text.splitlines()[-30:])

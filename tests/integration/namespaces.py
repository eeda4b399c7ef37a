# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces to run modules in, and to look at with programs that are not ours."""

from __future__ import annotations

import ctypes
import itertools
import json
import selectors
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from .managed_host import PYTHON, TIMEOUT, Modules, arguments_file
from .module_server import MODULES

ANSWER_TIMEOUT = 5

# Folders that modules write to: each namespace has its own.
OWN_FOLDERS = (
    "var/lib",
    "etc/sysctl.d",
    "etc/modules-load.d",
    "etc/systemd/system",
    "etc/systemd/network",
    "etc/NetworkManager/conf.d",
    "etc/keepalived",
)
# Mount namespaces with these folders, by the names of the network namespaces.
MOUNTS = Path("/run/lvs-mounts")

# After the kernel has looked for duplicates of addresses. Of its qdisc a device keeps that it once was up. A package that
# was installed would leave files, too: in the namespace's own /var/lib, where dpkg has its database.
_LOOK = """
tries=50
while [ "$tries" -gt 0 ] && [ -n "$(ip -o address show up tentative)" ]; do sleep 0.1; tries=$((tries - 1)); done
ip -o -force -batch - <<'END' | sed 's/ qdisc [a-z]*//'
link show
fou show
address show
route show table all
rule show
END
(cd /proc/sys/net; grep -rs '' ipv4/conf ipv4/ip_forward ipv4/vs ipv6/conf/all ipv6/conf/default | sort)
nft list ruleset; ipvsadm -Sn; ipvsadm -Ln --thresholds; ipvsadm -Ln --timeout; ipvsadm -Ln --daemon
find {} -type f -exec sha256sum {{}} +
""".format(" ".join(f"/{own}" for own in OWN_FOLDERS))


_numbers = itertools.count(1)
_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000  # include/uapi/linux/sched.h


def _enter(namespace: int) -> None:
    """Take this thread into the network namespace: os.setns of Python 3.12."""
    if _libc.setns(namespace, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    """A network namespace with folders of its own; a host, as far as the modules can see."""

    def __init__(self, name: str, folder: Path, modules: Modules) -> None:
        self.name = name
        self._folder = folder
        self._modules = modules
        self._network = Path("/run/netns", name)
        self._mounts = MOUNTS / name
        self._start()
        self._mount()

    def _mount(self) -> None:
        for own in OWN_FOLDERS:
            (self._folder / own).mkdir(parents=True)
            Path("/", own).mkdir(parents=True, exist_ok=True)
        table = self._folder / "fstab"
        table.write_text("".join(f"{self._folder / own} /{own} none bind\n" for own in OWN_FOLDERS))
        MOUNTS.mkdir(exist_ok=True)
        self._mounts.touch()
        # Network namespaces come and go in there, too: as slaves, its mounts follow.
        unshare = ["unshare", f"--mount={self._mounts}", "--propagation=slave"]
        subprocess.run([*unshare, "mount", "--all", "--fstab", str(table)], check=True, timeout=TIMEOUT)

    def _start(self) -> None:
        subprocess.run(["ip", "netns", "add", self.name], check=True, timeout=TIMEOUT)
        subprocess.run(["ip", "-n", self.name, "link", "set", "lo", "up"], check=True, timeout=TIMEOUT)

    def restart(self) -> None:
        """Begin anew with what is in its folders: the kernel knows nothing any more."""
        self._stop()
        self._start()

    def _stop(self) -> None:
        subprocess.run(["ip", "netns", "del", self.name], check=True, timeout=TIMEOUT)

    def remove(self) -> None:
        """Take it away with all that is in it."""
        self._stop()
        subprocess.run(["umount", self._mounts], check=True, timeout=TIMEOUT)
        self._mounts.unlink()

    def command(self, *command: str) -> list[str]:
        """The command as it is to be run from outside."""
        return ["nsenter", f"--net={self._network}", f"--mount={self._mounts}", f"--wdns={Path.cwd()}", *command]

    def run(self, *command: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command in here."""
        options.setdefault("timeout", TIMEOUT)
        return subprocess.run(self.command(*command), check=check, capture_output=True, text=True, **options)

    def sh(self, script: str) -> str:
        """What a shell script prints."""
        return self.run("sh", "-ec", script).stdout

    @contextmanager
    def inside(self) -> Iterator[None]:
        """In here are the sockets that this thread makes meanwhile, and they stay in here."""
        with Path("/proc/thread-self/ns/net").open() as own, self._network.open() as here:
            _enter(here.fileno())
            try:
                yield
            finally:
                _enter(own.fileno())

    def module(self, module: str, **options: Any) -> Result:
        """Run a module of this collection, as Ansible would on a managed host; where C(python) is named, in a new process."""
        if "python" in options:
            return result(self.start(module, **options))
        check_mode = options.pop("check_mode", False)
        with arguments_file(options, check_mode) as arguments:
            return parsed(*self._modules.run(module, arguments, [self._network, self._mounts]))

    def start(
        self, module: str, *, python: tuple[str, ...] = (PYTHON,), check_mode: bool = False, **options: Any
    ) -> subprocess.Popen[str]:
        """Start one: the process is the module itself."""
        # What is mounted on the way to it is for itself.
        command = self.command("unshare", "--mount", *python, "-m", f"{MODULES}.{module}")
        with arguments_file(options, check_mode) as arguments:
            return subprocess.Popen(
                command,
                stdin=arguments,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=self._modules.environment(),
            )

    def path(self, path: str) -> Path:
        """One of the namespace's own files, from outside."""
        return self._folder / path.lstrip("/")

    def rules(self) -> list[str]:
        """The IPVS table, as ipvsadm saves it."""
        # 1.31 writes the tunnel's type even where it is the default.
        return [line.replace(" --tun-type ipip", "").strip() for line in self.sh("ipvsadm -Sn").splitlines()]

    def snapshot(self) -> str:
        """All that a module of this collection could change."""
        return self.sh(_LOOK)


@contextmanager
def namespaces(folder: Path, modules: Modules) -> Iterator[Callable[[], Namespace]]:
    """Makes namespaces that go with the block."""
    made: list[Namespace] = []

    def make() -> Namespace:
        number = next(_numbers)
        made.append(Namespace(f"lvs{number}", folder / f"host{number}", modules))
        return made[-1]

    try:
        yield make
    finally:
        for namespace in made:
            namespace.remove()


def wait_for_links(*hosts: Namespace) -> None:
    """Until every device that is up also sends: the kernel lets it up to a second after both its ends are up."""
    for host in hosts:
        host.sh(
            "tries=50; while ip -o link show up | grep -q ' state DOWN '; do"
            " [ $tries -gt 0 ] || exit 1; tries=$((tries - 1)); sleep 0.1; done"
        )


def on_one_bridge(bridge: Namespace, hosts: Mapping[int, Namespace]) -> None:
    """Give each host eth0 with the addresses 192.168.56.NUMBER and 2001:db8:56::NUMBER, and a bridge between them all.

    A bridge that is there already gets these hosts, too.
    """
    bridge.sh("ip link show br0 >/dev/null 2>&1 || ip link add br0 type bridge; ip link set br0 up")
    for number, host in hosts.items():
        command = ["ip", "-n", bridge.name, "link", "add", f"p{number}", "type", "veth", "peer", "eth0", "netns", host.name]
        subprocess.run(command, check=True, timeout=TIMEOUT)
        bridge.sh(f"ip link set p{number} master br0 up")
        host.sh(f"ip address add 192.168.56.{number}/24 brd + dev eth0; ip link set eth0 up")
        host.sh(f"ip address add 2001:db8:56::{number}/64 dev eth0 nodad")
    wait_for_links(bridge, *hosts.values())


@contextmanager
def web_server(host: Namespace, name: str) -> Iterator[None]:
    """A real server's program on port 80, which says its name at /name."""
    page = host.path("var/lib/www/name")
    page.parent.mkdir()
    page.write_text(f"{name}\n")
    command = host.command(PYTHON, "-u", "-m", "http.server", "--directory", "/var/lib/www", "80")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert "Serving HTTP" in server.stdout.readline()
        try:
            yield
        finally:
            server.terminate()
            server.wait(timeout=TIMEOUT)


@contextmanager
def serving(sockets: Mapping[socket.socket, Callable[[], None]]) -> Iterator[None]:
    """A thread that calls what is there for a socket whenever something came to it, and closes them all in the end."""
    ended = threading.Event()
    with selectors.DefaultSelector() as selector, ExitStack() as closing:
        for listener, answer in sockets.items():
            selector.register(closing.enter_context(listener), selectors.EVENT_READ, answer)

        def serve() -> None:
            while not ended.is_set():
                for ready, _events in selector.select(timeout=0.2):
                    ready.data()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def listening(port: int) -> socket.socket:
    """A TCP socket for the port, of both families."""
    return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)


def _listening_to_udp(port: int) -> socket.socket:
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    udp.bind(("::", port))
    return udp


def _answer_tcp(server: socket.socket, said: bytes) -> None:
    connection, _client = server.accept()
    with connection:
        connection.sendall(said)


def _answer_udp(server: socket.socket, said: bytes) -> None:
    _asked, ((level, kind, info),), _flags, client = server.recvmsg(64, socket.CMSG_SPACE(20))
    # From the address that was asked, whatever the device.
    server.sendmsg([said], [(level, kind, info[:16] + bytes(4))], 0, client)


@contextmanager
def answering(host: Namespace, name: str, ports: Iterable[int]) -> Iterator[None]:
    """A real server's programs, on TCP and UDP ports of both families: they say its name and the port."""
    sockets: dict[socket.socket, Callable[[], None]] = {}
    with host.inside():
        for port in ports:
            said = f"{name} {port}".encode()
            tcp, udp = listening(port), _listening_to_udp(port)
            sockets[tcp] = partial(_answer_tcp, tcp, said)
            sockets[udp] = partial(_answer_udp, udp, said)
    with serving(sockets):
        yield


def ask_tcp(client: Namespace, vip: str, port: int) -> str:
    """What is said on a new connection."""
    with client.inside(), socket.create_connection((vip, port), timeout=ANSWER_TIMEOUT) as connection:
        return connection.recv(64).decode()


def ask_udp(client: Namespace, vip: str, port: int) -> str:
    """What is answered to a new source port, by the one that was asked."""
    with client.inside(), socket.socket(socket.AF_INET6 if ":" in vip else socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(ANSWER_TIMEOUT)
        udp.sendto(b"?", (vip, port))
        said, server = udp.recvfrom(64)
        assert server[:2] == (vip, port)
        return said.decode()


def result(process: subprocess.Popen[str]) -> Result:
    """What a module returns that was started."""
    with process:
        try:
            printed, complained = process.communicate(timeout=TIMEOUT)
        finally:
            process.kill()
    return parsed(printed, complained)


def parsed(printed: str, complained: str) -> Result:
    """What a module returns that has printed this."""
    try:
        return Result(json.loads(printed))
    except ValueError:
        raise AssertionError(f"the module printed no JSON:\n{printed}\n{complained}") from None


class Result(dict[str, Any]):
    """What a module returned."""

    def ok(self) -> Result:
        """It worked and changed nothing."""
        assert (self.get("failed", False), self.get("changed")) == (False, False), self
        return self

    def changed(self) -> Result:
        """It worked and changed something."""
        assert (self.get("failed", False), self.get("changed")) == (False, True), self
        return self

    def failed(self) -> str:
        """It failed: the message."""
        assert self.get("failed") is True, self
        return str(self["msg"])

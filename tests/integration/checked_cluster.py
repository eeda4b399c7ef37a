# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two directors on which keepalived checks three real servers; what they have is configured with the modules."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core import values
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived import config
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.virtual_servers import read_virtual_servers, render

from .managed_host import PYTHON, TIMEOUT
from .namespaces import Namespace, on_one_bridge

VIP, MAPPED_PORT = "192.168.56.200", 90
GUE_VIP, GRE_VIP, ROUTED_VIP, FAR_VIP = "192.168.56.203", "192.168.56.205", "192.168.56.202", "198.51.100.7"
VIP6, SIT_VIP = "2001:db8:56::200", "2001:db8:56::201"
RIPS, RIPS6 = (tuple(f"{net}{number}" for number in (183, 184, 185)) for net in ("192.168.56.", "2001:db8:56::"))
DIPS = {number: (f"192.168.56.{number}", f"2001:db8:56::{number}") for number in (181, 182)}
MAPPING = {"vip": VIP, "port": MAPPED_PORT, "to_port": 80, "protocol": "tcp"}
GUE = {"tunnel_type": "gue", "tunnel_port": 6080}
# By name: VIP, port, RIPs, and how packets get there.
SERVICES: dict[str, tuple[str, int, tuple[str, ...], dict[str, Any]]] = {
    "ipip": (VIP, 80, RIPS, {}),
    "mapped": (VIP, MAPPED_PORT, RIPS, {}),
    "gue": (GUE_VIP, 80, RIPS, GUE),
    "gre": (GRE_VIP, 80, RIPS, {"tunnel_type": "gre"}),
    "routed": (ROUTED_VIP, 80, RIPS, {"forward": "route"}),
    "far": (FAR_VIP, 80, RIPS, {}),  # in none of the director's networks
    "IPv6": (VIP6, 80, RIPS6, {}),
    "IPv6 in IPv4": (SIT_VIP, 80, RIPS, {}),
    "rewritten": ("192.168.56.204", 8080, RIPS, {"forward": "masquerade", "rport": 80}),
    "of a mark": ("", 5, RIPS, {}),
}
FAST = {"delay_loop": 1, "timeout": 1, "retries": 1, "delay_before_retry": 1}
OUT_WITHIN, BACK_WITHIN = 15, 15  # seconds; the kernel under test may be slow
# A web server of both families that serves anything.
_WEB_SERVER = """
import http.server, socket
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_arguments): pass
Server(('::', 80), Handler).serve_forever()
"""


def rows(kind: str, services: Mapping[str, Any] | None = None, **options: Any) -> list[dict[str, Any]]:
    """The option services of the module."""
    found = []
    for vip, port, rips, destination in (services or SERVICES).values():
        check = {"type": kind, **FAST, **options, **({} if vip else {"port": 80})}
        if kind == "http":
            check["status"] = "204"
        key = {"vip": vip, "port": port} if vip else {"fwmark": port}
        found.append(
            {**key, "scheduler": "rr", "destinations": [{"rip": rip, **destination, "check": check} for rip in rips]}
        )
    return found


class Keepalived:
    """Keepalived on a director, with services and nothing else."""

    def __init__(self, director: Namespace, number: int) -> None:
        self.director = director
        self._sources = [values.address("", dip) for dip in DIPS[number]]
        self._number = number
        self.path = director.path("/etc/keepalived/keepalived.conf")
        self._folder = director.path("/var/lib")
        self._process: subprocess.Popen[bytes] | None = None

    def configure(self, services: list[dict[str, Any]], lines: str = "") -> None:
        """Write the file, with these lines before the services."""
        blocks = render(read_virtual_servers(services), self._sources)
        self.path.write_text(config.Parts(services=lines + blocks).text)

    def start(self) -> None:
        """Start it, when it takes the file."""
        told = self.director.run("keepalived", "--config-test", check=False)
        assert (told.returncode, told.stderr) == (0, ""), told.stderr
        pids = [f"--{name}=/var/lib/{name}" for name in ("pid", "checkers_pid")]
        command = self.director.command("keepalived", "--dont-fork", "--check", "--log-console", *pids)
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wanted = self.path.read_text().count("\nvirtual_server ")
        deadline = time.monotonic() + TIMEOUT
        while not (self._folder / "pid").exists() or len(self.weights()) < wanted:
            assert time.monotonic() < deadline
            assert self._process.poll() is None
            time.sleep(0.1)

    def reload(self) -> None:
        """Have it read the file again."""
        os.kill(int((self._folder / "pid").read_text()), signal.SIGHUP)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it, with its children where it cannot end them."""
        assert self._process is not None
        pid = int((self._folder / "pid").read_text())
        told = subprocess.run(["pgrep", "-P", str(pid)], check=False, capture_output=True, text=True, timeout=TIMEOUT)
        children = [int(child) for child in told.stdout.split()]
        (self._folder / "pid").unlink()
        for one in (pid, *(children if number == signal.SIGKILL else ())):
            os.kill(one, number)
        self._process.wait(timeout=TIMEOUT)

    def weights(self) -> dict[str, dict[str, int]]:
        """The weight of each real server, by service."""
        found: dict[str, dict[str, int]] = {}
        for rule in self.director.rules():
            words = rule.split()
            key = " ".join(words[1:3])
            if words[0] == "-A":
                found[key] = {}
            else:
                rip = words[words.index("-r") + 1].rpartition(":")[0].strip("[]")
                found[key][rip] = int(words[words.index("-w") + 1])
        return found


def key_of(name: str) -> str:
    """A service as ipvsadm names it."""
    vip, port, _rips, _destination = SERVICES[name]
    if not vip:
        return f"-f {port}"
    return f"-t [{vip}]:{port}" if ":" in vip else f"-t {vip}:{port}"


class Cluster:
    """Two directors, of which the first has the VIPs, and three real servers."""

    def __init__(self, make: Callable[[], Namespace]) -> None:
        bridge, self.active, self.standby, *self.real_servers = (make() for _number in range(6))
        numbered = dict(zip((181, 182, 183, 184, 185), (self.active, self.standby, *self.real_servers)))
        on_one_bridge(bridge, numbered)
        for host in numbered.values():
            host.sh("ip route add default via 192.168.56.1 dev eth0; ip -6 route add default via 2001:db8:56::1 dev eth0")
        vips = [vip for vip, *_others in SERVICES.values() if vip]
        self.active.module("tunl_vip", device="eth0", vips=list(dict.fromkeys(vips))).changed()
        for real_server in self.real_servers:
            _prepare(real_server)
        self.keepaliveds = [Keepalived(self.active, 181), Keepalived(self.standby, 182)]
        self.programs: dict[int, subprocess.Popen[bytes]] = {}

    def serve(self, which: int) -> None:
        """Start the program of a real server."""
        host = self.real_servers[which]
        self.programs[which] = subprocess.Popen(host.command(PYTHON, "-c", _WEB_SERVER))
        host.sh(
            "tries=100; while ! ss -Hltn sport = :80 | grep -q .; do tries=$((tries - 1)); [ $tries -gt 0 ]; sleep 0.1; done"
        )

    def stop_serving(self, which: int) -> None:
        """End it."""
        program = self.programs.pop(which)
        program.kill()
        program.wait(timeout=TIMEOUT)

    def wait(self, there: Callable[[str, str], bool], seconds: float, names: Mapping[str, Any] | None = None) -> None:
        """Until each real server is in each service, or not, as expected, on both directors."""
        deadline = time.monotonic() + seconds
        while True:
            weights = {keepalived.director.name: keepalived.weights() for keepalived in self.keepaliveds}
            wrong = [
                (director, name, rip)
                for director, of_director in weights.items()
                for name in names or SERVICES
                for rip in SERVICES[name][2]
                if (rip in of_director.get(key_of(name), {})) != there(name, rip)
            ]
            if not wrong:
                return
            assert time.monotonic() < deadline, wrong
            time.sleep(0.2)


def _prepare(real_server: Namespace) -> None:
    real_server.sh("sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.default.rp_filter=1")
    for device in ("tunl0", "gre0"):
        real_server.module("arp_sysctl", device=device, rp_filter=2).changed()
    devices = [
        {"device": "tunl0", "vips": [VIP, GUE_VIP, FAR_VIP], **GUE},
        {"device": "gre0", "vips": [GRE_VIP], "tunnel_type": "gre"},
        {"device": "sit0", "vips": [SIT_VIP]},
        {"device": "ip6tnl0", "vips": [VIP6]},
        {"device": "lo", "vips": [ROUTED_VIP]},
    ]
    real_server.module("tunl_vip", devices=devices).changed()
    sources = [dip for dips in DIPS.values() for dip in dips]
    real_server.module("tunnel_guard", sources=sources, gue_ports=[GUE["tunnel_port"]]).changed()
    real_server.module("port_dnat", mappings=[MAPPING]).changed()


@contextmanager
def standing(make: Callable[[], Namespace]) -> Iterator[Cluster]:
    """The cluster, and its programs."""
    with ExitStack() as stack:
        made = Cluster(make)
        for which in range(3):
            made.serve(which)
            stack.callback(made.stop_serving, which)
        for number, director in zip(DIPS, (made.active, made.standby)):
            director.module("check_sysctl", sources=list(DIPS[number])).changed()
        yield made


@contextmanager
def running(cluster: Cluster, services: list[dict[str, Any]], lines: str = "") -> Iterator[Cluster]:
    """With keepalived on both directors."""
    with ExitStack() as stack:
        for keepalived in cluster.keepaliveds:
            keepalived.director.path("/var/lib/lvs.cluster/weights").mkdir(parents=True, exist_ok=True)
            keepalived.configure(services, lines)
            keepalived.start()
            stack.callback(keepalived.stop)
        yield cluster

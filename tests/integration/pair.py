# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two directors with the same table, and real servers behind tunnels: one director has the VIP, until it dies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .namespaces import Namespace, on_one_bridge

VIP = "192.168.56.185"
Options = dict[str, Any]
DIRECTORS = {"a": 181, "b": 182}
REAL_SERVERS = {"rs1": 183, "rs2": 184, "rs3": 186}


def address(number: int) -> str:
    """The address of the host with this number."""
    return f"192.168.56.{number}"


RIPS = {name: address(number) for name, number in REAL_SERVERS.items()}


class Pair:
    """A client, two directors and three real servers on one bridge."""

    def __init__(self, new_namespace: Callable[[], Namespace]) -> None:
        self._new_namespace = new_namespace
        self.bridge, self.client = new_namespace(), new_namespace()
        self.real_servers = {name: new_namespace() for name in REAL_SERVERS}
        hosts = {180: self.client, **{REAL_SERVERS[name]: host for name, host in self.real_servers.items()}}
        on_one_bridge(self.bridge, hosts)
        for real_server in self.real_servers.values():
            real_server.module("arp_sysctl", rp_filter=2)
            real_server.module("tunl_vip", device="tunl0", vips=[VIP]).changed()
            real_server.module("arp_sysctl", device="tunl0", rp_filter=2)
        self.directors: dict[str, Namespace] = {}

    def boot(self, name: str, services: Sequence[Options], sysctls: Options, daemons: Iterable[Options]) -> None:
        """A director that has just booted: the table and the daemons, no VIP and no connections.

        :param daemons: the options of M(lvs.cluster.ipvs_sync_daemon) for each of them
        """
        number = DIRECTORS[name]
        if name in self.directors:
            self.directors[name].restart()
        else:
            self.directors[name] = self._new_namespace()
        self.bridge.run("ip", "link", "del", f"p{number}", check=False)
        director = self.directors[name]
        on_one_bridge(self.bridge, {number: director})
        # A folder of a former life would have the module take its state for this one's.
        director.path("/var/lib/lvs.cluster/state.json").unlink(missing_ok=True)
        director.module("ipvs_sysctl", settings={"conn_reuse_mode": 3, **sysctls}).changed()
        director.module("ipvs_table", services=services).changed()
        for daemon in daemons:
            director.module("ipvs_sync_daemon", **daemon).changed()

    def take_over(self, name: str) -> None:
        """The director has the VIP from now on, and says so."""
        self.directors[name].module("tunl_vip", device="eth0", vips=[VIP], announce=True).changed()

    def give_up(self, name: str) -> None:
        """The director does not have the VIP any more, and its network is as before."""
        self.directors[name].module("tunl_vip", device="eth0", vips=[VIP], state="absent").changed()
        self.bridge.sh(f"ip link set p{DIRECTORS[name]} up")

    def cut(self, name: str) -> None:
        """Nothing reaches the director any more, and nothing leaves it."""
        self.bridge.sh(f"ip link set p{DIRECTORS[name]} down")

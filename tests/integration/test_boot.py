# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back when a host starts: all that modules made is there again, by the commands that the units have."""

from __future__ import annotations

import hashlib
import re
import subprocess
from typing import Any

import pytest

from .namespaces import Namespace

BOOT = "/var/lib/lvs.cluster/boot"
UNITS = ("lvs-cluster.service", "lvs-cluster-vips.service")
VIP, VIP6, RIP, RIP6 = "192.168.56.185", "2001:db8:56::185", "192.168.56.183", "2001:db8:56::183"
DIP = "192.168.56.181"

SERVICES: list[dict[str, Any]] = [
    {
        "vip": VIP,
        "port": 80,
        "scheduler": "wrr",
        "destinations": [
            {"rip": RIP, "weight": 3, "upper_threshold": 1000, "lower_threshold": 500},
            {"rip": "192.168.56.184", "weight": 0, "tunnel_type": "gue", "tunnel_port": 6080},
        ],
    },
    {"vip": VIP6, "port": 443, "scheduler": "sh", "persistence_timeout": 300, "persistence_netmask": "64"},
    {"fwmark": 7, "family": "ipv6", "scheduler": "mh", "scheduler_flags": ["fallback", "port"]},
]
KEYS = [{name: row[name] for name in ("vip", "port", "fwmark", "family") if name in row} for row in SERVICES]


def plug_in(host: Namespace) -> None:
    """The network that the host's own system gives it."""
    host.sh(
        "sysctl -qw net.ipv6.conf.all.disable_ipv6=0;"
        "ip link add eth0 address 02:00:00:00:00:01 type dummy; ip link set eth0 up;"
        f"ip address add {RIP}/24 dev eth0; ip address add {RIP6}/64 dev eth0 nodad"
    )


def starts(host: Namespace, *units: str) -> None:
    """Run what the units run, in their order."""
    for unit in units or UNITS:
        (command,) = re.findall(r"^ExecStart=(.*)$", host.path(f"/etc/systemd/system/{unit}").read_text(), re.MULTILINE)
        host.sh(f"PATH={host.path('/var/lib/programs')}:$PATH; {command}")


def looked_at(host: Namespace) -> list[str]:
    """All that there is, but for the numbers of devices, their order, and the addresses that the kernel draws by lot."""
    text = re.sub(r"(?m)^[0-9]+: (?=[a-z0-9]+[ :@])", "", host.snapshot())
    return sorted(re.sub(r" permaddr [0-9a-f:]+|fe80::[0-9a-f:]+", "", text).splitlines())


@pytest.fixture
def real_server(host: Namespace) -> Namespace:
    """Every kind of thing that a real server can have."""
    plug_in(host)
    host.module("tunnel_guard", sources=[DIP, "2001:db8:56::181"], gue_ports=[6080]).changed()
    for device in ("tunl0", "lo"):
        host.module("arp_sysctl", device=device, persist=True).changed()
    host.module("port_dnat", vip=VIP, port=8099, to_port=80).changed()
    host.module("mss_clamp", tunnels=[{"vip": VIP, "director": DIP}]).changed()
    devices = [
        {"device": "tunl0", "vips": [VIP], "tunnel_type": "gue", "tunnel_port": 6080, "mtu": 1400},
        {"device": "lvsgre", "tunnel_type": "gre", "tunnel_checksum": "checksum", "local": RIP, "vips": [VIP]},
        {"device": "lvs4in6", "tunnel_type": "ipip6", "local": RIP6},
        {"device": "ip6tnl0", "tunnel_type": "gue", "tunnel_port": 6081},
        {"device": "lo", "vips": [VIP6]},
    ]
    host.module("tunl_vip", devices=devices).changed()
    host.module("boot").changed()
    missing = host.path("/var/lib/programs/ipvsadm")  # as on a host that has none
    missing.parent.mkdir()
    missing.write_text("#!/bin/sh\necho not found >&2; exit 127\n")
    missing.chmod(0o755)
    return host


@pytest.fixture
def director(host: Namespace) -> Namespace:
    """Every kind of thing that a director can have, and somebody else's service."""
    plug_in(host)
    sysctls = {"expire_nodest_conn": 1, "sync_threshold": "0 0", "sync_refresh_period": 1}
    host.module("ipvs_sysctl", settings=sysctls, persist=True).changed()
    host.module("ipvs_table", services=SERVICES).changed()
    host.sh("ipvsadm -A -u 192.168.56.190:53 -s rr")
    host.module("ipvs_timeouts", tcp=800).changed()
    host.module("ipvs_sync_daemon", role="master", interface="eth0", sync_id=7, sync_maxlen=1).changed()
    host.module("ipvs_sync_daemon", role="backup", dip=RIP, sync_id=7).changed()
    host.module("tunl_vip", devices=[{"device": "eth0", "vips": [VIP, VIP6]}]).changed()
    host.module("boot", services=KEYS).changed()
    return host


def test_real_server_comes_back(real_server: Namespace) -> None:
    before = looked_at(real_server)
    real_server.restart()
    plug_in(real_server)
    assert VIP not in real_server.sh("ip -o address")
    starts(real_server, UNITS[0])
    assert VIP not in real_server.sh("ip -o address")
    assert "lvs_cluster" in real_server.sh("nft list ruleset")
    starts(real_server, UNITS[1])
    assert looked_at(real_server) == before
    starts(real_server)  # once more, by hand
    assert looked_at(real_server) == before
    real_server.module("boot").ok()
    real_server.module("boot", state="absent").changed()
    assert not real_server.path(BOOT).exists()


def test_director_comes_back(director: Namespace) -> None:
    director.sh("ipvsadm -D -u 192.168.56.190:53")
    director.module("ipvs_dest", rip=RIP, state="drained", drain_timeout=0).changed()
    before = looked_at(director)
    director.restart()
    plug_in(director)
    starts(director, UNITS[0])
    assert VIP not in director.sh("ip -o address")
    assert director.rules()
    starts(director, UNITS[1])
    assert looked_at(director) == before
    starts(director)
    assert looked_at(director) == before
    (restored,) = director.module("ipvs_dest", rip=RIP).changed()["destinations"]
    assert restored["weight"] == 3


def test_what_is_kept_follows_each_change(director: Namespace) -> None:
    rules = director.path(f"{BOOT}/ipvs")
    assert "192.168.56.190" not in rules.read_text()
    director.module("ipvs_dest", vip=VIP, port=80, rip=RIP, weight=9).changed()
    assert f"-a -t {VIP}:80 -r {RIP}:80 -i -w 9 -x 1000 -y 500\n" in rules.read_text()
    director.module("ipvs_timeouts", udp=99).changed()
    assert "--set 800 120 99\n" in rules.read_text()
    director.module("ipvs_service", fwmark=7, family="ipv6", state="absent").changed()
    assert "-f 7" not in rules.read_text()
    director.module("tunl_vip", device="eth0", vips=[VIP], state="absent").changed()
    vips = director.path(f"{BOOT}/vips").read_text()
    assert VIP not in vips
    assert VIP6 in vips
    director.module("boot", services=KEYS, check_mode=True).ok()
    # Those of another description: the others are there, and nobody said that they shall go.
    director.module("boot", services=KEYS[1:]).ok()
    assert f"-A -t {VIP}:80 " in rules.read_text()
    director.sh(f"ipvsadm -D -t {VIP}:80")
    director.module("boot", services=KEYS[1:]).changed()
    assert f"-A -t {VIP}:80 " not in rules.read_text()


def refusal(host: Namespace, unit: str) -> str:
    """What a unit says that fails."""
    with pytest.raises(subprocess.CalledProcessError) as refused:
        starts(host, unit)
    return str(refused.value.stderr)


def test_what_is_not_whole_is_not_loaded(director: Namespace) -> None:
    director.restart()
    plug_in(director)
    for part in ("ipvs", "devices", "nftables", "vips"):
        file = director.path(f"{BOOT}/{part}")
        whole = file.read_bytes()
        file.write_bytes(whole[:-40])
        before = looked_at(director)
        said = refusal(director, UNITS[1] if part == "vips" else UNITS[0])
        assert f"lvs.cluster: {part} is not whole: run the playbook lvs.cluster.site" in said
        assert looked_at(director) == before
        file.write_bytes(whole)
    # Whole, and no scheduler of the kernel's.
    file = director.path(f"{BOOT}/ipvs")
    body = file.read_text().rpartition("# sha256")[0].replace("-s wrr", "-s nosuch")
    file.write_text(f"{body}# sha256 {hashlib.sha256(body.encode()).hexdigest()}\n")
    assert "Scheduler or persistence engine not found" in refusal(director, UNITS[0])


def test_files_of_others_are_in_the_way(host: Namespace) -> None:
    unit = host.path(f"/etc/systemd/system/{UNITS[0]}")
    unit.write_text("[Unit]\n")
    message = host.module("boot").failed()
    assert f"state: /etc/systemd/system/{UNITS[0]} is there and was not made by this collection: move it away" in message
    assert not host.path(BOOT).exists()
    host.module("boot", state="absent").ok()
    assert unit.read_text() == "[Unit]\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vips_after": ["nginx"]}, "vips_after: 'nginx' is not a unit's name: write one like nginx.service"),
        ({"services": [{"vip": VIP}]}, "services[0], port: is missing: a service with a vip needs its port"),
    ],
)
def test_bad_input(host: Namespace, options: dict[str, Any], message: str) -> None:
    before = host.snapshot()
    assert message in host.module("boot", **options).failed()
    assert host.snapshot() == before

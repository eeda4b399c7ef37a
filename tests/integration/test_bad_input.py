# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input: a message that names the option and the way out, and a host that is as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .managed_host import PYTHON
from .namespaces import Namespace

SERVICE: dict[str, Any] = {"vip": "192.168.56.185", "port": 80}
DEST: dict[str, Any] = {**SERVICE, "rip": "192.168.56.183"}
MAPPING: dict[str, Any] = {"vip": "192.168.56.186", "port": 8099, "to_port": 80}
CLAMP: dict[str, Any] = {"vip": "192.168.56.186", "director": "192.168.56.181"}

CASES: list[tuple[str, dict[str, Any], str]] = [
    ("ipvs_service", {**SERVICE, "vip": "192.168.56.300"}, "vip: '192.168.56.300' is not an IP address: write one like"),
    ("ipvs_service", {**SERVICE, "vip": "224.0.0.1"}, "vip: 224.0.0.1 is not a unicast address"),
    ("ipvs_service", {**SERVICE, "port": 0}, "port: 0 takes every port, for which the service has to be persistent"),
    ("ipvs_service", {**SERVICE, "port": 65536}, "port: 65536 is not in 0..65535"),
    ("ipvs_service", {**SERVICE, "port": "http"}, "port"),
    ("ipvs_service", {"vip": "192.168.56.185"}, "port: is missing: a service with a vip needs its port"),
    ("ipvs_service", {**SERVICE, "protocol": "icmp"}, "protocol"),
    ("ipvs_service", {"vip": "192.168.56.185", "fwmark": 7}, "fwmark: 7 cannot go with vip=192.168.56.185"),
    ("ipvs_service", {"port": 80}, "vip: is missing: name the service by vip and port, or by fwmark"),
    ("ipvs_service", {"fwmark": 0}, "fwmark: 0 is not in 1..4294967295"),
    ("ipvs_service", {**SERVICE, "port": 81, "scheduler": "wrrr"}, "the module ip_vs_wrrr could not be loaded"),
    ("ipvs_service", {**SERVICE, "scheduler": "wrrr"}, "the module ip_vs_wrrr could not be loaded"),
    ("ipvs_service", {**SERVICE, "scheduler": "a b"}, "scheduler: 'a b' is not a scheduler's name"),
    ("ipvs_dest", {**DEST, "rip": "fe80::1"}, "rip: fe80::1 is a link-local address, which can be neither a RIP nor"),
    ("ipvs_dest", {**DEST, "rip": "fe80::1%eth0"}, "rip: fe80::1%eth0 is a link-local address with a scope"),
    ("ipvs_dest", {**DEST, "rip": "rs1"}, "rip: 'rs1' is not an IP address"),
    ("ipvs_dest", {**DEST, "rip": "192.168.56.185"}, "rip: 192.168.56.185 is the VIP itself"),
    (
        "ipvs_dest",
        {**DEST, "rip": "2001:db8::3", "forward": "route"},
        "rip: 2001:db8::3 is not an IPv4 address as the service's is",
    ),
    ("ipvs_dest", {**DEST, "rip": "192.168.56.255"}, "rip: the kernel does not take 192.168.56.255"),
    ("ipvs_dest", {**DEST, "weight": -1}, "weight: -1 is not in 0..2147483647"),
    ("ipvs_dest", {**DEST, "rport": 0}, "rport: 0 is not in 1..65535"),
    ("ipvs_dest", {**DEST, "rport": 8080}, "lvs.cluster.port_dnat"),
    ("ipvs_dest", {**DEST, "rport": 8080, "forward": "route"}, "lvs.cluster.port_dnat"),
    ("ipvs_dest", {**DEST, "forward": "nat"}, "forward"),
    ("ipvs_dest", {**DEST, "port": 443}, "-t 192.168.56.185:443 does not exist: create it with lvs.cluster.ipvs_service"),
    ("ipvs_dest", {**DEST, "fwmark": 7}, "fwmark: 7 cannot go with vip"),
    ("ipvs_service", {**SERVICE, "one_packet": True}, "one_packet: true is for udp alone"),
    ("ipvs_service", {**SERVICE, "persistence_timeout": 2678401}, "persistence_timeout: 2678401 is not in 0..2678400"),
    ("ipvs_service", {**SERVICE, "persistence_netmask": "24"}, "needs persistence: set persistence_timeout"),
    (
        "ipvs_service",
        {**SERVICE, "persistence_timeout": 1, "persistence_netmask": "0.0.0.255"},
        "persistence_netmask: 0.0.0.255 has a gap: write a mask like 255.255.255.0",
    ),
    (
        "ipvs_service",
        {**SERVICE, "persistence_timeout": 1, "persistence_engine": "sip"},
        "persistence_engine: sip is for udp alone",
    ),
    ("ipvs_service", {**SERVICE, "scheduler_flags": ["port"]}, "scheduler_flags: port is a flag of the schedulers sh and mh"),
    ("ipvs_service", {**SERVICE, "family": "ipv6"}, "family: ipv6 is not that of vip=192.168.56.185"),
    ("ipvs_dest", {**DEST, "lower_threshold": 5}, "lower_threshold: 5 is above upper_threshold=0"),
    ("ipvs_dest", {**DEST, "tunnel_type": "gue"}, "tunnel_port: is missing: tunnel_type=gue needs the UDP port"),
    ("ipvs_dest", {**DEST, "tunnel_port": 6080}, "tunnel_port: 6080 is for tunnel_type=gue"),
    ("ipvs_dest", {**DEST, "tunnel_checksum": "checksum"}, "tunnel_checksum: checksum is not for tunnel_type=ipip"),
    ("ipvs_dest", {**DEST, "forward": "route", "tunnel_type": "gre"}, "tunnel_type: gre is for forward=tunnel"),
    (
        "ipvs_table",
        {"services": [{**SERVICE, "scheduler": "rr"}, SERVICE]},
        "services[1]: -t 192.168.56.185:80 is services[0]",
    ),
    (
        "ipvs_table",
        {"services": [{**SERVICE, "shceduler": "rr"}]},
        "services[0], shceduler: 'rr' is an unknown option: valid options are",
    ),
    (
        "ipvs_table",
        {"services": [SERVICE, {"vip": "x", "port": 0, "destinations": [{"rip": "192.168.56.300"}]}, 7]},
        "services",
    ),
    (
        "ipvs_table",
        {
            "services": [
                {**SERVICE, "destinations": [{"rip": "192.168.56.183"}, {"rip": "192.168.56.184", "weight": 1 << 31}]}
            ]
        },
        "services[0], destinations[1], weight: 2147483648 is not in 0..2147483647",
    ),
    (
        "ipvs_table",
        {"services": [{**SERVICE, "destinations": [{"rip": "192.168.56.183", "rport": 8080}]}]},
        "services[0], destinations[0], rport: 8080 differs from the service's port 80",
    ),
    ("ipvs_table", {"services": [], "purge_networks": ["192.168.56.0/24"]}, "means nothing with purge=none: leave it out"),
    (
        "ipvs_table",
        {"services": [], "purge": "services", "purge_networks": ["192.168.56.1/24"]},
        "purge_networks: '192.168.56.1/24' is not a network",
    ),
    ("ipvs_timeouts", {}, "tcp: is missing: name at least one of tcp, tcp_fin, udp"),
    ("ipvs_timeouts", {"tcp": 0}, "tcp: 0 is not in 1..2678400"),
    ("ipvs_timeouts", {"udp": 2678401}, "udp: 2678401 is not in 0..2678400"),
    ("ipvs_sync_daemon", {"role": "master"}, "interface: is missing: name the device that reaches the other director"),
    ("ipvs_sync_daemon", {"role": "slave", "interface": "eth0"}, "role"),
    ("ipvs_sync_daemon", {"role": "master", "interface": "eth9"}, "interface: eth9 does not exist: this host has "),
    ("ipvs_sync_daemon", {"role": "master", "interface": "eth0", "sync_id": 256}, "sync_id: 256 is not in 0..255"),
    (
        "ipvs_sync_daemon",
        {"role": "master", "interface": "eth0", "sync_maxlen": 65508},
        "sync_maxlen: 65508 is not in 1..65507",
    ),
    ("ipvs_sync_daemon", {"role": "master", "interface": "eth0", "ttl": 0}, "ttl: 0 is not in 1..255"),
    ("ipvs_sync_daemon", {"role": "master", "interface": "eth0", "group": "10.0.0.1"}, "group: 10.0.0.1 is not a multicast"),
    (
        "ipvs_sysctl",
        {"settings": {"expire_nodest": 1}},
        "settings: expire_nodest is no setting of this kernel's IPVS: it has am_",
    ),
    ("ipvs_sysctl", {"settings": {"../../ipv4/ip_forward": 1}}, "is for a name that no setting has"),
    ("ipvs_sysctl", {"settings": {"conntrack": "yes"}}, "settings, conntrack: 'yes' is not a number"),
    ("vip_probe", {}, "vip: is missing: name the VIP and its port, or use services or through"),
    ("vip_probe", {**SERVICE, "requests": 0}, "requests: 0 is not in 1..100000"),
    ("vip_probe", {**SERVICE, "identify": "rs"}, "identify: 'rs' has to have one group"),
    ("vip_probe", {**SERVICE, "through": [DEST]}, "vip: 192.168.56.185 stands beside through"),
    ("vip_probe", {"through": [{**DEST, "tunnel_type": "gue"}]}, "through[0] (192.168.56.183), tunnel_port: is missing"),
    ("vip_probe", {"through": [DEST, {**DEST, "rip": "rs1"}]}, "through[1] (rs1), rip: 'rs1' is not an IP address"),
    ("tunl_vip", {"vip": "192.168.56"}, "vip: '192.168.56' is not an IP address"),
    ("tunl_vip", {"vip": "127.0.0.1", "device": "lo"}, "vip: 127.0.0.1 is a loopback address, which every host has"),
    ("tunl_vip", {"vip": "2001:db8::1"}, "vips: of IPv6 cannot be on tunl0, which carries IPv4: use sit0, ip6tnl0 or lo"),
    ("tunl_vip", {"device": "own", "tunnel_type": "gre"}, "local: is missing: own is no fallback device"),
    ("tunl_vip", {"device": "own", "tunnel_type": "sit", "local": "2001:db8::1"}, "tunnel_type=sit runs over IPv4"),
    ("tunl_vip", {"device": "gre0", "tunnel_type": "ipip"}, "tunnel_type: ipip is not for gre0"),
    ("tunl_vip", {"tunnel_type": "gue"}, "tunnel_port: is missing: tunnel_type=gue needs the UDP port"),
    ("tunl_vip", {"tunnel_port": 6080}, "tunnel_port: 6080 is for tunnel_type=gue"),
    ("tunl_vip", {"device": "eth0", "local": "192.168.56.181"}, "local: 192.168.56.181 is for tunnel devices"),
    ("tunl_vip", {"devices": [{"device": "tunl0"}, {"device": "tunl0"}]}, "devices[1], device: tunl0 is devices[0] already"),
    ("tunl_vip", {"devices": [{"device": "tunl0", "vips": ["x"]}]}, "devices[0], vip: 'x' is not an IP address"),
    ("tunl_vip", {"devices": [], "vip": "192.168.56.186"}, "cannot be combined with devices: set it for one of them"),
    ("tunl_vip", {"vip": "192.168.56.186", "device": "eth9"}, "device: eth9 does not exist: this host has lo"),
    ("tunl_vip", {"vip": "192.168.56.200"}, "device: tunl0 cannot hold 192.168.56.200, which is on eth0: choose another"),
    ("tunl_vip", {"vip": "192.168.56.186", "device": "a/b"}, "device: 'a/b' is not a device name"),
    ("arp_sysctl", {"device": "eth9"}, "device: eth9 does not exist: this host has "),
    ("arp_sysctl", {"device": "all"}, "device: all is not a device"),
    ("arp_sysctl", {"arp_ignore": 9}, "arp_ignore: 9 is not in 0..8"),
    ("arp_sysctl", {"arp_announce": -1}, "arp_announce: -1 is not in 0..2"),
    ("arp_sysctl", {"rp_filter": 3}, "rp_filter"),
    ("port_dnat", {**MAPPING, "vip": "x"}, "vip: 'x' is not an IP address"),
    ("port_dnat", {**MAPPING, "port": 0}, "port: 0 is not in 1..65535"),
    ("port_dnat", {**MAPPING, "to_port": 65536}, "to_port: 65536 is not in 1..65535"),
    ("port_dnat", {**MAPPING, "to_port": 8099}, "to_port: 8099 is the port itself"),
    ("port_dnat", {"vip": "192.168.56.186", "port": 8099}, "to_port: is missing: name the port that answers"),
    ("port_dnat", {}, "vip: is missing: name one mapping by vip, port and to_port, or several of them as mappings"),
    ("port_dnat", {**MAPPING, "mappings": []}, "vip: 192.168.56.186 cannot go with mappings: write it into a row of them"),
    ("port_dnat", {"mappings": [MAPPING, {**MAPPING, "to_port": 0}]}, "mappings[1], to_port: 0 is not in 1..65535"),
    ("port_dnat", {"mappings": [MAPPING, MAPPING]}, "mappings[1]: 192.168.56.186 . tcp . 8099 is mappings[0] already"),
    ("port_dnat", {"mappings": [{**MAPPING, "tport": 1}]}, "mappings[0], tport: 1 is an unknown option: valid options are"),
    ("port_dnat", {**MAPPING, "state": "absent", "purge": True}, "purge: true cannot go with state=absent"),
    ("tunnel_guard", {}, "sources: is missing: name the directors' addresses"),
    ("tunnel_guard", {"sources": []}, "sources: [] is empty: name the directors' addresses"),
    ("tunnel_guard", {"sources": ["192.168.56.0/24"]}, "sources: '192.168.56.0/24' is not an IP address"),
    ("tunnel_guard", {"sources": ["192.168.56.181"], "protocols": [6]}, "protocols"),
    ("tunnel_guard", {"sources": ["192.168.56.181"], "gue_ports": [65536]}, "gue_ports: 65536 is not in 1..65535"),
    ("tunnel_guard", {"state": "absent", "purge": True}, "purge: true cannot go with state=absent"),
    ("mss_clamp", {}, "tunnels: is missing: name the VIPs and the directors"),
    ("mss_clamp", {"tunnels": [{"vip": "192.168.56.186"}]}, "tunnels[0], director: is missing: name the address that"),
    ("mss_clamp", {"tunnels": [CLAMP, {**CLAMP, "path_mtu": 575}]}, "tunnels[1], path_mtu: 575 is not in 576..65535"),
    ("mss_clamp", {"tunnels": [{**CLAMP, "path_mtu": 590}]}, "path_mtu: 590 leaves segments of 530 bytes"),
    ("mss_clamp", {"tunnels": [{**CLAMP, "director": "203.0.113.1"}]}, "director: 203.0.113.1 is not reached by any route"),
    ("mss_clamp", {"tunnels": [{**CLAMP, "tunnel_checksum": "checksum"}]}, "checksum is not for tunnel_type=ipip"),
    ("preflight", {"vips": ["192.168.56.185", "224.0.0.1"]}, "vips[1], vip: 224.0.0.1 is not a unicast address"),
    ("preflight", {"paths": [{"rip": "rs1"}]}, "paths[0] (rs1), rip: 'rs1' is not an IP address"),
    ("preflight", {"paths": [{"rip": "192.168.56.183", "mtu": 575}]}, "(192.168.56.183), mtu: 575 is not in 576..65535"),
    ("preflight", {"paths": [{"rip": "192.168.56.183", "inner": [5]}]}, "inner: 5 is not an address family: write 4 or 6"),
    ("preflight", {"sources": ["224.0.0.1"]}, "sources[0]: 224.0.0.1 is not a unicast address"),
    ("preflight", {"timeout": 31}, "timeout: 31.0 is not in 0.1..30 seconds"),
    ("batch", {}, "missing required arguments: steps"),
    ("batch", {"steps": ["tunl_vip"]}, "dictionary"),
    ("batch", {"steps": [{"ipvs_info": {}}]}, "steps[0]: 'ipvs_info' is not a module that can be a step"),
    (
        "batch",
        {"steps": [{"arp_sysctl": {}}, {"tunl_vip": {"vip": "x"}}]},
        "steps[1] tunl_vip, vip: 'x' is not an IP address",
    ),
    ("batch", {"steps": [{"arp_sysctl": {"device": "eth9"}}]}, "steps[0] arp_sysctl: device: eth9 does not exist"),
]


@pytest.fixture(scope="module")
def lasting_host(new_lasting_namespace: Callable[[], Namespace]) -> tuple[Namespace, str]:
    """One host for all cases, and what it looks like: no case may change it."""
    host = new_lasting_namespace()
    host.sh("ip link add eth0 type dummy; ip address add 192.168.56.181/24 brd + dev eth0; ip link set eth0 up")
    host.sh("ip address add 192.168.56.200/32 dev eth0")
    host.sh("ipvsadm -A -t 192.168.56.185:80 -s rr; ipvsadm -a -t 192.168.56.185:80 -r 192.168.56.190 -i")
    return host, host.snapshot()


@pytest.mark.parametrize(("module", "options", "message"), CASES)
def test_bad_value(lasting_host: tuple[Namespace, str], module: str, options: dict[str, Any], message: str) -> None:
    host, before = lasting_host
    assert message in host.module(module, **options).failed()
    assert host.snapshot() == before


NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", PYTHON)


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("module", "options", "even_to_read"),
    [
        ("ipvs_service", SERVICE, True),
        ("ipvs_dest", DEST, True),
        ("ipvs_table", {"services": [SERVICE]}, True),
        ("ipvs_info", {}, True),
        ("ipvs_timeouts", {"tcp": 1}, True),
        ("ipvs_sync_daemon", {"role": "master", "interface": "eth0"}, True),
        ("ipvs_sysctl", {"settings": {"conntrack": 1}}, False),
        ("tunl_vip", {"vip": "192.168.56.186"}, False),
        ("arp_sysctl", {}, False),
        ("port_dnat", MAPPING, True),
        ("preflight", {"vips": ["192.168.56.185"]}, True),
        ("tunnel_guard", {"sources": ["192.168.56.181"]}, True),
        ("mss_clamp", {"tunnels": [CLAMP]}, True),
        ("batch", {"steps": [{"arp_sysctl": {}}]}, False),
    ],
)
def test_not_root(
    lasting_host: tuple[Namespace, str], module: str, options: dict[str, Any], even_to_read: bool, check_mode: bool
) -> None:
    host, before = lasting_host
    result = host.module(module, python=NOBODY, check_mode=check_mode, **options)
    if check_mode and not even_to_read:
        result.changed()
    else:
        assert "needs root: run the task with 'become: true'" in result.failed()
    assert host.snapshot() == before


@pytest.mark.parametrize(
    ("module", "options", "package"),
    [
        ("tunl_vip", {"vip": "192.168.56.186"}, "python3-pyroute2"),
        ("port_dnat", MAPPING, "python3-nftables"),
        ("mss_clamp", {"tunnels": [CLAMP]}, "python3-nftables"),
    ],
)
def test_missing_library(lasting_host: tuple[Namespace, str], module: str, options: dict[str, Any], package: str) -> None:
    host, before = lasting_host
    without_packages = (PYTHON, "-S")  # no site directories: what Debian's packages installed is not found
    message = host.module(module, python=without_packages, **options).failed()
    # Another Python of the host may have it.
    way_out = f"install {package}" if PYTHON == "/usr/bin/python3" else "set ansible_python_interpreter to /usr/bin/python3"
    assert way_out in message
    assert PYTHON.rsplit("/", 1)[-1] in message
    predicted = host.module(module, python=without_packages, check_mode=True, **options).changed()
    assert way_out in str(predicted["warnings"])
    assert host.snapshot() == before


def test_state_file_that_is_not_readable(host: Namespace) -> None:
    state = host.path("/var/lib/lvs.cluster/state.json")
    state.parent.mkdir()
    state.write_text("{")
    before = host.snapshot()
    assert "/var/lib/lvs.cluster/state.json: not readable as JSON" in host.module("arp_sysctl").failed()
    assert host.snapshot() == before

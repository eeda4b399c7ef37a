# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random tables, held against two readers that are not ours: ipvsadm, and pyroute2 where it decodes rightly."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Transition, reconcile
from ansible_collections.lvs.cluster.plugins.module_utils._core.resource import Desired
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_table import DesiredTable, IpvsTable
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.kernel import TableBackend
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import FORWARDS, Destination, Service
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import SCHEDULER_FLAGS, SCHEDULERS
from ansible_collections.lvs.cluster.plugins.module_utils._net.tunnel import CHECKSUMS
from tests.unit.helpers import applied

from .managed_host import TIMEOUT
from .namespaces import Namespace

_CLONE_NEWNET = 0x40000000
# Each example is a table on a real kernel; the lab's has no hurry.
on_a_kernel = settings(
    max_examples=100, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

Row = dict[str, Any]


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Be within a network namespace, with this thread and the programs that it starts."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(descriptor: int) -> None:
        if libc.setns(descriptor, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    other = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        enter(other)
        yield
    finally:
        enter(own)
        os.close(own)
        os.close(other)


@pytest.fixture(scope="module", autouse=True)
def director(new_lasting_namespace: Callable[[], Namespace]) -> Iterator[None]:
    """All of these tests run within one namespace."""
    namespace = new_lasting_namespace()
    namespace.sh("ip link add eth0 type dummy; ip address add 192.168.56.181/24 dev eth0; ip link set eth0 up")
    with inside(namespace.name):
        yield


def program(*command: str, stdin: str | None = None) -> str:
    """What a program prints."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


# ----- random descriptions, as a user may write them

four = st.integers(1, 0xFFFD).map(lambda number: str(ip_address("10.1.0.0") + number))
six = st.integers(1, 0xFFFD).map(lambda number: str(ip_address("2001:db8::") + number))


@st.composite
def destination_rows(draw: st.DrawFn, service: Row, family: int) -> Row:
    """A real server of the service."""
    forward = draw(st.sampled_from(list(FORWARDS)))
    own, other = (four, six) if family == 4 else (six, four)
    row: Row = {"rip": draw(own), "forward": forward, "weight": draw(st.integers(0, 0x7FFFFFFF))}
    if draw(st.booleans()):
        row["upper_threshold"] = draw(st.integers(0, 0x7FFFFFFF))
        row["lower_threshold"] = draw(st.integers(0, row["upper_threshold"]))
    if forward == "masquerade" and service.get("port") != 0 and draw(st.booleans()):
        row["rport"] = draw(st.integers(1, 65535))
    if forward == "tunnel":
        if draw(st.booleans()):
            row["rip"] = draw(other)
        row["tunnel_type"] = draw(st.sampled_from(["ipip", "gue", "gre"]))
        if row["tunnel_type"] == "gue":
            row["tunnel_port"] = draw(st.integers(1, 65535))
            row["tunnel_checksum"] = draw(st.sampled_from(list(CHECKSUMS)))
        elif row["tunnel_type"] == "gre":
            row["tunnel_checksum"] = draw(st.sampled_from(["none", "checksum"]))
    return row


@st.composite
def service_rows(draw: st.DrawFn) -> Row:
    """A service with its real servers."""
    family = draw(st.sampled_from([4, 6]))
    row: Row
    if draw(st.integers(0, 3)) == 0:
        row = {"fwmark": draw(st.integers(1, 0xFFFFFFFF)), "family": f"ipv{family}"}
        udp = True
    else:
        protocol = draw(st.sampled_from(["tcp", "udp", "sctp"]))
        vip = draw(st.integers(1, 5).map(lambda number: f"192.0.2.{number}" if family == 4 else f"2001:db8:1::{number}"))
        row = {"vip": vip, "port": draw(st.sampled_from([0, 1, 80, 65535])), "protocol": protocol}
        udp = protocol == "udp"
    row["scheduler"] = draw(st.sampled_from([name for name in SCHEDULERS if name != "twos"]))
    # Of sh and mh, ipvsadm does not print flag-3, which they do not know.
    flags = SCHEDULER_FLAGS[:4] if row["scheduler"] in ("sh", "mh") else SCHEDULER_FLAGS[2:]
    row["scheduler_flags"] = draw(st.lists(st.sampled_from(flags), max_size=3))
    if row.get("port") == 0 or draw(st.booleans()):
        row["persistence_timeout"] = draw(st.integers(1, 2678400))
        if draw(st.booleans()):
            row["persistence_netmask"] = str(draw(st.integers(1, 32 if family == 4 else 128)))
        if udp and draw(st.booleans()):
            row["persistence_engine"] = "sip"
    if udp:
        row["one_packet"] = draw(st.booleans())
    row["destinations"] = draw(
        st.lists(destination_rows(row, family), max_size=5, unique_by=lambda server: (server["rip"], server.get("rport")))
    )
    # A port that is given and the service's own are the same.
    own = {(server["rip"], server.get("rport", row.get("port"))): server for server in row["destinations"]}
    row["destinations"] = list(own.values())
    return row


def _name(row: Row) -> tuple[Any, ...]:
    return tuple(row.get(option) for option in ("vip", "port", "protocol", "fwmark", "family"))


tables = st.lists(service_rows(), max_size=5, unique_by=_name)


def parsed(rows: list[Row]) -> DesiredTable:
    """What the module ipvs_table reads of its options: the whole table."""
    options = {"services": rows, "purge": "services", "purge_networks": None, "keep_weights": False, "keep_drained": True}
    return IpvsTable().parse({**options, "unprepared": []})


def plan(rows: list[Row], backend: TableBackend) -> Transition[Any, Any, None]:
    """What there is, and what has to change, as the module finds them out."""
    desired = parsed(rows)
    seen = backend.read(desired)
    wanted = IpvsTable().plan(desired, seen)
    return Transition(wanted, seen, reconcile(wanted, seen))


def converge(rows: list[Row]) -> dict[Any, Any]:
    """Have exactly this table; gives what the plan said that there will be."""
    with TableBackend(whole=True) as backend:
        transition = plan(rows, backend)
        backend.apply(transition)
    return applied(list(transition.changes), dict(transition.seen.items))


# ----- what other programs see


def rules(items: dict[Any, Any]) -> list[str]:
    """Items as ipvsadm saves them: without thresholds, `local` as if it were `route`, a mark as a signed number."""
    lines = []
    for item in items.values():
        line = item.rule().split(" -x ")[0].replace(" --local ", " -g ")
        mark = item.key.fwmark if isinstance(item, Service) else item.key.service.fwmark
        lines.append(line.replace(f"-f {mark} ", f"-f {_signed(mark)} "))
    return sorted(lines)


def _signed(mark: int) -> int:
    return mark - (1 << 32) if mark > 0x7FFFFFFF else mark


def saved() -> list[str]:
    """The table, as ipvsadm saves it; 1.31 writes the tunnel's type even where it is the default."""
    return sorted(line.replace(" --tun-type ipip", "").strip() for line in program("ipvsadm", "-Sn").splitlines())


def limits(items: dict[Any, Any]) -> list[tuple[str, str, str]]:
    """The thresholds of each destination, as ipvsadm lists them."""
    return sorted(
        (
            item.rule().split(" -r ")[1].split()[0],
            str(item.upper_threshold),
            str(item.lower_threshold),
        )
        for item in items.values()
        if isinstance(item, Destination)
    )


def listed_limits() -> list[tuple[str, str, str]]:
    """The thresholds of each destination, from ipvsadm."""
    found = []
    for line in program("ipvsadm", "-Ln", "--thresholds", "--exact").splitlines():
        if line.startswith("  ->") and "RemoteAddress" not in line:
            _arrow, endpoint, upper, lower, *_connections = line.split()
            found.append((endpoint, upper, lower))
    return sorted(found)


@given(tables, tables)
@on_a_kernel
def test_ipvsadm_sees_what_was_wanted(before: list[Row], wanted: list[Row]) -> None:
    """From nothing, and from any other table; as predicted, and with nothing left to do."""
    program("ipvsadm", "-C")
    for rows in (before, wanted):
        predicted = converge(rows)
        assert saved() == rules(predicted)
        assert listed_limits() == limits(predicted)
        with TableBackend(whole=True) as backend:
            transition = plan(rows, backend)
        assert (transition.seen.items, transition.changes) == (predicted, [])


@given(tables)
@on_a_kernel
def test_what_ipvsadm_makes_is_read_back(rows: list[Row]) -> None:
    """Every value of every option that ipvsadm has."""
    items = {}
    for wanted in parsed(rows).wanted:
        item: Any = wanted.new
        # It has no switch for these.
        if not (isinstance(item, Destination) and item.forward == "local"):
            items[wanted.key] = item
    program("ipvsadm", "-C")
    program("ipvsadm", "--restore", stdin="".join(f"{item.rule()}\n" for item in items.values()))
    with TableBackend(whole=True) as backend:
        assert backend.read(Desired([])).items == items


def test_mask_with_a_hole_is_read_back() -> None:
    """The kernel and ipvsadm take it, so another program may have made it."""
    program("ipvsadm", "-C")
    rule = "-A -t 192.0.2.1:80 -s rr -p 60 -M 255.0.255.0"
    program("ipvsadm", "--restore", stdin=f"{rule}\n")
    with TableBackend(whole=True) as backend:
        assert [item.rule() for item in backend.read(Desired([])).items.values()] == [rule]


# What pyroute2 0.9.7 decodes rightly: not the netmask of IPv6, not the tunnel's port, no address of a service by mark.
_READ = """
import json
from pyroute2.netlink import NLM_F_DUMP, NLM_F_REQUEST
from pyroute2.netlink.generic.ipvs import IPVS_CMD_GET_DEST, IPVS_CMD_GET_SERVICE, IPVSSocket, ipvsmsg

def ask(ipvs, command, service=None):
    message = ipvsmsg()
    message["cmd"], message["version"] = command, 1
    if service is not None:
        message["attrs"] = [("IPVS_CMD_ATTR_SERVICE", {"attrs": service})]
    return list(ipvs.nlm_request(message, msg_type=ipvs.prid, msg_flags=NLM_F_REQUEST | NLM_F_DUMP))

NAMES = ["AF", "PROTOCOL", "ADDR", "PORT", "FWMARK"]
found = []
with IPVSSocket() as ipvs:
    for answer in ask(ipvs, IPVS_CMD_GET_SERVICE):
        service = answer.get_attr("IPVS_CMD_ATTR_SERVICE")
        key = [("IPVS_SVC_ATTR_" + name, service.get_attr("IPVS_SVC_ATTR_" + name)) for name in NAMES]
        key = [one for one in key if one[1] is not None]
        row = [service.get_attr("IPVS_SVC_ATTR_" + name) for name in (*NAMES, "SCHED_NAME", "PE_NAME")]
        row.append(service.get_attr("IPVS_SVC_ATTR_FLAGS")["flags"] & ~2)
        destinations = []
        for one in ask(ipvs, IPVS_CMD_GET_DEST, key):
            destination = one.get_attr("IPVS_CMD_ATTR_DEST")
            names = ["ADDR", "PORT", "FWD_METHOD", "WEIGHT", "U_THRESH", "L_THRESH", "ADDR_FAMILY"]
            destinations.append([destination.get_attr("IPVS_DEST_ATTR_" + name) for name in names])
        found.append([row, sorted(destinations)])
print(json.dumps(sorted(found, key=str)))
"""


def as_pyroute2_reads(items: dict[Any, Any]) -> list[Any]:
    """The same of what we read, in the numbers of include/uapi/linux/ip_vs.h."""
    af, protocols = {4: 2, 6: 10}, {"tcp": 6, "udp": 17, "sctp": 132, None: None}
    methods = {"masquerade": 0, "local": 1, "tunnel": 2, "route": 3}
    found = []
    for service in items.values():
        if not isinstance(service, Service):
            continue
        key = service.key
        marked = key.vip is None
        flags = service.scheduler_flags | bool(service.persistence_timeout) | 4 * service.one_packet
        row = [af[key.family], protocols[key.protocol], None if marked else str(key.vip), None if marked else key.port]
        row += [key.fwmark or None, service.scheduler, service.persistence_engine or None, flags]
        destinations = sorted(
            [
                str(item.key.rip),
                item.key.port,
                methods[item.forward],
                item.weight,
                item.upper_threshold,
                item.lower_threshold,
                af[item.key.rip.version],
            ]
            for item in items.values()
            if isinstance(item, Destination) and item.key.service == key
        )
        found.append([row, destinations])
    return sorted(found, key=str)


@given(st.lists(tables, min_size=3, max_size=3).map(lambda three: [row for rows in three for row in rows]))
@settings(on_a_kernel, max_examples=5)
def test_pyroute2_reads_the_same(rows: list[Row]) -> None:
    """An independent decoder, on the raw attributes."""
    program("ipvsadm", "-C")
    items = converge(list({_name(row): row for row in rows}.values()))
    assert json.loads(program(sys.executable, "-c", _READ)) == as_pyroute2_reads(items)

# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole table in one task: what it changes, what it leaves alone, and what a client notices."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from .managed_host import PYTHON
from .namespaces import Namespace, on_one_bridge, web_server

WEB: dict[str, Any] = {"vip": "192.168.56.185", "port": 80, "scheduler": "wrr"}
RS1: dict[str, Any] = {"rip": "192.168.56.183"}
RS2: dict[str, Any] = {"rip": "192.168.56.184"}
TABLE = [
    {**WEB, "destinations": [{**RS1, "weight": 2}, RS2]},
    {"vip": "192.168.56.187", "port": 80, "destinations": [{**RS2, "rport": 8080, "forward": "masquerade"}]},
]
RULES = [
    "-A -t 192.168.56.185:80 -s wrr",
    "-a -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 2",
    "-a -t 192.168.56.185:80 -r 192.168.56.184:80 -i -w 1",
    "-A -t 192.168.56.187:80 -s wlc",
    "-a -t 192.168.56.187:80 -r 192.168.56.184:8080 -m -w 1",
]
# Of other programs: one outside the network that is ours, one in it, one by mark.
FOREIGN = [
    "-A -t 192.0.2.1:443 -s sh -p 300",
    "-a -t 192.0.2.1:443 -r 192.168.56.190:443 -g -w 5",
    "-A -t 192.168.56.199:25 -s rr",
    "-A -f 7 -s rr",
    "-a -f 7 -r 192.168.56.190:0 -g -w 1",
]


@pytest.fixture
def director(host: Namespace) -> Namespace:
    """A host with a route to the real servers, and services that other programs made."""
    host.sh("ip link add eth0 type dummy; ip address add 192.168.56.181/24 brd + dev eth0; ip link set eth0 up")
    host.run("ipvsadm", "--restore", input="".join(f"{rule}\n" for rule in FOREIGN))
    return host


def test_from_nothing_to_nothing(director: Namespace) -> None:
    made = director.module("ipvs_table", services=TABLE).changed()
    assert made["commands"] == [f"ipvsadm {rule}" for rule in RULES]
    assert made["diff"] == {"before": "", "after": "".join(f"{rule}\n" for rule in RULES)}
    assert sorted(director.rules()) == sorted([*FOREIGN, *RULES])
    director.module("ipvs_table", services=TABLE).ok()

    gone = [{**service, "state": "absent"} for service in TABLE]
    director.module("ipvs_table", services=gone).changed()
    assert sorted(director.rules()) == sorted(FOREIGN)
    director.module("ipvs_table", services=gone).ok()


def test_changes_in_place_and_in_order(director: Namespace) -> None:
    """What takes connections comes first, then who gives them up, then who goes; the diff has each next to its service."""
    director.module("ipvs_table", services=TABLE).changed()
    wanted = [{**WEB, "scheduler": "wlc", "destinations": [{**RS2, "weight": 0}, {"rip": "192.168.56.182"}]}]
    changed = director.module("ipvs_table", services=wanted, purge="destinations").changed()
    assert changed["commands"] == [
        "ipvsadm -E -t 192.168.56.185:80 -s wlc",
        "ipvsadm -a -t 192.168.56.185:80 -r 192.168.56.182:80 -i -w 1",
        "ipvsadm -e -t 192.168.56.185:80 -r 192.168.56.184:80 -i -w 0",
        "ipvsadm -d -t 192.168.56.185:80 -r 192.168.56.183:80",
    ]
    assert [change["command"] for change in changed["changes"]] == changed["commands"]
    assert [(change["action"], change["kind"]) for change in changed["changes"]] == [
        ("set", "service"), ("add", "destination"), ("set", "destination"), ("remove", "destination"),
    ]  # fmt: skip
    web = {"vip": "192.168.56.185", "port": 80, "protocol": "tcp"}
    assert [change["key"] for change in changed["changes"][:2]] == [web, {**web, "rip": "192.168.56.182", "rport": 80}]
    assert changed["diff"]["before"].splitlines() == [
        "-A -t 192.168.56.185:80 -s wrr",
        "-a -t 192.168.56.185:80 -r 192.168.56.184:80 -i -w 1",
        "-a -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 2",
    ]
    director.module("ipvs_table", services=wanted, purge="destinations").ok()


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({}, FOREIGN),
        ({"purge": "destinations"}, FOREIGN),
        ({"purge": "services", "purge_networks": ["192.168.56.0/24"]}, [*FOREIGN[:2], *FOREIGN[3:]]),
        ({"purge": "services", "purge_networks": ["192.0.2.0/24", "2001:db8::/32"]}, FOREIGN[2:]),
        ({"purge": "services"}, []),
    ],
)
def test_purge(director: Namespace, options: dict[str, Any], left: list[str]) -> None:
    """Of the services of other programs, only those that it covers; never one by mark where networks are named."""
    director.module("ipvs_table", services=TABLE, **options).changed()
    assert sorted(director.rules()) == sorted([*left, *RULES])
    director.module("ipvs_table", services=TABLE, **options).ok()


def test_destinations_that_are_left_out_stay(director: Namespace) -> None:
    """Nothing is purged of a list that is not there; an empty one is another matter."""
    director.module("ipvs_table", services=TABLE).changed()
    director.module("ipvs_table", services=[WEB], purge="destinations").ok()
    emptied = director.module("ipvs_table", services=[{**WEB, "destinations": []}], purge="destinations").changed()
    assert [command.split()[:2] for command in emptied["commands"]] == [["ipvsadm", "-d"]] * 2


def test_keep_weights(director: Namespace) -> None:
    """An operator's weight stays; a new destination gets the one of the list."""
    director.module("ipvs_table", services=TABLE).changed()
    director.module("ipvs_dest", vip=WEB["vip"], port=80, **RS1, weight=0).changed()
    director.module("ipvs_table", services=TABLE, keep_weights=True).ok()
    director.module("ipvs_dest", vip=WEB["vip"], port=80, **RS1, state="absent").changed()
    director.module("ipvs_table", services=TABLE, keep_weights=True).changed()
    assert RULES[1] in director.rules()
    director.module("ipvs_dest", vip=WEB["vip"], port=80, **RS1, weight=0).changed()
    assert director.module("ipvs_table", services=TABLE).changed()["commands"] == [
        "ipvsadm " + RULES[1].replace("-a", "-e", 1)
    ]


def test_check_mode_says_what_the_run_then_does(director: Namespace) -> None:
    options: dict[str, Any] = {"services": TABLE, "purge": "services"}
    predicted = director.module("ipvs_table", check_mode=True, **options).changed()
    assert sorted(director.rules()) == sorted(FOREIGN)
    done = director.module("ipvs_table", **options).changed()
    assert {key: predicted[key] for key in ("changes", "commands", "diff", "purged")} == {
        key: done[key] for key in ("changes", "commands", "diff", "purged")
    }
    assert done["purged"] == [
        {"vip": "192.0.2.1", "port": 443, "protocol": "tcp"},
        {"vip": "192.168.56.199", "port": 25, "protocol": "tcp"},
        {"fwmark": 7, "family": "ipv4"},
    ]
    assert sorted(director.rules()) == sorted(RULES)
    assert director.module("ipvs_table", **options).ok()["purged"] == []


def test_kernel_refuses_one_of_many(director: Namespace) -> None:
    """The rest is carried out, nothing is removed, the result says all of it, and a second run completes."""
    director.module("ipvs_table", services=[{**WEB, "destinations": [RS1]}]).changed()
    many = [{"rip": f"192.168.{third}.{fourth}"} for third in (57, 58) for fourth in range(1, 201)]
    many[250] = {"rip": "192.168.56.255"}  # this host's broadcast address
    result = director.module("ipvs_table", services=[{**WEB, "destinations": many}], purge="destinations")
    message = result.failed()
    assert "rip: the kernel does not take 192.168.56.255" in message
    assert result["refused"] == ["ipvsadm -a -t 192.168.56.185:80 -r 192.168.56.255:80 -i -w 1"]
    assert f"{len(result['commands'])} of 401 changes were carried out before that" in message
    web = [f"ipvsadm {rule}" for rule in director.rules() if rule.startswith("-a -t 192.168.56.185:80")]
    assert sorted(web) == sorted(["ipvsadm -a -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 1", *result["commands"]])
    assert result["changed"] is True

    director.sh("ip address del 192.168.56.181/24 dev eth0; ip address add 192.168.56.181/23 brd + dev eth0")
    director.module("ipvs_table", services=[{**WEB, "destinations": many}], purge="destinations").changed()
    web = [f"ipvsadm {rule}" for rule in director.rules() if rule.startswith("-a -t 192.168.56.185:80")]
    assert len(web) == 400
    director.module("ipvs_table", services=[{**WEB, "destinations": many}], purge="destinations").ok()


def test_service_with_an_unprepared_real_server_is_left_as_it_is(director: Namespace) -> None:
    """To the byte, in check mode as in the run that follows; the rest of the list is changed, and a second run completes."""
    gue = {"tunnel_type": "gue", "tunnel_port": 6080}
    other = {"vip": "192.168.56.187", "port": 80}
    director.module("ipvs_table", services=[TABLE[0], {**other, "destinations": [RS1, RS2]}]).changed()

    def web() -> list[str]:
        return [line for line in director.sh("ipvsadm -Sn").splitlines() if f" {WEB['vip']}:80 " in line]

    before = web()
    assert len(before) == 3
    options: dict[str, Any] = {
        "services": [
            {**WEB, "scheduler": "rr", "destinations": [{**RS1, **gue, "weight": 7}, {**RS2, **gue}]},
            {**other, "scheduler": "rr", "destinations": [{**RS1, **gue}, {**RS2, "weight": 9}]},
            {"vip": "192.168.56.188", "port": 80, "destinations": [RS2]},
            {"vip": "192.168.56.199", "port": 80, "destinations": [RS2]},  # another program has a service with this VIP
        ],
        "purge": "destinations",
        "unprepared": [RS2["rip"]],
    }
    predicted = director.module("ipvs_table", check_mode=True, **options).changed()
    done = director.module("ipvs_table", **options).changed()
    assert web() == before
    assert done["commands"] == [
        "ipvsadm -E -t 192.168.56.187:80 -s rr",
        "ipvsadm -e -t 192.168.56.187:80 -r 192.168.56.183:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum",
        "ipvsadm -e -t 192.168.56.187:80 -r 192.168.56.184:80 -i -w 9",
    ]
    assert sorted(director.rules()) == sorted(
        [
            *FOREIGN,
            *RULES[:3],
            "-A -t 192.168.56.187:80 -s rr",
            "-a -t 192.168.56.187:80 -r 192.168.56.183:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum",
            "-a -t 192.168.56.187:80 -r 192.168.56.184:80 -i -w 9",
        ]
    )
    assert [(row["vip"], row["rips"], row["exists"]) for row in done["held_back"]] == [
        ("192.168.56.185", [RS2["rip"]], True),
        ("192.168.56.188", [RS2["rip"]], False),
        ("192.168.56.199", [RS2["rip"]], False),
    ]
    assert done["held_back_vips"] == ["192.168.56.188"]
    again = director.module("ipvs_table", **options).ok()
    for returned in (predicted, done, again):
        assert {name: returned[name] for name in ("held_back", "held_back_vips")} == {
            name: done[name] for name in ("held_back", "held_back_vips")
        }
        assert [warning["event"]["msg"].split(": ")[:2] for warning in returned["warnings"]] == [
            [f"-t {row['vip']}:80", "left as it is, as real servers are not prepared for the change"]
            for row in done["held_back"]
        ]

    completed = director.module("ipvs_table", **{**options, "unprepared": []}).changed()
    assert (completed["held_back"], completed["held_back_vips"]) == ([], [])
    assert [line.split()[-5:] for line in web()[1:]] == [["--tun-type", "gue", "--tun-port", "6080", "--tun-nocsum"]] * 2


# ----- with traffic


@pytest.fixture
def cluster(new_namespace: Callable[[], Namespace]) -> Iterator[tuple[Namespace, Namespace]]:
    """A client and a director, with two real servers that say their names."""
    bridge, client, director, *real_servers = (new_namespace() for _number in range(5))
    on_one_bridge(bridge, dict(zip((180, 181, 183, 184), (client, director, *real_servers))))
    director.module("tunl_vip", vip=WEB["vip"]).changed()
    with ExitStack() as servers:
        for name, host in zip(("rs1", "rs2"), real_servers):
            host.module("arp_sysctl", rp_filter=2).changed()
            host.module("tunl_vip", vip=WEB["vip"]).changed()
            servers.enter_context(web_server(host, name))
        yield client, director


SWAPS = 6
COUNTED = 30  # seconds; the kernel adds its counters up every two


def test_all_destinations_are_replaced_under_traffic(cluster: tuple[Namespace, Namespace]) -> None:
    """The table never shows the service without a destination, and no new connection finds none."""
    client, director = cluster
    director.module("ipvs_table", services=[{**WEB, "destinations": [RS1]}]).changed()
    watch = director.command("sh", "-c", "while :; do ipvsadm -Sn; echo; done")
    ask = client.command(
        *("sh", "-c"), f"while :; do curl -sS --max-time 1 http://{WEB['vip']}/name 2>&1 || echo failed; done"
    )
    seen: dict[str, list[str]] = {}
    with ExitStack() as running:
        for name, command in (("table", watch), ("answers", ask)):
            process = running.enter_context(
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            )
            assert process.stdout is not None
            lines = seen.setdefault(name, [])
            thread = threading.Thread(target=lines.extend, args=(process.stdout,))
            thread.start()
            running.callback(thread.join, 30)
            running.callback(process.terminate)
        for number in range(SWAPS):
            other = [RS2, RS1][number % 2]
            swapped: dict[str, Any] = {"services": [{**WEB, "destinations": [other]}], "purge": "destinations"}
            # Its start leaves time for many looks at the table.
            director.module("ipvs_table", python=(PYTHON,), **swapped).changed()

    tables = "".join(seen["table"]).split("\n\n")[:-1]
    assert len(tables) > 10 * SWAPS
    assert all("-a -t 192.168.56.185:80" in table for table in tables)
    answers = [line.strip() for line in seen["answers"]]
    assert {"rs1", "rs2"} <= set(answers)
    # A connection of a real server that goes, goes with it: at most the one that is open at that moment.
    assert answers.count("failed") <= SWAPS
    assert not [line for line in answers if "refused" in line or "unreachable" in line.lower()]


def test_info_counts(cluster: tuple[Namespace, Namespace]) -> None:
    """Connections, packets and bytes, as ipvsadm shows them."""
    client, director = cluster
    director.module("ipvs_table", services=[{**WEB, "destinations": [RS1, RS2]}]).changed()
    client.sh(f"for i in 1 2 3; do curl -sS --max-time 5 http://{WEB['vip']}/name; done")
    until = time.monotonic() + COUNTED
    while (service := director.module("ipvs_info").ok()["services"][0])["statistics"]["connections"] < 3:
        assert time.monotonic() < until, service
    shown = [line.split() for line in director.sh("ipvsadm -Ln --stats --exact").splitlines()[-3:]]
    counters = ["connections", "packets_in", "packets_out", "bytes_in", "bytes_out"]
    assert [str(service["statistics"][name]) for name in counters] == shown[0][-5:]
    assert service["statistics"]["connections"] == 3
    assert service["statistics"]["bytes_in"] > 3 * 2 * 40  # at least two packets of headers each
    found = {row["rip"]: [str(row["statistics"][name]) for name in counters] for row in service["destinations"]}
    assert found == {line[1].partition(":")[0]: line[-5:] for line in shown[1:]}
    now = [row["connections"] for row in service["destinations"]]
    assert sum(row["active"] + row["inactive"] for row in now) == 3

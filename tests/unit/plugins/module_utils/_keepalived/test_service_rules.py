# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What --diff shows of services: each line says whose it is."""

from __future__ import annotations

import difflib
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Facts

from .fake_host import DIP, VIP, VRRP, Host

RS1, RS2 = "192.168.56.183", "192.168.56.184"


def service(**options: Any) -> Facts:
    """A service of two real servers, with other options."""
    rows = [{"rip": rip, "check": "tcp"} for rip in (RS1, RS2)]
    return {"vip": VIP, "port": 80, "scheduler": "wrr", "destinations": rows, **options}


def changed_lines(host: Host, before: Facts, after: Facts, **options: Any) -> list[str]:
    """What Ansible shows of a change, without the lines around it."""
    host.run(services=[before], sources=[DIP])
    diff = host.run(services=[after], sources=[DIP], **options)["diff"]
    lines = difflib.unified_diff(diff["before"].splitlines(), diff["after"].splitlines(), n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def test_weight(host: Host) -> None:
    after = service(destinations=[{"rip": RS1, "weight": 3, "check": "tcp"}, {"rip": RS2, "check": "tcp"}])
    rule = f"-a -t {VIP}:80 -r {RS1}:80 -i -w "
    assert changed_lines(host, service(), after) == [f"-{rule}1", f"+{rule}3"]


def test_real_server(host: Host) -> None:
    after = service(destinations=[{"rip": RS1, "check": "tcp"}, {"rip": RS2, "check": "none", "forward": "route"}])
    found = changed_lines(host, service(), after)
    assert f"-a -t {VIP}:80 -r {RS2}:80 -g -w 1" in [line[1:] for line in found if line[0] == "+"]
    gone = [line[1:] for line in found if line[0] == "-"]
    assert f"-a -t {VIP}:80 -r {RS2}:80 -i -w 1" in gone
    (check,) = [line for line in gone if line.startswith(f"# TCP_CHECK -t {VIP}:80 -r {RS2}:80: connect_ip {VIP}, ")]
    mark = check.partition(", fwmark ")[2].partition(",")[0]
    assert {f"-A -f {mark} -s rr -o", f"-a -f {mark} -r {RS2}:0 -i -w 1"} <= set(gone)
    assert len(found) == 5


def test_check(host: Host) -> None:
    check = {"type": "http", "path": "/health", "delay_loop": 2}
    after = service(destinations=[{"rip": RS1, "check": check}, {"rip": RS2, "check": "tcp"}])
    found = changed_lines(host, service(), after)
    assert len(found) == 2
    assert found[0].startswith(f"-# TCP_CHECK -t {VIP}:80 -r {RS1}:80: ")
    assert found[1].startswith(f"+# HTTP_GET -t {VIP}:80 -r {RS1}:80: ")
    assert 'delay_loop 2, retry 2, delay_before_retry 1, path "/health"' in found[1]


def test_service(host: Host) -> None:
    options = {"scheduler": "mh", "scheduler_flags": ["port", "fallback"], "persistence_timeout": 300, "quorum": 2}
    after = service(**options, sorry_server={"address": "192.0.2.9"}, inhibit_on_failure=True)
    rule = f"-A -t {VIP}:80 -s mh -p 300 -b mh-fallback,mh-port"
    others = "inhibit_on_failure, quorum 2, sorry_server 192.0.2.9 80, sorry_server_lvs_method DR"
    assert changed_lines(host, service(), after) == [f"--A -t {VIP}:80 -s wrr", f"+{rule}  # {others}"]


def test_virtual_router_is_that_of_the_file(host: Host) -> None:
    """And what tells it of quorums is not said twice."""
    found = changed_lines(host, service(), service(), vrrp={**VRRP, "track_quorum": True}, vips=[{"vip": VIP}])
    assert found
    assert all(line.startswith("+/etc/keepalived/keepalived.conf: ") for line in found)

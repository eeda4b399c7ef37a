# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import ipaddress
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._boot import model as boot_files
from ansible_collections.lvs.cluster.plugins.module_utils._boot.model import Found, Link, wanted_files, with_parts
from ansible_collections.lvs.cluster.plugins.module_utils._core.keep import path_of, sealed
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Wanted, reconcile
from ansible_collections.lvs.cluster.plugins.module_utils._core.textfile import TextFile, is_made_here
from ansible_collections.lvs.cluster.plugins.module_utils._net import model as network
from tests.unit.helpers import refused

PRESENT: dict[str, Any] = {"services": [], "vips_after": [], "state": "present"}
ABSENT = {**PRESENT, "state": "absent"}
VIP, VIP6 = ipaddress.ip_address("192.0.2.1"), ipaddress.ip_address("2001:db8::1")


def planned(found: Found | None = None, **options: Any) -> dict[str, Any]:
    """What shall be there, by path."""
    given = {**PRESENT, **options}
    plan = with_parts(given, wanted_files(given), {Found.key: found or Found()})
    return {one.key: one.new for one in plan}


def test_a_part_ends_with_the_checksum_of_what_is_before() -> None:
    *lines, last = sealed(["-A -t 192.0.2.1:80 -s rr"]).splitlines(keepends=True)
    assert lines[-1] == "-A -t 192.0.2.1:80 -s rr\n"
    assert last == f"# sha256 {hashlib.sha256(''.join(lines).encode()).hexdigest()}\n"


def test_every_file_says_whose_it_is() -> None:
    made = planned()
    assert sorted(made) == sorted([*boot_files.FILES, *boot_files.LINKS])
    assert all(is_made_here(file.text, "boot") for file in made.values() if isinstance(file, TextFile))
    assert not is_made_here("#!/bin/sh\necho 1\n")


def test_what_needs_others_comes_after_them_and_goes_before_them() -> None:
    coming = [change.item.key for change in reconcile(with_parts(PRESENT, wanted_files(PRESENT), {Found.key: Found()}), {})]
    assert coming[-4:] == [boot_files.SETUP_UNIT, boot_files.VIPS_UNIT, *boot_files.LINKS]
    there = planned()
    going = [change.item.key for change in reconcile(wanted_files(ABSENT), there)]
    assert going[:2] == list(reversed(boot_files.LINKS))
    assert set(going) == set(there)


def test_vips_come_last() -> None:
    made = planned(vips_after=["nginx.service"])
    setup, vips = made[boot_files.SETUP_UNIT].text, made[boot_files.VIPS_UNIT].text
    assert "ExecStart=/bin/sh /var/lib/lvs.cluster/boot/restore devices nftables ipvs\n" in setup
    assert "ExecStart=/bin/sh /var/lib/lvs.cluster/boot/restore vips\n" in vips
    assert "Requires=lvs-cluster.service\nAfter=lvs-cluster.service nginx.service\n" in vips


def test_units_are_enabled_as_systemd_does_it() -> None:
    for link, unit in zip(boot_files.LINKS, (boot_files.SETUP_UNIT, boot_files.VIPS_UNIT)):
        assert planned()[link] == Link(link, unit)
        assert Link(link, unit).line() == f"ln -sfn {unit} {link}"


def test_modules_are_those_of_what_is_there() -> None:
    devices = [
        network.Tunnel("lvsgre", "gre", VIP),
        network.Listener(network.ANY_DEVICE, 6, 6080, frozenset({"ip6tnl0"})),
        network.Up("eth0"),
    ]
    made = planned(Found({"ipvs": []}, devices))
    assert made[boot_files.MODULES_FILE].text.splitlines()[1:] == ["ip_vs", "ip_gre", "fou6"]


def test_parts_are_what_was_found() -> None:
    assert planned(Found({"vips": ["ip address add 192.0.2.1/32 dev lo"]}))[path_of("vips")].text == sealed(
        ["ip address add 192.0.2.1/32 dev lo"]
    )


def test_devices_come_before_what_needs_them() -> None:
    items = [
        network.Listener(network.ANY_DEVICE, 4, 6080, frozenset({"tunl0"})),
        network.Mtu("tunl0", 1400),
        network.Tunnel("lvsgre", "gre", VIP, checksum=True),
        network.Up("lvsgre"),
        network.VipAddress("tunl0", VIP),
        network.HostRoute("tunl0", VIP),
        network.VipAddress("lo", VIP6, deprecated=True),
    ]
    assert network.device_lines(items) == [
        "ip link add tunl0 type ipip",
        "ip link add lvsgre type gre local 192.0.2.1 icsum",
        "ip link set tunl0 mtu 1400",
        "ip fou add port 6080 gue",
        "ip link set tunl0 up",
        "ip link set lvsgre up",
        "ip link set lo up",
    ]
    assert network.vip_lines(items) == [
        "ip address add 192.0.2.1/32 dev tunl0",
        "ip -6 address add 2001:db8::1/128 dev lo preferred_lft 0 nodad",
        "ip route append 192.0.2.1 dev tunl0 scope link proto static",
    ]


def test_a_diff_has_rules_and_no_programs() -> None:
    made = planned(Found({"ipvs": ["-A -t 192.0.2.1:80 -s rr"]}))
    assert made[path_of("ipvs")].line() == f"{path_of('ipvs')}: -A -t 192.0.2.1:80 -s rr"
    script = made[boot_files.SCRIPT]
    assert script.line().startswith(f"{boot_files.SCRIPT}: {len(script.text.splitlines())} lines, sha256 ")
    assert script.line("remove") == f"rm {boot_files.SCRIPT}"
    assert boot_files.file_of(boot_files.SCRIPT, "another").line() != script.line()


def test_nothing_is_asked_of_a_host_that_shall_forget() -> None:
    assert all(one == Wanted.absent(one.key) for one in with_parts(ABSENT, wanted_files(ABSENT), {}))


def test_services_that_shall_go_are_not_kept() -> None:
    rows = [{"vip": "192.0.2.1", "port": 80, "scheduler": "rr"}, {"vip": "192.0.2.2", "port": 80, "state": "absent"}]
    assert [str(key) for key in boot_files.services_of({**PRESENT, "services": rows})] == ["-t 192.0.2.1:80"]


def test_bad_values() -> None:
    with refused("vips_after", "write one like nginx.service"):
        wanted_files({**PRESENT, "vips_after": ["web server"]})
    with refused("services[0], vip", "name the service by vip and port"):
        wanted_files({**PRESENT, "services": [{"port": 80}]})

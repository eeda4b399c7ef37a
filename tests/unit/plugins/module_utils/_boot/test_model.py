# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What restores a host when it boots: files, units, links."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._boot import model
from ansible_collections.lvs.cluster.plugins.module_utils._boot.boot import Boot
from ansible_collections.lvs.cluster.plugins.module_utils._boot.model import (
    BootContext,
    Link,
    LongFile,
    boot_item,
    services_to_restore,
)
from ansible_collections.lvs.cluster.plugins.module_utils._core.boot_text import MODULES_FILE, path_of, with_checksum
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Seen, Wanted, reconcile
from ansible_collections.lvs.cluster.plugins.module_utils._core.textfile import TextFile, is_made_here
from ansible_collections.lvs.cluster.plugins.module_utils._net import model as network
from ansible_collections.lvs.cluster.plugins.module_utils._net.boot_commands import kernel_modules
from tests.unit.helpers import all_refused, refused

PRESENT: dict[str, Any] = {"services": [], "vips_after": [], "state": "present"}
ABSENT = {**PRESENT, "state": "absent"}
VIP, VIP6 = ipaddress.ip_address("192.0.2.1"), ipaddress.ip_address("2001:db8::1")


def plan(options: dict[str, Any], context: BootContext | None = None) -> Sequence[Wanted[str, Any]]:
    """What the module wants."""
    resource = Boot()
    return resource.plan(resource.parse(options), Seen({}, context or BootContext()))


def planned(context: BootContext | None = None, **options: Any) -> dict[str, Any]:
    """What should exist, by path."""
    return {wanted.key: wanted.new for wanted in plan({**PRESENT, **options}, context)}


def test_a_boot_file_ends_with_the_checksum_of_what_is_before() -> None:
    *lines, last = with_checksum(["-A -t 192.0.2.1:80 -s rr"]).splitlines(keepends=True)
    assert lines[-1] == "-A -t 192.0.2.1:80 -s rr\n"
    assert last == f"# sha256 {hashlib.sha256(''.join(lines).encode()).hexdigest()}\n"


def test_every_file_says_whose_it_is() -> None:
    items = planned()
    assert sorted(items) == sorted([*model.FILES, *model.LINKS])
    assert all(is_made_here(file.text, "boot") for file in items.values() if isinstance(file, TextFile))
    assert not is_made_here("#!/bin/sh\necho 1\n")


def test_what_needs_others_comes_after_them_and_goes_before_them() -> None:
    coming = [change.item.key for change in reconcile(plan(PRESENT), Seen({}, BootContext()))]
    assert coming[-4:] == [model.SETUP_UNIT, model.VIPS_UNIT, *model.LINKS]
    items = planned()
    going = [change.item.key for change in reconcile(plan(ABSENT), Seen(items, BootContext()))]
    assert going[:2] == list(reversed(model.LINKS))
    assert set(going) == set(items)


def test_vips_come_last() -> None:
    items = planned(vips_after=["nginx.service"])
    setup, vips = items[model.SETUP_UNIT].text, items[model.VIPS_UNIT].text
    assert "ExecStart=/bin/sh /var/lib/lvs.cluster/boot/restore devices nftables ipvs\n" in setup
    assert "ExecStart=/bin/sh /var/lib/lvs.cluster/boot/restore vips\n" in vips
    assert "Requires=lvs-cluster.service\nAfter=lvs-cluster.service nginx.service\n" in vips


@pytest.mark.parametrize(
    "unit",
    [
        "network-online.target",
        *(f"{name}.service" for name in ("NetworkManager", "systemd-networkd", "networking")),
        *(f"{name}.service" for name in ("systemd-sysctl", "nftables", "firewalld", "ufw", "ipvsadm")),
    ],
)
def test_programs_that_change_the_same_start_before(unit: str) -> None:
    """Where the network is waited for by none, as well."""
    after = [line for line in planned()[model.SETUP_UNIT].text.splitlines() if line.startswith("After=")]
    assert unit in " ".join(after).replace("After=", "").split()


def test_units_are_enabled_as_systemd_does_it() -> None:
    for link, unit in zip(model.LINKS, (model.SETUP_UNIT, model.VIPS_UNIT)):
        assert planned()[link] == Link(link, unit)
        assert Link(link, unit).command() == Link(link, unit).diff_line() == f"ln -sfn {unit} {link}"
        assert Link(link, unit).command("remove") == f"rm {link}"
        assert Link(link, unit).identity() == {"path": link}


def test_modules_are_those_of_what_is_there() -> None:
    devices = [
        network.Tunnel("lvsgre", "gre", VIP),
        network.Listener(6, 6080),
        network.Up("eth0"),
    ]
    items = planned(BootContext((), {"ipvs": [], "modules": kernel_modules(devices)}))
    assert items[MODULES_FILE].text.splitlines()[1:] == ["ip_vs", "ip_gre", "fou6"]


def test_boot_files_are_what_the_host_has() -> None:
    lines = ["ip address add 192.0.2.1/32 dev lo"]
    assert planned(BootContext(lines={"vips": lines}))[path_of("vips")].text == with_checksum(lines)


def test_a_diff_has_rules_and_no_programs() -> None:
    items = planned(BootContext(lines={"ipvs": ["-A -t 192.0.2.1:80 -s rr"]}))
    assert items[path_of("ipvs")].diff_line() == f"{path_of('ipvs')}: -A -t 192.0.2.1:80 -s rr"
    script = items[model.SCRIPT]
    digest = f"{len(script.text.splitlines())} lines, sha256 {hashlib.sha256(script.text.encode()).hexdigest()[:12]}"
    assert script.diff_line() == f"{model.SCRIPT}: {digest}"
    assert script.command() == f"tee {model.SCRIPT}  # {digest}"
    assert script.command("remove") == f"rm {model.SCRIPT}"
    assert boot_item(model.SCRIPT, "another").diff_line() != script.diff_line()
    assert {path for path, item in items.items() if isinstance(item, LongFile)} == {
        path_of("nftables"),
        model.SCRIPT,
        *model.UNITS,
    }


def test_nothing_is_asked_of_a_host_that_shall_forget() -> None:
    assert all(wanted == Wanted.absent(wanted.key) for wanted in plan(ABSENT))


def test_services_that_shall_go_are_not_kept() -> None:
    rows = [{"vip": "192.0.2.1", "port": 80, "scheduler": "rr"}, {"vip": "192.0.2.2", "port": 80, "state": "absent"}]
    assert Boot().parse({**PRESENT, "services": rows}).services == [{"vip": "192.0.2.1", "port": 80, "protocol": "tcp"}]


def test_service_that_is_no_longer_described_stays() -> None:
    first, second, third = ({"vip": f"192.0.2.{number}", "port": 80, "protocol": "tcp"} for number in (1, 2, 3))
    assert services_to_restore([first, second], [third, second]) == [first, second, third]


@pytest.mark.parametrize(
    ("path", "vips_after", "checksum"),
    [
        (model.SETUP_UNIT, [], "20d2c943cae71f63a9ec019b23f5ab27b886191765738db807bd699991a4d3f1"),
        (model.VIPS_UNIT, [], "fbfb1e9f31bbe80b4e547a659ece1714a0b928db2bb9c1d1afeea29bf091949a"),
        (
            model.VIPS_UNIT,
            ["nginx.service", "multi-user.target"],
            "923ec6e6c56ad4b7440927bdb3507771bb2759e558f89e05c096aeea6480c00f",
        ),
    ],
)
def test_units_on_hosts_do_not_change(path: str, vips_after: list[str], checksum: str) -> None:
    """A change of their texts is a change on every host: update the checksum only if that is intended."""
    assert hashlib.sha256(planned(vips_after=vips_after)[path].text.encode()).hexdigest() == checksum


def test_check_mode_without_what_an_earlier_task_brings() -> None:
    """The units; what would be in the boot files is not known."""
    resource = Boot()
    keys = [wanted.key for wanted in resource.parse(PRESENT).wanted]
    assert keys == [model.SCRIPT, *model.UNITS, *model.LINKS]
    assert resource.empty_host() == Seen({}, BootContext())


def test_bad_values() -> None:
    with refused("vips_after", "write one like nginx.service"):
        Boot().parse({**PRESENT, "vips_after": ["web server"]})
    with refused("services[0], vip", "name the service by vip and port"):
        Boot().parse({**PRESENT, "services": [{"port": 80}]})
    with all_refused("services[1], port: ", "vips_after: 'x' "):
        Boot().parse({**ABSENT, "services": [{"fwmark": 1}, {"vip": "192.0.2.1"}], "vips_after": ["x"]})

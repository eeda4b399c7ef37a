# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sysctls of devices that hold a VIP, held against sysctl."""

from __future__ import annotations

from typing import Any

import pytest

from .managed_host import PYTHON
from .namespaces import Namespace, Result

SYSCTL_FILE = "/etc/sysctl.d/90-lvs-tunl0.conf"
STATE_FILE = "/var/lib/lvs.cluster/state.json"


def sysctls(host: Namespace, device: str = "tunl0") -> dict[str, int]:
    """The settings of all and of the device."""
    names = [f"{where}.{name}" for where in ("all", device) for name in ("arp_ignore", "arp_announce", "rp_filter")]
    found = host.sh("sysctl -n " + " ".join(f"net.ipv4.conf.{name}" for name in names))
    return dict(zip(names, map(int, found.split())))


@pytest.mark.parametrize("device", ["tunl0", "sit0", "ip6tnl0", "gre0", "ip6gre0"])
def test_sysctl_makes_the_tunnel_device(without_fallback_devices: Namespace, device: str) -> None:
    """A real server has to be silent before it holds the VIP, so this is the module that runs first."""
    host = without_fallback_devices
    host.module("arp_sysctl", device=device, check_mode=True).changed()
    assert device not in host.sh("ip -br link")
    host.module("arp_sysctl", device=device).changed()
    assert sysctls(host, device)[f"{device}.arp_ignore"] == 1
    host.module("arp_sysctl", device=device).ok()


def test_sysctls_as_the_walk_through_sets_them(host: Namespace) -> None:
    host.sh("sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.tunl0.rp_filter=1")
    before = host.snapshot()
    assert host.module("arp_sysctl", persist=True, check_mode=True).changed()["effective"]["rp_filter"] == 0
    assert host.snapshot() == before

    made = host.module("arp_sysctl", persist=True).changed()
    assert made["effective"] == {"arp_ignore": 1, "arp_announce": 2, "rp_filter": 0}
    assert sysctls(host) == {
        "all.arp_ignore": 1, "all.arp_announce": 2, "all.rp_filter": 0,
        "tunl0.arp_ignore": 1, "tunl0.arp_announce": 2, "tunl0.rp_filter": 0,
    }  # fmt: skip
    host.module("arp_sysctl", persist=True).ok()
    host.module("arp_sysctl").ok()  # persist left out: the file stays

    # The file alone brings the values back.
    host.sh("for f in all tunl0; do for n in arp_ignore arp_announce; do sysctl -qw net.ipv4.conf.$f.$n=0; done; done")
    host.sh(f"sysctl -qp {SYSCTL_FILE}")
    host.module("arp_sysctl", persist=True).ok()

    host.module("arp_sysctl", state="absent").changed()
    assert host.snapshot() == before
    host.module("arp_sysctl", state="absent").ok()


def test_sysctl_file_goes_when_it_is_no_longer_wanted(host: Namespace) -> None:
    host.module("arp_sysctl", persist=True).changed()
    assert host.module("arp_sysctl", persist=False).changed()["commands"] == [f"rm {SYSCTL_FILE}"]
    assert not host.path(SYSCTL_FILE).exists()


def test_loose_mode_leaves_the_other_devices_alone(host: Namespace) -> None:
    host.sh("sysctl -qw net.ipv4.conf.all.rp_filter=1")
    assert host.module("arp_sysctl", rp_filter=2).changed()["effective"]["rp_filter"] == 2
    assert (sysctls(host)["all.rp_filter"], sysctls(host)["tunl0.rp_filter"]) == (1, 2)
    host.module("arp_sysctl", rp_filter=2).ok()


@pytest.fixture
def two_devices(host: Namespace) -> Namespace:
    """A host with a second tunnel device, whose own settings are right already."""
    host.sh("ip link add tun1 type ipip remote 192.0.2.9 local 192.0.2.8")
    host.sh("sysctl -qw net.ipv4.conf.tun1.arp_ignore=1 net.ipv4.conf.tun1.arp_announce=2 net.ipv4.conf.all.rp_filter=1")
    return host


@pytest.mark.parametrize(("first", "last"), [("tunl0", "tun1"), ("tun1", "tunl0")])
def test_all_goes_back_with_the_last_device(two_devices: Namespace, first: str, last: str) -> None:
    host = two_devices
    before = host.snapshot()
    host.module("arp_sysctl").changed()
    host.module("arp_sysctl", device="tun1").ok()
    host.module("arp_sysctl", device=first, state="absent")
    assert [sysctls(host)[f"all.{name}"] for name in ("arp_ignore", "arp_announce", "rp_filter")] == [1, 2, 0]
    host.module("arp_sysctl", device=last, state="absent").changed()
    assert host.snapshot() == before


def test_all_goes_back_when_loose_mode_does_without_it(two_devices: Namespace) -> None:
    host = two_devices
    host.module("arp_sysctl", rp_filter=0).changed()
    assert host.module("arp_sysctl", rp_filter=2).changed()["effective"]["rp_filter"] == 2
    assert (sysctls(host)["all.rp_filter"], sysctls(host)["tunl0.rp_filter"]) == (1, 2)
    host.module("arp_sysctl", rp_filter=2).ok()


def test_device_that_is_gone_leaves_nothing_behind(two_devices: Namespace) -> None:
    host = two_devices
    host.module("arp_sysctl", device="tun1", persist=True).changed()
    host.sh("ip link del tun1")
    host.module("arp_sysctl", device="tun1", state="absent").changed()
    assert sysctls(host)["all.arp_ignore"] == 0
    assert not host.path(STATE_FILE).exists()
    assert list(host.path("/etc/sysctl.d").iterdir()) == []


def test_values_that_were_there_before_are_not_ours(host: Namespace) -> None:
    host.sh("sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2")
    host.module("arp_sysctl").changed()
    host.module("arp_sysctl", state="absent").changed()
    assert (sysctls(host)["all.arp_ignore"], sysctls(host)["all.arp_announce"]) == (1, 2)
    assert not host.path(STATE_FILE).exists()


@pytest.mark.parametrize("device", ["lo", "dummy7"])
def test_direct_routing_from_nothing_to_nothing(host: Namespace, device: str) -> None:
    """Where the VIP is on no tunnel."""
    host.sh("ip link add dummy7 type dummy")
    before = host.snapshot()
    predicted = host.module("arp_sysctl", device=device, persist=True, check_mode=True).changed()
    assert host.snapshot() == before
    assert host.module("arp_sysctl", device=device, persist=True).changed()["commands"] == predicted["commands"]
    found = sysctls(host, device)
    assert [found[f"{where}.arp_ignore"] for where in ("all", device)] == [1, 1]
    assert [found[f"{where}.arp_announce"] for where in ("all", device)] == [2, 2]
    host.module("arp_sysctl", device=device, persist=True).ok()
    host.module("arp_sysctl", device=device, state="absent").changed()
    assert host.snapshot() == before


def test_device_that_an_earlier_task_would_bring(host: Namespace) -> None:
    before = host.snapshot()
    says = "device: dummy7 does not exist: this host has "
    assert says in host.module("arp_sysctl", device="dummy7").failed()
    predicted = host.module("arp_sysctl", device="dummy7", rp_filter=2, persist=True, check_mode=True).changed()
    assert says in str(predicted["warnings"])
    assert "sysctl -w net.ipv4.conf.dummy7.arp_ignore=1" in predicted["commands"]
    assert host.snapshot() == before
    host.module("arp_sysctl", device="dummy7", state="absent").ok()


@pytest.mark.parametrize("persist", [None, True])
@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_devices_that_want_different_values_for_all(
    two_devices: Namespace, order: tuple[int, int], persist: bool | None
) -> None:
    """The larger one counts, of rp_filter the smaller; neither undoes the other's, and what is left keeps its own."""
    host = two_devices
    before = host.snapshot()
    wants: dict[str, dict[str, Any]] = {"tunl0": {"arp_ignore": 1, "rp_filter": 1}, "tun1": {"arp_ignore": 2, "rp_filter": 0}}
    devices = [list(wants)[number - 1] for number in order]
    for device in devices:
        host.module("arp_sysctl", device=device, persist=persist, **wants[device]).changed()
    for device in devices * 2:
        host.module("arp_sysctl", device=device, persist=persist, **wants[device]).ok()
    assert (sysctls(host)["all.arp_ignore"], sysctls(host)["all.rp_filter"]) == (2, 0)
    files = sorted(host.path("/etc/sysctl.d").iterdir())
    assert len(files) == (2 if persist else 0)
    assert all("all.arp_ignore = 2\n" in file.read_text() and "all.rp_filter = 0\n" in file.read_text() for file in files)

    gone = host.module("arp_sysctl", device="tun1", state="absent", check_mode=True).changed()["commands"]
    assert host.module("arp_sysctl", device="tun1", state="absent").changed()["commands"] == gone
    assert (sysctls(host)["all.arp_ignore"], sysctls(host)["all.rp_filter"]) == (1, 1)
    host.module("arp_sysctl", persist=persist, **wants["tunl0"]).ok()
    host.module("arp_sysctl", state="absent").changed()
    assert host.snapshot() == before


def warnings(result: Result) -> list[str]:
    """The texts of a module's warnings."""
    return [warning["event"]["msg"] for warning in result.get("warnings", [])]


def test_what_overrides_it_at_the_next_boot(host: Namespace) -> None:
    late = host.path("/etc/sysctl.d/99-late.conf")
    late.write_text("# strict\nnet.ipv4.conf.all.rp_filter=1\n")
    predicted = warnings(host.module("arp_sysctl", persist=True, check_mode=True).changed())
    found = warnings(host.module("arp_sysctl", persist=True).changed())
    assert found == predicted == warnings(host.module("arp_sysctl", persist=True).ok())
    assert len(found) == 1
    assert found[0].startswith("/etc/sysctl.d/99-late.conf, line 2: 'net.ipv4.conf.all.rp_filter=1' takes effect after ")
    assert warnings(host.module("arp_sysctl").ok()) == []

    # What sysctl(8) does with these files bears it out.
    apply = "for file in /etc/sysctl.d/*.conf; do sysctl -qp $file; done; sysctl -n net.ipv4.conf.all.rp_filter"
    assert host.sh(apply) == "1\n"
    late.rename(late.with_name("10-early.conf"))
    assert host.sh(apply) == "0\n"
    assert warnings(host.module("arp_sysctl", persist=True).ok()) == []


# A copy of /etc, with ufw and systemd-networkd set up; the namespace's own folder stays in its place.
_WITH_OTHERS = """
set -e; mkdir -p /run/lvs-test; mount -t tmpfs tmpfs /run/lvs-test; mkdir /run/lvs-test/sysctl.d
mount --bind /etc/sysctl.d /run/lvs-test/sysctl.d; cp -a /etc /run/lvs-test/etc; mount --bind /run/lvs-test/etc /etc
mount --bind /run/lvs-test/sysctl.d /etc/sysctl.d
mkdir -p /etc/ufw /etc/systemd/network
echo ENABLED=yes > /etc/ufw/ufw.conf; echo net/ipv4/conf/all/rp_filter=1 > /etc/ufw/sysctl.conf
printf '[Match]\nName=tun*\n[Network]\nIPv4ReversePathFilter=strict\n' > /etc/systemd/network/50-tunnel.network
exec "$@"
"""


def test_what_others_set_when_they_start(host: Namespace) -> None:
    python = ("sh", "-c", _WITH_OTHERS, "with-others", PYTHON)
    found = warnings(host.module("arp_sysctl", python=python, persist=True).changed())
    assert [warning.split(": ")[0] for warning in found] == [
        "/etc/ufw/sysctl.conf, line 1",
        "/etc/systemd/network/50-tunnel.network, line 4",
    ]

# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NetworkManager manages the hosts' network, and takes nothing of the collection away."""

from __future__ import annotations

import pytest

from .conftest import ADDRESSES, VIP, Site
from .undisturbed import add_tunnel, answered, know_devices, look, on_hosts

FILES = ("/etc/NetworkManager/conf.d/90-lvs-tunl0.conf", "/etc/systemd/network/00-lvs-tunl0.network")
_READY = "nm-online --wait-for-startup --quiet --timeout=30; sleep 1"
_PROFILE = """
mkdir -p /etc/NetworkManager/system-connections && cd /etc/NetworkManager/system-connections
cat >lan.nmconnection <<END
[connection]
id=lan
type=ethernet
interface-name=eth0
[ipv4]
method=manual
address1={}/24
[ipv6]
method=ignore
END
chmod 600 lan.nmconnection
"""


def _install(site: Site, name: str) -> None:
    """NetworkManager as it is after a boot, with a profile for eth0."""
    host = site.host(name)
    host.check_output(_PROFILE.format(ADDRESSES[name]))
    site.install(name, "network-manager")
    know_devices(site, name)
    host.check_output(f"systemctl restart NetworkManager; {_READY}; nmcli connection up lan")


@pytest.fixture(scope="module")
def before(site: Site) -> dict[str, list[str]]:
    """The cluster. NetworkManager was there before it on the real server, and comes after it on the director."""
    _install(site, "rs1")
    site.playbook("site")
    add_tunnel(site)
    seen = look(site)
    with answered(site):
        _install(site, "ds1")
    return seen


def test_devices_are_not_managed(site: Site, before: dict[str, list[str]]) -> None:
    """By NetworkManager, whether it was there first or came later. It manages the ordinary device."""
    assert look(site) == before
    for name in ("ds1", "rs1"):
        states = site.host(name).check_output("nmcli --terse --fields DEVICE,STATE device").splitlines()
        assert {"eth0:connected", "tunl0:unmanaged"} <= set(states)
    assert "lvsgre:unmanaged" in states


@pytest.mark.parametrize(
    "command",
    [
        "nmcli connection reload; nmcli general reload",
        "nmcli device reapply eth0",
        "nmcli device set tunl0 managed yes",
        f"systemctl restart NetworkManager; {_READY}",
    ],
)
def test_nothing_is_lost(site: Site, before: dict[str, list[str]], command: str) -> None:
    """Of what the collection has set up, and of the requests meanwhile."""
    with answered(site):
        on_hosts(site, f"{command}; sleep 1")
    assert look(site) == before


def test_connection_that_is_set_up_again(site: Site, before: dict[str, list[str]]) -> None:
    """The host is out of reach meanwhile."""
    on_hosts(site, f"nmcli device disconnect eth0; nmcli connection up lan; {_READY}")
    assert look(site) == before
    assert site.answers() == ["rs1"] * 5


def test_boot(site: Site, before: dict[str, list[str]]) -> None:
    """NetworkManager starts before the devices and VIPs are restored."""
    site.restart("ds1", "rs1")
    on_hosts(site, _READY)
    assert look(site) == before
    assert site.answers() == ["rs1"] * 5


def test_files_that_come_later(site: Site, before: dict[str, list[str]]) -> None:
    """As on a host that an earlier version has set up: NetworkManager manages the device, and lets go of it."""
    rs1 = site.host("rs1")
    # What it manages from its start, it sets down when it is to leave it alone.
    rs1.check_output(f"rm {' '.join(FILES)}; nmcli device set tunl0 managed yes; systemctl restart NetworkManager; {_READY}")
    rs1.check_output("systemctl restart lvs-cluster lvs-cluster-vips")
    assert look(site) == before
    with answered(site):
        site.ansible("ansible", "rs1", "-m", "lvs.cluster.tunl_vip", "-a", f"vip={VIP}")
        rs1.check_output(f"systemctl restart NetworkManager; {_READY}")
    assert look(site) == before


def test_without_the_file(site: Site, before: dict[str, list[str]]) -> None:
    """What it is for: the VIP is taken away."""
    rs1 = site.host("rs1")
    rs1.check_output(f"rm {FILES[0]}; systemctl restart NetworkManager; {_READY}; nmcli device set tunl0 managed yes")
    rs1.check_output(f"systemctl restart NetworkManager; {_READY}")
    assert look(site) != before
    assert VIP not in rs1.check_output("ip -4 address show dev tunl0")


def test_teardown(site: Site) -> None:
    """No file is left, and the folders of NetworkManager are."""
    site.playbook("teardown", lvs_confirm=True)
    for name in ("ds1", "rs1"):
        host = site.host(name)
        assert host.run("grep -rl 'Made by lvs.cluster' /etc /var/lib/lvs.cluster 2>/dev/null").stdout == ""
        assert host.file("/etc/NetworkManager/conf.d").is_directory

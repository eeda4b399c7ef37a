# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd-networkd manages all devices of the hosts, and takes nothing of the collection away."""

from __future__ import annotations

import pytest

from .conftest import ADDRESSES, VIP, Site
from .undisturbed import add_tunnel, answered, know_devices, look, on_hosts

_CONFIGURE = """
systemctl unmask systemd-networkd
cat >/etc/systemd/network/40-lan.network <<END
[Match]
Name=eth0
[Network]
Address={}/24
END
cat >/etc/systemd/network/50-all.network <<END
[Match]
Name=*
[Network]
LinkLocalAddressing=no
END
systemctl enable --now systemd-networkd
/lib/systemd/systemd-networkd-wait-online --interface=eth0 --timeout=60
"""


@pytest.fixture(scope="module")
def before(site: Site) -> dict[str, list[str]]:
    """The cluster on these hosts."""
    for name in ("ds1", "rs1"):
        site.install(name, "udev")
        know_devices(site, name)
        site.host(name).check_output(_CONFIGURE.format(ADDRESSES[name]))
    site.playbook("site")
    add_tunnel(site)
    seen = look(site)
    for name, device in (("ds1", "tunl0"), ("rs1", "tunl0"), ("rs1", "lvsgre")):
        assert site.host(name).check_output(f"networkctl --no-legend list {device}").split()[-1] == "unmanaged"
    return seen


@pytest.mark.parametrize(
    "command",
    [
        "echo '#' >>/etc/systemd/network/50-all.network; networkctl reload",
        "networkctl reconfigure eth0 tunl0",
        "systemctl restart systemd-networkd",
    ],
)
def test_nothing_is_lost(site: Site, before: dict[str, list[str]], command: str) -> None:
    """Of what the collection has set up, and of the requests meanwhile."""
    with answered(site):
        on_hosts(site, f"{command}; sleep 2")
    assert look(site) == before


def test_boot(site: Site, before: dict[str, list[str]]) -> None:
    """systemd-networkd starts before the devices and VIPs are restored."""
    site.restart("ds1", "rs1")
    assert look(site) == before
    assert site.answers() == ["rs1"] * 5


def test_without_the_file(site: Site, before: dict[str, list[str]]) -> None:
    """What it is for: the VIP is taken away."""
    gone = f"while ip -4 address show dev tunl0 | grep {VIP}; do sleep 0.2; done"
    removed = "rm /etc/systemd/network/00-lvs-tunl0.network; networkctl reload"
    site.host("rs1").check_output(f"{removed}; timeout 30 sh -c '{gone}'")
    assert look(site) != before

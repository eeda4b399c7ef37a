# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ifupdown manages the hosts' network, and takes nothing of the collection away."""

from __future__ import annotations

import pytest

from .conftest import ADDRESSES, Site
from .undisturbed import answered, look, on_hosts

# The container has its address from the start.
_INTERFACES = """
mkdir -p /etc/network
cat >/etc/network/interfaces <<END
auto lo eth0
iface lo inet loopback
iface eth0 inet static
    address {}/24
    pre-up ip address flush dev eth0 scope global
END
"""


@pytest.fixture(scope="module")
def before(site: Site) -> dict[str, list[str]]:
    """The cluster on these hosts."""
    for name in ("ds1", "rs1"):
        site.host(name).check_output(_INTERFACES.format(ADDRESSES[name]))
        site.install(name, "ifupdown")
        site.host(name).check_output("systemctl restart networking")
    site.playbook("site")
    return look(site)


@pytest.mark.parametrize("command", ["ifdown eth0; ifup eth0", "systemctl restart networking"])
def test_nothing_is_lost(site: Site, before: dict[str, list[str]], command: str) -> None:
    """Of what the collection has set up, and of the requests meanwhile: TCP sends again what was lost."""
    with answered(site):
        on_hosts(site, command)
    assert look(site) == before


def test_boot(site: Site, before: dict[str, list[str]]) -> None:
    """The network is up before the devices and VIPs are restored."""
    site.restart("ds1", "rs1")
    assert look(site) == before
    assert site.answers() == ["rs1"] * 5

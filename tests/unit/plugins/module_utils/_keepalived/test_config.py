# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of keepalived.conf, and what is read of it again."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given

from ansible_collections.lvs.cluster.plugins.module_utils._core.textfile import is_made_here
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived import config
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.config import ConfigFile
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.model import (
    RouterVip,
    VirtualRouter,
    advertised_in,
    vips_in,
)
from tests.unit import strategies

DIP, OTHER_DIP, THIRD_DIP = map(ip_address, ("192.0.2.2", "192.0.2.3", "192.0.2.4"))
VIP, VIP6 = ip_address("192.0.2.80"), ip_address("2001:db8::80")
ROUTER = VirtualRouter(51, DIP, (OTHER_DIP, THIRD_DIP), vips=(RouterVip(VIP), RouterVip(VIP6, "eth1")))
WHOLE = """\
# Made by lvs.cluster.keepalived: what is changed here is lost.

global_defs {
    vrrp_version 3
    vrrp_priority -20
    vrrp_no_swap
}

track_file lvs_standby {
    file "/run/lvs.cluster.standby"
    weight 0
    init_file 0
}

track_file lvs_stopping {
    file "/run/lvs.cluster.stopping"
    weight 0
    init_file 0 overwrite
}

vrrp_instance lvs_51 {
    state BACKUP
    nopreempt
    interface eth0
    virtual_router_id 51
    priority 100
    advert_int 0.1
    unicast_src_ip 192.0.2.2
    check_unicast_src
    unicast_peer {
        192.0.2.3
        192.0.2.4
    }
    garp_master_delay 1
    garp_master_refresh 1
    track_file {
        lvs_standby
        lvs_stopping
    }
    virtual_ipaddress {
        169.254.255.51/32 dev lo scope host
    }
    virtual_ipaddress_excluded {
        192.0.2.80/32 dev eth0
        2001:db8::80/128 dev eth1
    }
}
"""


def lines(**changed: object) -> list[str]:
    """The lines of a configuration, without their indentation."""
    return [line.strip() for line in whole(replace(ROUTER, **changed), "eth0").splitlines()]  # type: ignore[arg-type]


def block(name: str, text: list[str]) -> list[str]:
    """The lines in a block."""
    start = text.index(f"{name} {{") + 1
    return text[start : text.index("}", start)]


def whole(router: VirtualRouter, device: str) -> str:
    """A file that has a virtual router and nothing else."""
    return config.Parts(config.router_part(router, device)).text


def test_text() -> None:
    assert whole(ROUTER, "eth0") == WHOLE
    assert is_made_here(WHOLE, "keepalived")


def test_multicast() -> None:
    """Without peers; the source is the same."""
    text = lines(peers=())
    assert "mcast_src_ip 192.0.2.2" in text
    assert not {line for line in text if "unicast" in line}


def test_preemption() -> None:
    """Also then, a director that starts waits for the advertisements of another one."""
    text = lines(preempt=True, priority=99)
    assert "nopreempt" not in text
    assert {"state BACKUP", "priority 99"} <= set(text)


def test_version_2_with_a_secret() -> None:
    text = lines(version=2, interval=1.0, secret="s3cret")
    assert {"vrrp_version 2", "advert_int 1"} <= set(text)
    assert block("authentication", text) == ["auth_type PASS", "auth_pass s3cret"]
    assert "authentication {" not in lines()


def test_source_of_ipv6() -> None:
    """The address that is advertised is of its family, and has no scope, which IPv6 addresses have of themselves."""
    text = lines(source=ip_address("2001:db8::2"), peers=(ip_address("2001:db8::3"),))
    assert "unicast_src_ip 2001:db8::2" in text
    assert block("unicast_peer", text) == ["2001:db8::3"]
    assert block("virtual_ipaddress", text) == ["fe80::a9fe:ff33/128 dev lo"]


def test_tracked_devices() -> None:
    """Its own one is tracked in any case."""
    assert block("track_interface", lines(track_devices=("eth1", "eth0", "tunl0"))) == ["eth1", "tunl0"]
    assert "track_interface {" not in lines(track_devices=("eth0",))


def test_device_of_the_virtual_router() -> None:
    """It comes before the one that has the source."""
    text = lines(device="eth2")
    assert "interface eth2" in text
    assert block("virtual_ipaddress_excluded", text) == ["192.0.2.80/32 dev eth2", "2001:db8::80/128 dev eth1"]


def test_no_vips() -> None:
    text = whole(replace(ROUTER, vips=()), "eth0")
    assert "virtual_ipaddress_excluded" not in text
    assert (vips_in(text), advertised_in(text)) == ([], ROUTER.advertised)


@given(strategies.virtual_routers(), strategies.plain_devices)
def test_what_is_written_is_read_again(router: VirtualRouter, device: str) -> None:
    text = whole(router, device)
    assert vips_in(text) == [replace(vip, device=vip.device or router.device or device) for vip in router.vips]
    assert advertised_in(text) == router.advertised


@given(strategies.virtual_routers())
def test_secret_is_not_shown(router: VirtualRouter) -> None:
    """Neither in the diff nor among the commands."""
    secret = "s3cret!?"
    file = ConfigFile("file", whole(replace(router, secret=secret), "eth0"))
    assert secret in file.text
    assert secret not in f"{file.diff_line()}{file.command()}{file.identity()}"
    assert "auth_pass ********" in file.diff_line()


SERVICES = "virtual_server 192.0.2.80 80 {\n    protocol TCP\n}\n"


@pytest.mark.parametrize("router", ["", config.router_part(ROUTER, "eth0")])
@pytest.mark.parametrize(
    "services", ["", config.services_part(SERVICES, []), config.services_part(SERVICES, ["script_user root"])]
)
def test_parts_are_found_again(router: str, services: str) -> None:
    """Each by itself: what an option does not name stays as it is."""
    parts = config.Parts(router, services)
    assert config.Parts.of(parts.text) == parts
    assert bool(parts.text) == bool(router or services)


def test_programs_of_the_user_have_global_lines() -> None:
    part = config.services_part(SERVICES, ["script_user root"])
    assert part == f"global_defs {{\n    script_user root\n}}\n\n{SERVICES}"


@pytest.mark.parametrize("line", ["auth_pass s3cret", "    auth_pass\ts3cret", "auth_pass   s3cret  # s3cret"])
def test_secrets_are_not_shown(line: str) -> None:
    """Nor are those of somebody else, whose configuration is kept as a copy."""
    file = ConfigFile("/etc/x.conf", f"authentication {{\n{line}\n}}\n")
    assert "s3cret" in file.text
    assert "s3cret" not in f"{file.lines}{file.command()}{file.diff_line()}"
    assert len(file.lines) == 3

# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What takes effect later than our file when a host boots."""

from __future__ import annotations

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.boot_order import overrides

OURS = "".join(
    f"net.ipv4.conf.{where}.{name} = {value}\n"
    for name, value in (("arp_ignore", 1), ("rp_filter", 0))
    for where in ("all", "tunl0")
)
LATE = "/etc/sysctl.d/99-late.conf"
UFW = {"/etc/ufw/ufw.conf": "# x\nENABLED=yes\n"}


def places(files: dict[str, str], ours: str = OURS, device: str = "tunl0") -> list[str]:
    """The file and line of each warning."""
    path = f"/etc/sysctl.d/90-lvs-{device}.conf"
    return [message.split(": ")[0] for message in overrides(device, path, {path: ours, **files})]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("net.ipv4.conf.all.rp_filter = 1", [1]),
        ("net.ipv4.conf.tunl0.rp_filter=2", [1]),
        ("net/ipv4/conf/all/rp_filter=1", [1]),
        ("\n# net.ipv4.conf.all.rp_filter=1\n ; x = 1\n -net.ipv4.conf.all.rp_filter =  1 ", [4]),
        ("net.ipv4.conf.all.rp_filter=0", []),
        ("net.ipv4.conf.*.rp_filter=1", []),
        ("-net.ipv4.conf.all.rp_filter", []),
        ("net.ipv4.conf.eth0.rp_filter=1\nnet.ipv4.conf.default.rp_filter=1", []),
        ("net.ipv4.conf.all.rp_filter=1\nnet.ipv4.conf.all.rp_filter=0", []),
        ("net.ipv4.conf.all.rp_filter=strict\n=\n[x]\n", []),
        # For the device, all has 1 still; for the one that the request comes in on, all has nothing else.
        ("net.ipv4.conf.tunl0.arp_ignore=0", []),
        ("net.ipv4.conf.all.arp_ignore=0", [1]),
        ("net.ipv4.conf.tunl0.arp_ignore=2", [1]),
    ],
)
def test_lines_that_override_ours(text: str, lines: list[int]) -> None:
    """As sysctl.d(5) has them; only another effective value counts."""
    assert places({LATE: text}) == [f"{LATE}, line {number}" for number in lines]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"/etc/sysctl.d/10-early.conf": "1"}, []),
        ({"/usr/lib/sysctl.d/99-late.conf": "1"}, ["/usr/lib/sysctl.d/99-late.conf"]),
        ({"/usr/lib/sysctl.d/99-late.conf": "1", LATE: ""}, []),
        ({"/usr/lib/sysctl.d/99-late.conf": "0", "/run/sysctl.d/99-late.conf": "1"}, ["/run/sysctl.d/99-late.conf"]),
        ({LATE: "1", "/etc/sysctl.conf": "0"}, []),
        ({"/etc/sysctl.conf": "1"}, ["/etc/sysctl.conf"]),
        ({"/etc/sysctl.d/sub/99-late.conf": "1"}, []),
        ({**UFW, "/etc/ufw/sysctl.conf": "1"}, ["/etc/ufw/sysctl.conf"]),
        ({"/etc/ufw/ufw.conf": "ENABLED=no", "/etc/ufw/sysctl.conf": "1"}, []),
        ({"/etc/ufw/sysctl.conf": "1"}, []),
    ],
)
def test_files_that_are_read_later(files: dict[str, str], expected: list[str]) -> None:
    """By their base names, whatever the directory."""
    texts = {path: f"net.ipv4.conf.all.rp_filter={text}" if text in ("0", "1") else text for path, text in files.items()}
    assert places(texts) == [f"{path}, line 1" for path in expected]


@pytest.mark.parametrize(
    ("match", "setting", "overrides_it"),
    [
        ("Name=tunl0", "strict", True),
        ("Name=eth* tun*", "loose", True),
        ("Name=eth*\nName=tunl0", "1", True),
        ("Name=!eth0 !eth1", "yes", True),
        ("Name=!tunl0", "strict", False),
        ("Name=eth0", "strict", False),
        ("MACAddress=02:00:00:00:00:01", "strict", False),
        ("Name=tunl0", "no", False),
        ("Name=tunl0", "whatever", False),
    ],
)
def test_what_networkd_sets(match: str, setting: str, overrides_it: bool) -> None:
    """The first file that matches the device is its own."""
    path = "/etc/systemd/network/50-x.network"
    text = f"# x\n[Match]\n{match}\n\n[Network]\nDHCP=yes\nIPv4ReversePathFilter={setting}\n"
    line = text.splitlines().index(f"IPv4ReversePathFilter={setting}") + 1
    assert places({path: text}) == ([f"{path}, line {line}"] if overrides_it else [])
    assert places({path: text, "/run/systemd/network/10-x.network": "[Match]\nName=tunl0\n[Network]\nDHCP=no\n"}) == []


def test_loose_mode_is_overridden_on_the_device_alone() -> None:
    """All may have what it likes."""
    ours = "net/ipv4/conf/eth0.7/rp_filter = 2\n"
    assert places({LATE: "net.ipv4.conf.all.rp_filter=1"}, ours, "eth0.7") == []
    assert places({LATE: "net.ipv4.conf.eth0/7.rp_filter=1"}, ours, "eth0.7") == [f"{LATE}, line 1"]

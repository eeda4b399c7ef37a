# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way around what pyroute2 before 0.6.10 does differently."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import MissingLibrary
from ansible_collections.lvs.cluster.plugins.module_utils._net import old_pyroute2

OLD, NEW = (0, 5, 14), (0, 6, 10)


class IPRoute:
    """Stands for pyroute2's: it has the calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any, dict[str, Any]]] = []

    def link(self, command: Any, **attributes: Any) -> None:
        """Of a device."""
        self.calls.append(("link", command, attributes))

    def addr(self, command: Any, **attributes: Any) -> None:
        """Of an address."""
        self.calls.append(("addr", command, attributes))

    def route(self, command: Any, **attributes: Any) -> None:
        """Of a route."""
        self.calls.append(("route", command, attributes))


@pytest.mark.parametrize(
    ("text", "found"),
    [("0.5.14", (0, 5, 14)), ("0.6.10", (0, 6, 10)), ("0.9.7", (0, 9, 7)), ("0.7.2.post1", (0, 7, 2)), ("unknown", None)],
)
def test_installed(monkeypatch: pytest.MonkeyPatch, text: str, found: tuple[int, ...] | None) -> None:
    """The numbers of a version, which compare as such."""
    monkeypatch.setattr(old_pyroute2, "version", {"pyroute2": text}.__getitem__)
    assert old_pyroute2.installed() == found


def test_nothing_says_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where it is no package, but a folder."""

    def version(_name: str) -> str:
        raise PackageNotFoundError

    monkeypatch.setattr(old_pyroute2, "version", version)
    assert old_pyroute2.installed() is None


@pytest.mark.parametrize("found", [NEW, (0, 7, 2), (0, 9, 7), (1, 0), None])
def test_new_one_as_it_is(found: tuple[int, ...] | None) -> None:
    """One without a version, too."""
    assert old_pyroute2.fitting(IPRoute, found) is IPRoute


@pytest.mark.parametrize("found", [OLD, (0, 6, 4), (0, 6, 9)])
def test_deletion(found: tuple[int, ...]) -> None:
    """With NLM_F_REQUEST | NLM_F_ACK alone, as RTM_DELLINK, RTM_DELADDR and RTM_DELROUTE; other commands have their names."""
    ip = old_pyroute2.fitting(IPRoute, found)()
    for kind in ("link", "addr", "route"):
        for command in ("add", "del"):
            getattr(ip, kind)(command, index=7)
    assert ip.calls == [
        *[("link", "add", {"index": 7}), ("link", (17, 5), {"index": 7})],
        *[("addr", "add", {"index": 7}), ("addr", (21, 5), {"index": 7})],
        *[("route", "add", {"index": 7}), ("route", (25, 5), {"index": 7})],
    ]


def test_lifetimes() -> None:
    """With the kernel's names, which newer ones give them."""
    lifetimes = {"preferred": 0, "valid": 9}
    ip = old_pyroute2.fitting(IPRoute, OLD)()
    ip.addr("replace", **lifetimes, cacheinfo=lifetimes)
    assert ip.calls == [("addr", "replace", {**lifetimes, "cacheinfo": {"ifa_preferred": 0, "ifa_valid": 9}})]
    assert lifetimes == {"preferred": 0, "valid": 9}


def test_one_that_is_too_old() -> None:
    """It says which, and what to do."""
    with pytest.raises(MissingLibrary, match=r"pyroute2 .* \(0\.5\.9 is too old, 0\.5\.14 or newer is needed\)"):
        old_pyroute2.fitting(IPRoute, (0, 5, 9))

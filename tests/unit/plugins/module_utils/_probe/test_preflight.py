# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as a whole, where there is nothing to send."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import NotPermitted
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Destination, DestinationKey, ServiceKey
from ansible_collections.lvs.cluster.plugins.module_utils._probe import preflight
from ansible_collections.lvs.cluster.plugins.module_utils._probe.preflight import ARGUMENT_SPEC, read

from ....helpers import refused
from .test_preflight_options import PATH

pytestmark = pytest.mark.usefixtures("network")
DEFAULTS = {name: spec.get("default") for name, spec in ARGUMENT_SPEC.items()}


def options(**given: Any) -> dict[str, Any]:
    return {**DEFAULTS, **given}


def test_nothing_to_check() -> None:
    assert read(options()) == {"paths": [], "holders": {}, "links": [], "unchecked": [], "warnings": []}


def test_findings_are_evaluated() -> None:
    with refused("paths[0] (rs1), rip", "127.0.0.1 is an address of this host itself"):
        read(options(paths=[{**PATH, "rip": "127.0.0.1"}]))


def test_options_are_read() -> None:
    with refused("timeout", "0 is not in 0.1..30 seconds"):
        read(options(timeout=0))


WEB = ServiceKey.of({"vip": "192.168.56.185", "port": 80})


class Ipvs:
    """An IPVS table with one service, whose only destination is drained."""

    opened = 0
    error: Exception | None = None

    def __enter__(self) -> Ipvs:
        Ipvs.opened += 1
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def services(self) -> list[Any]:
        if self.error is not None:
            raise self.error
        return [type("Service", (), {"key": WEB})]

    def destinations_of_all(self, services: Iterable[ServiceKey]) -> dict[DestinationKey, Destination]:
        keys = [DestinationKey(service, ip_address("127.0.0.1"), 80) for service in services]
        return {key: Destination(key, weight=0) for key in keys}


@pytest.fixture
def ipvs(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(preflight, "IpvsBackend", Ipvs)
    monkeypatch.setattr(preflight, "is_loaded", lambda: True)
    monkeypatch.setattr(Ipvs, "opened", 0)
    return monkeypatch


FAULTY: dict[str, Any] = {"paths": [{**PATH, "rip": "127.0.0.1"}]}


@pytest.mark.usefixtures("ipvs")
def test_drained_real_servers_are_those_of_the_table() -> None:
    (warning,) = read(options(**FAULTY, drained="warn"))["warnings"]
    assert warning.endswith(": rs1 is drained, so this is only a warning")
    assert Ipvs.opened == 1


@pytest.mark.usefixtures("ipvs")
def test_table_is_not_read_without_need() -> None:
    with refused("paths[0] (rs1), rip", "127.0.0.1 is an address"):
        read(options(**FAULTY))
    assert Ipvs.opened == 0


def test_ipvs_is_not_loaded_for_it(ipvs: pytest.MonkeyPatch) -> None:
    ipvs.setattr(preflight, "is_loaded", lambda: False)
    with refused("paths[0] (rs1), rip", "127.0.0.1 is an address"):
        read(options(**FAULTY, drained="warn"))
    assert Ipvs.opened == 0


def test_no_real_server_is_drained_in_a_table_that_may_not_be_read(ipvs: pytest.MonkeyPatch) -> None:
    ipvs.setattr(Ipvs, "error", NotPermitted("IPVS"))
    with refused("paths[0] (rs1), rip", "127.0.0.1 is an address"):
        read(options(**FAULTY, drained="warn"))
    assert read(options(drained="warn"))["warnings"] == []

# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keepalived owns, and what is done to it: weights are changed, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Change
from ansible_collections.lvs.cluster.plugins.module_utils._core.textfile import header
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import keepalived_changes, keepalived_file, keepalived_table
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.keepalived_changes import KeepalivedTable
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import (
    Destination,
    DestinationKey,
    IpvsItem,
    Service,
    ServiceKey,
)

WEB = ServiceKey(4, "tcp", ip_address("192.0.2.1"), 80)
OTHER = ServiceKey(4, "tcp", ip_address("192.0.2.1"), 81)
RS1, RS2 = (DestinationKey(WEB, ip_address(rip), 80) for rip in ("10.0.0.1", "10.0.0.2"))
CONFIG = """
virtual_server 192.0.2.1 80 {
    protocol TCP
    real_server 10.0.0.1 80 {
        weight 5
        lvs_method TUN
        FILE_CHECK {
            track_file rs1
            weight 1
        }
    }
    real_server 10.0.0.2 80 {
        weight 2
        lvs_method NAT
        FILE_CHECK {
            track_file rs2
            weight 1
        }
    }
}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with this configuration."""
    monkeypatch.setattr(keepalived_table, "WEIGHT_FOLDER", str(tmp_path / "weights"))
    monkeypatch.setattr(keepalived_file, "CONFIG_FILE", str(tmp_path / "keepalived.conf"))
    monkeypatch.setattr(keepalived_changes, "_SETTLING", 0.1)
    (tmp_path / "keepalived.conf").write_text(header("keepalived") + CONFIG)
    return tmp_path


DESTINATION = Destination(RS1, weight=5)
DRAINED = replace(DESTINATION, weight=0, former_weight=5)
DRAIN: Change[IpvsItem] = Change(DESTINATION, DRAINED)
RESTORE: Change[IpvsItem] = Change(DRAINED, DESTINATION)


@pytest.mark.usefixtures("folder")
def test_other_services_belong_to_nobody() -> None:
    table = KeepalivedTable()
    assert table.owns(DRAIN)
    assert table.owns(Change(None, Service(WEB)))
    assert not table.owns(Change(None, Service(OTHER)))
    assert not table.owns(Change(None, Destination(DestinationKey(OTHER, RS1.rip, 81))))


@pytest.mark.parametrize("text", [None, CONFIG, ""])
def test_configuration_of_somebody_else_owns_nothing(folder: Path, text: str | None) -> None:
    """Or none at all."""
    file = folder / "keepalived.conf"
    file.unlink() if text is None else file.write_text(text)
    assert not KeepalivedTable().owns(DRAIN)


@pytest.mark.parametrize(
    "change",
    [
        Change(None, Service(WEB)),
        Change(Service(WEB), None),
        Change(Service(WEB), Service(WEB, scheduler="rr")),
        Change(None, DESTINATION),
        Change(DESTINATION, None),
        Change(DESTINATION, replace(DESTINATION, weight=7, lower_threshold=1)),
        Change(DRAINED, replace(DRAINED, upper_threshold=1)),
        Change(DESTINATION, replace(DRAINED, forward="route")),
        Change(
            Destination(DestinationKey(WEB, ip_address("10.0.0.9"), 80)),
            replace(DRAINED, key=DestinationKey(WEB, ip_address("10.0.0.9"), 80)),
        ),
    ],
    ids=str,
)
@pytest.mark.usefixtures("folder")
def test_refused(change: Change[IpvsItem]) -> None:
    with pytest.raises(LvsError, match=r"keepalived owns -t 192\.0\.2\.1:80 on this director.*lvs_services.*Weights can be"):
        KeepalivedTable().check([DRAIN, change])


def test_services_that_checks_go_through_have_nothing_to_drain(folder: Path) -> None:
    through = "virtual_server fwmark 7 {\n    ip_family inet\n    real_server 10.0.0.1 0 {\n        weight 1\n    }\n}\n"
    (folder / "keepalived.conf").write_text(header("keepalived") + CONFIG + through)
    table = KeepalivedTable()
    assert table.is_of_checks(ServiceKey(4, fwmark=7))
    assert not any(map(table.is_of_checks, (WEB, OTHER)))


def test_drain_and_restore(folder: Path) -> None:
    """Each waits for the kernel."""
    table = KeepalivedTable()
    table.check([DRAIN, RESTORE])
    table.make([DRAIN], lambda key: DRAINED)
    assert (folder / "weights/rs1").read_text() == "-65535\n"
    table.make([RESTORE], lambda key: DESTINATION)
    assert (folder / "weights/rs1").read_text() == "0\n"
    with pytest.raises(LvsError, match=r"keepalived has not changed the weight of .*10\.0\.0\.1:80 after 0\.1 seconds"):
        table.make([DRAIN], lambda key: DESTINATION)


HEAVIER = replace(DESTINATION, weight=7)


@pytest.mark.parametrize(
    ("before", "after", "number"),
    [
        (DESTINATION, HEAVIER, 2),
        (HEAVIER, DESTINATION, 0),
        (DESTINATION, replace(DESTINATION, weight=1), -4),
        (DESTINATION, replace(DESTINATION, weight=0), -5),
        (DESTINATION, replace(DESTINATION, weight=65535), 65530),
        (HEAVIER, replace(DRAINED, former_weight=7), -65535),
        (replace(DRAINED, former_weight=7), HEAVIER, 2),
        (replace(DESTINATION, weight=0), replace(DRAINED, former_weight=0), -65535),
        (replace(DRAINED, former_weight=0), replace(DESTINATION, weight=0), -5),
    ],
)
def test_number_of_a_weight(folder: Path, before: Destination, after: Destination, number: int) -> None:
    """It is the difference from the configured one. A drain that is restored has the weight that it had."""
    table = KeepalivedTable()
    change: Change[IpvsItem] = Change(before, after)
    table.check([change])
    table.make([change], lambda key: after)
    assert (folder / "weights/rs1").read_text() == f"{number}\n"


@pytest.mark.usefixtures("folder")
def test_another_weight_than_told() -> None:
    with pytest.raises(LvsError, match="has not changed the weight of"):
        KeepalivedTable().make([Change(DESTINATION, HEAVIER)], lambda key: replace(HEAVIER, weight=6))


@pytest.mark.usefixtures("folder")
def test_weight_that_keepalived_does_not_take() -> None:
    with pytest.raises(LvsError, match="weight: 65536 is above 65535, the most that keepalived takes"):
        KeepalivedTable().check([Change(DESTINATION, replace(DESTINATION, weight=65536))])


def test_what_has_failed_has_the_weight_of_its_file(folder: Path) -> None:
    (folder / "weights").mkdir()
    (folder / "weights/rs2").write_text("3\n")
    assert KeepalivedTable().with_failed({}, [WEB])[RS2].weight == 5


def test_real_server_that_stays_with_weight_0_when_it_fails(folder: Path) -> None:
    """It has its weight when it is back, and nobody waits for that. A drain is no failure."""
    text = CONFIG.replace("    protocol TCP\n", "    protocol TCP\n    inhibit_on_failure\n")
    (folder / "keepalived.conf").write_text(header("keepalived") + text)
    table = KeepalivedTable()
    failed = replace(DESTINATION, weight=0)
    assert table.with_failed({RS1: failed}, [WEB])[RS1] == DESTINATION
    assert table.with_failed({RS1: HEAVIER}, [WEB])[RS1] == HEAVIER
    table.make([Change(DESTINATION, HEAVIER)], lambda key: failed)
    assert table.with_failed({RS1: failed}, [WEB])[RS1] == HEAVIER
    table.make([Change(HEAVIER, replace(DRAINED, former_weight=7))], lambda key: failed)
    assert table.with_failed({RS1: failed}, [WEB])[RS1].weight == 0


def test_what_has_failed_is_drained_when_it_is_back(folder: Path) -> None:
    table = KeepalivedTable()
    failed = table.with_failed({RS1: DESTINATION}, [WEB])
    assert failed == {RS1: DESTINATION, RS2: Destination(RS2, "masquerade", 2)}
    assert table.with_failed({}, [OTHER]) == {}
    table.make([Change(failed[RS2], replace(failed[RS2], weight=0, former_weight=2))], lambda key: None)
    assert (folder / "weights/rs2").read_text() == "-65535\n"
    assert table.with_failed({}, [WEB])[RS2].weight == 0


def test_file_of_somebody_else_that_is_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It owns nothing of this collection, and stops nobody who changes something else."""
    (tmp_path / "keepalived.conf").write_bytes("# für das Büro\n".encode("latin-1"))
    monkeypatch.setattr(keepalived_file, "CONFIG_FILE", str(tmp_path / "keepalived.conf"))
    assert (KeepalivedTable().owned, KeepalivedTable().engine) == ({}, "")

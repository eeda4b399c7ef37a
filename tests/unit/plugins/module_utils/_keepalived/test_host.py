# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a host, and in which order it is changed."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import program
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError, NotYetThere
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Change, Transition
from ansible_collections.lvs.cluster.plugins.module_utils._core.textfile import TextFile, header
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.config import ConfigFile
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.host import KeepalivedBackend, vrrp_state
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.model import (
    CONFIG_FILE,
    COPY_FILE,
    DROP_IN,
    RELOAD_FILE,
    STANDBY_FILE,
    UNIT,
    DueReload,
    KeepalivedContext,
    KeepalivedDesired,
    KeepalivedItem,
    KeepalivedSeen,
    RouterVip,
    Unit,
    VirtualRouter,
    drop_in,
    standby_file,
)

from .fake_host import ADVERTISED, DIP, FOREIGN, VIP, VIP2, Host

ROUTER = VirtualRouter(51, ip_address(DIP), vips=(RouterVip(ip_address(VIP)),))
CONFIG = f"{header('keepalived')}virtual_ipaddress {{\n    {ADVERTISED}/32 dev lo scope host\n}}\n"
FILE = ConfigFile(CONFIG_FILE, CONFIG)
RUNS, STOPPED, BY_HAND = Unit(UNIT), Unit(UNIT, running=False), Unit(UNIT, enabled=False)


def read(router: VirtualRouter | None = ROUTER, present: bool = True) -> KeepalivedSeen:
    """What the host has."""
    return KeepalivedBackend().read(KeepalivedDesired([], router=router, present=present))


def apply(*changes: Change[KeepalivedItem]) -> None:
    """Make these changes."""
    before = {change.item.key: change.before for change in changes if change.before is not None}
    KeepalivedBackend().apply(Transition([], KeepalivedSeen(before, KeepalivedContext()), changes))


def test_host_that_nobody_configured(host: Host) -> None:
    seen = read()
    context = seen.context
    assert seen.items == {}
    assert (context.version, context.device, context.systemd) == ((2, 2, 7), "eth0", True)
    assert (context.foreign, context.linked, context.advertised, context.refusal) == ("", False, None, "")
    assert context.vips == ROUTER.vips
    assert ip_address(DIP) in context.held
    assert host.events == []


@pytest.mark.parametrize(("enabled", "running"), [(True, True), (True, False), (False, True)])
def test_items(enabled: bool, running: bool, host: Host) -> None:
    """The files that this collection made, and the unit as soon as it is enabled, or runs."""
    texts = {CONFIG_FILE: CONFIG, STANDBY_FILE: "1\n", DROP_IN: drop_in().text, COPY_FILE: FOREIGN}
    for path, text in texts.items():
        host.put(path, text)
    host.enabled, host.running = enabled, running
    items = read().items
    assert {key: item.text for key, item in items.items() if isinstance(item, TextFile)} == texts
    assert items[UNIT] == Unit(UNIT, enabled, running)
    assert read().context.advertised == ip_address(ADVERTISED)


@pytest.mark.parametrize(("enabled", "running", "due"), [(True, True, True), (False, True, True), (True, False, False)])
def test_files_that_have_not_been_read(enabled: bool, running: bool, due: bool, host: Host) -> None:
    """By a keepalived that runs: one that starts reads them."""
    host.put(CONFIG_FILE, CONFIG)
    host.put(RELOAD_FILE, "")
    host.enabled, host.running = enabled, running
    found = read().items.get(RELOAD_FILE)
    assert found == (DueReload(RELOAD_FILE, "") if due else None)


def test_standby_alone(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither keepalived nor systemd is asked."""
    host.put(CONFIG_FILE, CONFIG)
    host.put(STANDBY_FILE, "0\n")
    monkeypatch.setattr(program, "run", None)
    monkeypatch.setattr(program, "spoken", None)
    seen = read(router=None)
    assert list(seen.items) == [STANDBY_FILE]
    assert seen.context.advertised == ip_address(ADVERTISED)


def test_removal_needs_no_keepalived(host: Host) -> None:
    host.printed = None
    host.put(CONFIG_FILE, CONFIG)
    assert list(read(None, present=False).items) == [CONFIG_FILE]
    assert host.tested == []


@pytest.mark.usefixtures("host")
def test_source_of_another_host() -> None:
    """Unless the device is named."""
    with pytest.raises(LvsError, match=r"^source: 192\.0\.2\.9 is no address of this host: set lvs_dip to the address"):
        read(VirtualRouter(51, ip_address("192.0.2.9")))
    assert read(VirtualRouter(51, ip_address("192.0.2.9"), device="eth7")).context.device == "eth7"


def test_keepalived_is_not_installed(host: Host) -> None:
    host.printed = None
    with pytest.raises(NotYetThere, match=r"^keepalived is not installed: install keepalived 2\.2\.7 or newer"):
        read()


@pytest.mark.parametrize("printed", ["", "keepalived: error while loading shared libraries"])
def test_version_that_is_not_known(printed: str, host: Host) -> None:
    host.printed = printed
    assert read().context.version == ()


def test_keepalived_reads_the_new_file_first(host: Host) -> None:
    """One that nobody else reads, as it may have a secret, and that is gone afterwards. What it says names the real file."""
    host.refusal = "({path}: Line 9) Unknown keyword 'x'\n"
    context = read().context
    assert host.tested == [(context.text, 0o600)]
    assert context.refusal == f"({CONFIG_FILE}: Line 9) Unknown keyword 'x'"


def test_refusal_without_a_word(host: Host) -> None:
    host.refusal = " "
    assert read().context.refusal == "no reason"


def test_no_temporary_file_is_left(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where keepalived could not be asked."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    read()
    assert len(host.tested) == 1

    def spoken(_name: str, *arguments: str, timeout: float) -> tuple[str, bool]:
        if arguments == ("--version",):
            return "Keepalived v2.2.7", timeout > 0
        raise LvsError("no answer")

    monkeypatch.setattr(program, "spoken", spoken)
    with pytest.raises(LvsError, match="no answer"):
        read()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_configuration_that_is_there_already_is_not_checked_again(host: Host) -> None:
    host.put(CONFIG_FILE, read().context.text)
    host.tested.clear()
    assert read().context.refusal == ""
    assert host.tested == []


@pytest.mark.parametrize(
    "text",
    [
        FOREIGN,
        CONFIG.partition("\n")[2],
        f"\n{CONFIG}",
        f"! Changed by hand\n{CONFIG}",
        CONFIG.replace("Made by", "Edited by hand, made by", 1),
    ],
)
def test_configuration_of_somebody_else(text: str, host: Host) -> None:
    """Also one that this collection wrote, and whose first line somebody changed: its VIPs are not read."""
    host.put(CONFIG_FILE, text)
    seen = read()
    assert seen.items == {}
    assert (seen.context.foreign, seen.context.advertised) == (text, None)
    assert seen.context.vips == ROUTER.vips
    assert read(None, present=False).items == {}


def test_empty_configuration_is_nobodys(host: Host) -> None:
    host.put(CONFIG_FILE, "")
    assert read().context.foreign == ""
    assert read().items == {}


@pytest.mark.parametrize("target", [CONFIG, None])
def test_symbolic_link(target: str | None, host: Host) -> None:
    """Whatever it leads to is another program's, and so is one that leads nowhere."""
    link = host.path(CONFIG_FILE)
    link.parent.mkdir(parents=True)
    link.symlink_to(link.with_name("other.conf"))
    if target is not None:
        link.with_name("other.conf").write_text(target)
    assert read().context.linked
    assert CONFIG_FILE not in read().items
    assert CONFIG_FILE not in read(None, present=False).items


def test_configuration_that_cannot_be_read(host: Host) -> None:
    """The message names the file."""
    file = host.path(CONFIG_FILE)
    file.mkdir(parents=True)
    with pytest.raises(LvsError, match=rf"^{file}: Is a directory"):
        read()
    file.rmdir()
    file.write_bytes("# für\n".encode("latin-1"))
    with pytest.raises(LvsError, match=rf"^{file}: has bytes that are not UTF-8: write it in UTF-8, or move it away"):
        read()


def test_drop_in_of_somebody_else(host: Host) -> None:
    """It is in the way only where one is wanted."""
    host.put(DROP_IN, "[Service]\n")
    with pytest.raises(LvsError, match=re.escape(f"{DROP_IN} is there and was not made by this collection")):
        read()
    assert read(None, present=False).items == {}


def test_first_configuration(host: Host) -> None:
    """Files, units, start: in this order. Nothing is left to reload."""
    apply(
        Change(None, standby_file(False)),
        Change(None, ConfigFile(COPY_FILE, FOREIGN)),
        Change(None, drop_in()),
        Change(None, FILE),
        Change(None, RUNS),
    )
    assert host.events == [
        f"write {STANDBY_FILE}",
        f"write {COPY_FILE}",
        f"write {DROP_IN}",
        f"write {CONFIG_FILE}",
        "daemon-reload",
        f"enable --now {UNIT}",
    ]
    modes = {path: host.path(path).stat().st_mode & 0o777 for path in (CONFIG_FILE, COPY_FILE, DROP_IN, STANDBY_FILE)}
    assert modes == {CONFIG_FILE: 0o600, COPY_FILE: 0o600, DROP_IN: 0o644, STANDBY_FILE: 0o644}
    assert host.config == CONFIG


RELOADED = [f"reload {UNIT}", f"remove {RELOAD_FILE}"]
OTHER_TEXT = ConfigFile(CONFIG_FILE, header("keepalived"))
CHANGED: Change[KeepalivedItem] = Change(OTHER_TEXT, FILE)


@pytest.mark.parametrize(
    ("unit", "change", "told"),
    [
        (RUNS, None, RELOADED),
        (STOPPED, Change(STOPPED, RUNS), [f"enable --now {UNIT}"]),
        # Started by hand: enabling it does not have it read its configuration.
        (BY_HAND, Change(BY_HAND, RUNS), [f"enable --now {UNIT}", *RELOADED]),
        (None, Change(None, RUNS), [f"enable --now {UNIT}"]),
    ],
)
def test_changed_configuration(unit: Unit | None, change: Change[KeepalivedItem] | None, told: list[str], host: Host) -> None:
    """A keepalived that runs is reloaded, never restarted, and one that was started is not reloaded."""
    if unit is not None:
        host.enabled, host.running = unit.enabled, unit.running
    seen = KeepalivedSeen({CONFIG_FILE: OTHER_TEXT, **({UNIT: unit} if unit else {})}, KeepalivedContext())
    KeepalivedBackend().apply(Transition([], seen, [CHANGED, *([change] if change else [])]))
    noted = [f"write {RELOAD_FILE}"] if unit is not None and unit.running else []
    assert host.events == [*noted, f"write {CONFIG_FILE}", *told]


def test_changed_drop_in(host: Host) -> None:
    """Systemd reads it, keepalived does not."""
    host.enabled = host.running = True
    apply(Change(TextFile(DROP_IN, header("keepalived")), drop_in()))
    unit: KeepalivedSeen = KeepalivedSeen({UNIT: RUNS}, KeepalivedContext())
    host.events.clear()
    KeepalivedBackend().apply(Transition([], unit, [Change(None, drop_in())]))
    assert host.events == [f"write {RELOAD_FILE}", f"write {DROP_IN}", "daemon-reload", f"remove {RELOAD_FILE}"]


def test_changed_drop_in_and_configuration(host: Host) -> None:
    host.enabled = host.running = True
    seen = KeepalivedSeen({UNIT: RUNS}, KeepalivedContext())
    KeepalivedBackend().apply(Transition([], seen, [Change(None, drop_in()), CHANGED]))
    assert host.events == [f"write {RELOAD_FILE}", f"write {DROP_IN}", f"write {CONFIG_FILE}", "daemon-reload", *RELOADED]


def test_removal(host: Host) -> None:
    """Keepalived ends before its files go."""
    host.enabled = host.running = True
    for path in (CONFIG_FILE, DROP_IN, STANDBY_FILE):
        host.put(path, "")
    apply(Change(RUNS, None), Change(FILE, None), Change(drop_in(), None), Change(standby_file(True), None))
    assert host.events == [
        f"disable --now {UNIT}",
        f"remove {CONFIG_FILE}",
        f"remove {DROP_IN}",
        f"remove {STANDBY_FILE}",
        "daemon-reload",
    ]


def test_wait(host: Host) -> None:
    """As long as it takes, and no longer than it may."""
    backend, vip = KeepalivedBackend(), ip_address(VIP2)
    host.due.append((0.7, lambda: host.held.add(vip)))
    held = backend.wait(lambda held: vip in held, 2.0)
    assert held is not None
    assert vip in held
    assert 0.7 <= host.clock < 0.8
    assert backend.wait(lambda held: vip not in held, 2.0) is None
    assert 2.7 <= host.clock < 3.0


@pytest.mark.parametrize(
    ("held", "running", "state"),
    [({ADVERTISED}, True, "active"), (set(), True, "standby"), (set(), False, "stopped")],
)
def test_whether_the_host_holds_the_vips(held: set[str], running: bool, state: str, host: Host) -> None:
    host.path(CONFIG_FILE).parent.mkdir(parents=True)
    host.path(CONFIG_FILE).write_text(CONFIG)
    host.held, host.running = {ip_address(address) for address in held}, running
    assert vrrp_state() == state


def test_host_without_a_virtual_router(host: Host) -> None:
    assert vrrp_state() == ""
    host.path(CONFIG_FILE).parent.mkdir(parents=True)
    host.path(CONFIG_FILE).write_text(FOREIGN)
    assert vrrp_state() == ""
    host.path(CONFIG_FILE).write_bytes(b"\xff")
    assert vrrp_state() == ""

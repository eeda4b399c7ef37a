# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module, from its options to its result, on hosts in memory."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, NoReturn

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import systemd
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError, NotYetThere
from ansible_collections.lvs.cluster.plugins.module_utils._core.module import checked
from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Facts
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.keepalived import ARGUMENT_SPEC, Keepalived
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.model import (
    CONFIG_FILE,
    COPY_FILE,
    DROP_IN,
    RELOAD_FILE,
    STANDBY_FILE,
    STOPPING_FILE,
    UNIT,
)
from tests.unit.helpers import all_refused, refused

from .fake_host import ADVERTISED, DIP, FOREIGN, OTHER_DIP, VIP, VIP2, VIP6, VRRP, Host

VIPS = [{"vip": VIP}, {"vip": VIP6}]
CONFIGURED = [f"write {DROP_IN}", f"write {CONFIG_FILE}", "daemon-reload", f"enable --now {UNIT}"]
RELOADED = [f"write {RELOAD_FILE}", f"write {CONFIG_FILE}", f"reload {UNIT}", f"remove {RELOAD_FILE}"]
VERSION_2: Facts = {**VRRP, "version": 2, "advert_interval": 1}


@pytest.fixture
def director(host: Host) -> Host:
    """A host on which keepalived is configured, and active."""
    assert host.run(vrrp=VRRP, vips=VIPS)["active"] is True
    return host


def refuse(reason: str) -> NoReturn:
    """Fail as systemctl does."""
    raise LvsError(reason)


def parse(**options: Any) -> None:
    """Read options as Ansible hands them over."""
    Keepalived().parse(checked(ARGUMENT_SPEC, options, "options"))


@pytest.mark.parametrize(
    ("options", "option", "message"),
    [
        ({}, "vrrp", "is missing: describe the virtual router, or services, or give standby alone"),
        ({"standby": True, "vips": VIPS}, "vips", "2 rows need a virtual router: describe it with vrrp"),
        ({"state": "absent", "vips": VIPS[:1]}, "vips", "1 rows need a virtual router"),
        ({"state": "absent", "vrrp": VRRP}, "state", "absent cannot go with vrrp, services or standby: leave them out"),
        ({"state": "absent", "standby": False}, "state", "absent cannot go with vrrp, services or standby"),
        ({"vrrp": {**VRRP, "peers": [DIP]}}, "vrrp, peers", "is this director's own address"),
        ({"vrrp": VRRP, "vips": [{"vip": "web"}]}, "vips[0], vip", "'web' is not an IP address"),
    ],
)
def test_options_that_cannot_go_together(options: Facts, option: str, message: str) -> None:
    with refused(option, message):
        parse(**options)


def test_all_faults_at_once() -> None:
    with all_refused("vips[1], vip: 192.0.2.80 is vips[0] already", "vrrp: is missing:", "vips: 2 rows need"):
        parse(vips=[{"vip": VIP}, {"vip": VIP}])
    with all_refused("vrrp, id: 0 is not", "vrrp, priority: 255 is not", "vips[0], vip: is missing", "state: absent cannot"):
        parse(vrrp={**VRRP, "id": 0, "priority": 255}, vips=[{}], state="absent")


def test_first_run(host: Host) -> None:
    """The result has what was done, what keepalived is, and who holds the VIPs."""
    result = host.run(vrrp=VRRP, vips=VIPS)
    assert host.events == CONFIGURED
    assert {str(address) for address in host.held} == {ADVERTISED, VIP, VIP6}
    assert (result["changed"], result["active"], result["version"]) == (True, True, "2.2.7")
    assert [row["key"] for row in result["changes"]] == [{"path": DROP_IN}, {"path": CONFIG_FILE}, {"unit": UNIT}]
    assert result["commands"][-1] == f"systemctl enable --now {UNIT}"
    assert f"{CONFIG_FILE}:         {VIP}/32 dev eth0" in result["diff"]["after"]
    assert host.path(CONFIG_FILE).stat().st_mode & 0o777 == 0o600


def test_second_run(director: Host) -> None:
    """It changes nothing, tests nothing, and waits for nothing."""
    before, tested = director.clock, len(director.tested)
    result = director.run(vrrp=VRRP, vips=VIPS)
    assert (result["changed"], result["commands"], director.events) == (False, [], [])
    assert "active" not in result
    assert (director.clock, len(director.tested)) == (before, tested)


def test_unit_that_does_not_run(director: Host) -> None:
    """It is started, with the configuration that is there."""
    director.running = False
    director.held.clear()
    result = director.run(vrrp=VRRP, vips=VIPS)
    assert (director.events, result["active"]) == ([f"enable --now {UNIT}"], True)


def test_unit_that_is_not_enabled(director: Host) -> None:
    """Keepalived goes on meanwhile."""
    director.enabled = False
    result = director.run(vrrp=VRRP, vips=VIPS)
    assert (director.events, director.enabled, result["active"]) == ([f"enable --now {UNIT}"], True, True)


@pytest.mark.parametrize(
    ("options", "vips"),
    [
        ({"vips": [{"vip": VIP2}]}, [VIP, VIP2, VIP6]),
        ({"vips": [{"vip": VIP2}], "purge": True}, [VIP2]),
        ({"vips": [{"vip": VIP2}, {"vip": VIP, "state": "absent"}]}, [VIP2, VIP6]),
        ({"vips": [{"vip": VIP6, "state": "absent"}]}, [VIP]),
        ({"purge": True}, []),
    ],
)
def test_vips_that_change(options: Facts, vips: list[str], director: Host) -> None:
    """Those that are not named stay; keepalived is reloaded."""
    result = director.run(vrrp=VRRP, **options)
    assert (director.vips, director.events, result["active"]) == (vips, RELOADED, True)
    assert {str(address) for address in director.held} >= {ADVERTISED, *vips}


@pytest.mark.parametrize("killed_at", [f"write {CONFIG_FILE}", f"reload {UNIT}"])
def test_run_that_was_killed_before_keepalived_was_reloaded(killed_at: str, director: Host) -> None:
    """The next one reloads it, although the file is as it is wanted, and the one after that changes nothing."""
    options: Facts = {"vrrp": VRRP, "vips": [{"vip": VIP2}]}
    director.killed_at = killed_at
    with pytest.raises(KeyboardInterrupt):
        director.run(**options)
    director.killed_at = ""
    held, shown = set(director.held), director.run(**options, check_mode=True)
    assert (director.events, director.held) == ([], held)
    made = director.run(**options)
    assert director.events[-2:] == RELOADED[-2:]
    assert ip_address(VIP2) in director.held
    assert made == {**shown, "active": True}
    change = made["changes"][-1]
    assert (change["kind"], change["key"]) == ("reload", {"unit": UNIT})
    assert made["commands"][-2:] == ["systemctl daemon-reload", f"systemctl reload {UNIT}"]
    assert f"{UNIT} has not read its files" in made["diff"]["before"]
    assert director.run(**options)["changed"] is False


@pytest.mark.parametrize("killed_at", ["daemon-reload", f"enable --now {UNIT}"])
def test_run_that_was_killed_before_keepalived_was_started(killed_at: str, host: Host) -> None:
    """It reads its files when it starts: nothing is left to reload."""
    host.killed_at = killed_at
    with pytest.raises(KeyboardInterrupt):
        host.run(vrrp=VRRP, vips=VIPS)
    host.killed_at = ""
    assert host.run(vrrp=VRRP, vips=VIPS)["active"] is True
    assert host.events == [f"enable --now {UNIT}"]
    assert host.run(vrrp=VRRP, vips=VIPS)["changed"] is False


def test_keepalived_that_ended_before_it_was_reloaded(director: Host) -> None:
    """And was started by this run: it has read its files then."""
    director.put(RELOAD_FILE, "")
    director.running = False
    director.run(vrrp=VRRP, vips=VIPS)
    assert director.events == [f"enable --now {UNIT}", f"remove {RELOAD_FILE}"]
    assert director.run(vrrp=VRRP, vips=VIPS)["changed"] is False


def test_reload_that_fails(director: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is due in the next run, too; what only gives up the VIPs for a while does not end that."""
    with monkeypatch.context() as broken:
        broken.setattr(systemd, "control", lambda *_arguments: refuse("systemctl reload: no answer"))
        with pytest.raises(LvsError, match="no answer"):
            director.run(vrrp=VRRP, vips=[{"vip": VIP2}])
    director.run(standby=False)
    director.run(vrrp=VRRP)
    assert director.events == ["daemon-reload", *RELOADED[-2:]]


def test_removal_leaves_no_reload(director: Host) -> None:
    director.put(RELOAD_FILE, "")
    director.run(state="absent")
    assert director.events[-1] == f"remove {RELOAD_FILE}"


def test_vips_that_do_not_change(director: Host) -> None:
    """None is named, or the one that is to go is not there."""
    for vips in ([], [{"vip": VIP2, "state": "absent"}]):
        assert director.run(vrrp=VRRP, vips=vips)["changed"] is False


def test_nothing_to_give_up(host: Host) -> None:
    """A host that was not configured is not, because it has no VIP to give up; whatever else is on it."""
    host.put(CONFIG_FILE, FOREIGN)
    result = host.run(vrrp=VRRP, vips=[{"vip": VIP, "state": "absent"}])
    assert (result["changed"], host.events) == (False, [])


def test_changed_virtual_router(director: Host) -> None:
    director.run(vrrp={**VRRP, "priority": 99})
    assert director.events == RELOADED
    assert "    priority 99\n" in director.config
    assert director.vips == [VIP, VIP6]


def test_configuration_of_somebody_else_is_refused(host: Host) -> None:
    """And nothing is changed."""
    host.put(CONFIG_FILE, FOREIGN)
    with pytest.raises(LvsError, match=rf"^{CONFIG_FILE} is there and was not made by this collection: .*takeover") as error:
        host.run(vrrp=VRRP, vips=VIPS)
    assert f"Its text is kept as {COPY_FILE}" in str(error.value)
    assert (host.config, host.events) == (FOREIGN, [])


def test_takeover(host: Host) -> None:
    """Its text is kept, and its secrets are not shown. A keepalived that ran with it is reloaded."""
    host.put(CONFIG_FILE, FOREIGN)
    host.enabled = host.running = True
    result = host.run(vrrp=VRRP, vips=VIPS, takeover=True)
    assert host.path(COPY_FILE).read_text() == FOREIGN
    assert host.path(COPY_FILE).stat().st_mode & 0o777 == 0o600
    noted, _config, *reloaded = RELOADED
    assert host.events == [noted, f"write {COPY_FILE}", *CONFIGURED[:2], "daemon-reload", *reloaded]
    assert (host.vips, result["active"]) == ([VIP, VIP6], True)
    assert "old-word" not in str(result)
    assert host.run(vrrp=VRRP, vips=VIPS, takeover=True)["changed"] is False


def test_takeover_once_more(host: Host) -> None:
    """A copy that is there is not overwritten, unless it is the same."""
    host.put(CONFIG_FILE, FOREIGN)
    copy = host.put(COPY_FILE, "global_defs {\n}\n")
    with pytest.raises(LvsError, match=rf"^{COPY_FILE} is there already, with another text than {CONFIG_FILE}: move it away"):
        host.run(vrrp=VRRP, vips=VIPS, takeover=True)
    assert (host.config, host.events) == (FOREIGN, [])
    copy.write_text(FOREIGN)
    host.run(vrrp=VRRP, vips=VIPS, takeover=True)
    assert host.events == CONFIGURED


def test_symbolic_link_is_refused(host: Host) -> None:
    """Also with takeover: only its owner knows who else reads what it leads to."""
    link = host.path(CONFIG_FILE)
    link.parent.mkdir(parents=True)
    link.symlink_to("elsewhere")
    with pytest.raises(LvsError, match=f"^{CONFIG_FILE} is a symbolic link: put the file itself in its place, or remove"):
        host.run(vrrp=VRRP, vips=VIPS, takeover=True)
    assert (link.is_symlink(), host.events) == (True, [])


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        ("Keepalived v2.2.6 (01/01,2021)", "keepalived has version 2.2.6, and 2.2.7 is the oldest"),
        ("Keepalived v1.3.9 (10/21,2017)", "keepalived has version 1.3.9, and 2.2.7 is the oldest"),
        ("?", "keepalived has version unknown, and 2.2.7 is the oldest"),
    ],
)
def test_keepalived_that_is_too_old(printed: str, message: str, host: Host) -> None:
    host.printed = printed
    with pytest.raises(LvsError, match=f"^{message}"):
        host.run(vrrp=VRRP, vips=VIPS)
    assert host.events == []


@pytest.mark.parametrize("printed", ["Keepalived v2.2.7 (x)", "Keepalived v2.2.10 (x)", "Keepalived v10.0.0 (x)"])
def test_keepalived_that_is_not_too_old(printed: str, host: Host) -> None:
    host.printed = printed
    assert host.run(vrrp=VRRP, vips=VIPS)["active"] is True


def test_host_without_systemd(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "_FOLDER", str(host.root / "none"))
    with pytest.raises(LvsError, match=r"^systemd does not run on this host"):
        host.run(vrrp=VRRP, vips=VIPS)
    assert host.events == []


def test_keepalived_refuses_the_configuration(director: Host) -> None:
    """The one that is there stays, and goes on."""
    before = director.config
    director.refusal = "({path}: Line 13) No such interface, eth9\n"
    with pytest.raises(LvsError) as error:
        director.run(vrrp=VRRP, vips=[{"vip": VIP2, "device": "eth9"}])
    message = "keepalived refuses the configuration, and nothing was changed:"
    assert str(error.value) == f"{message}\n({CONFIG_FILE}: Line 13) No such interface, eth9"
    assert (director.config, director.events) == (before, [])


@pytest.mark.parametrize("check_mode", [True, False])
def test_vip_and_peer_in_other_networks(check_mode: bool, director: Host) -> None:
    """Refused, all at once, before anything changes; what is there already is left alone."""
    director.networks = {"eth0": (f"{DIP}/29",), "eth1": ("198.51.100.2/24",)}
    options: Facts = {"vrrp": {**VRRP, "peers": [OTHER_DIP, "192.0.2.9"]}, "vips": [{"vip": "198.51.100.80"}]}
    before = director.config
    with all_refused("vips: 198.51.100.80 would be added to eth0", "peers: 192.0.2.9 is in no network of eth0"):
        director.run(**options, check_mode=check_mode)
    assert (director.config, director.events) == (before, [])
    director.networks = {"eth0": (f"{DIP}/32",), "eth1": (f"{VIP}/24",)}
    assert director.run(vrrp=VRRP, vips=VIPS, check_mode=check_mode)["changed"] is False


@pytest.mark.parametrize("check_mode", [True, False])
def test_secret_is_not_shown(check_mode: bool, host: Host) -> None:
    """Keepalived gets it, and nobody else."""
    result = host.run(vrrp={**VERSION_2, "secret": "s3cret"}, vips=VIPS, check_mode=check_mode)
    assert "auth_pass s3cret\n" in host.tested[0][0]
    assert result["changed"] is True
    assert "auth_pass ********" in result["diff"]["after"]
    assert "s3cret" not in f"{result}{host.warnings}"


def test_changed_secret_is_written(host: Host) -> None:
    """Though nothing else changes."""
    host.run(vrrp={**VERSION_2, "secret": "first"}, vips=VIPS)
    result = host.run(vrrp={**VERSION_2, "secret": "second"}, vips=VIPS)
    assert "auth_pass second\n" in host.config
    assert host.events == RELOADED
    assert not {"first", "second"} & set(str(result).replace("\\n", " ").split())


def test_check_mode(host: Host) -> None:
    """The same changes, and none is made."""
    shown = host.run(vrrp=VRRP, vips=VIPS, check_mode=True)
    assert (host.events, host.path(CONFIG_FILE).exists(), host.clock) == ([], False, 0.0)
    made = host.run(vrrp=VRRP, vips=VIPS)
    assert {**shown, "active": True} == made


@pytest.mark.parametrize(
    ("options", "commands"),
    [
        ({"vrrp": VRRP, "vips": VIPS}, [f"> {DROP_IN}", f"systemctl enable --now {UNIT}"]),
        ({"vrrp": VRRP, "standby": False}, [f"echo 0 > {STANDBY_FILE}", f"systemctl enable --now {UNIT}"]),
    ],
)
def test_check_mode_where_keepalived_is_not_installed(options: Facts, commands: list[str], host: Host) -> None:
    """As an earlier task would have installed it."""
    host.printed = None
    result = host.run(**options, check_mode=True)
    assert result["commands"][0].endswith(commands[0])
    assert result["commands"][-1] == commands[-1]
    assert result["version"] == ""
    (warning,) = host.warnings
    assert warning.startswith("check mode: keepalived is not installed: ")
    assert host.events == []
    with pytest.raises(NotYetThere, match="keepalived is not installed"):
        host.run(**options)


def test_standby_director(host: Host) -> None:
    """Another one has the VIPs: that is known after a while, in which it would have become active."""
    host.other_is_active = True
    assert host.run(vrrp=VRRP, vips=VIPS)["active"] is False
    assert 3.4 <= host.clock < 3.6
    host.clock = 0.0
    host.run(vrrp={**VERSION_2, "advert_interval": 2}, vips=VIPS)
    assert 11.0 <= host.clock < 11.2


def test_director_that_becomes_active_late(host: Host) -> None:
    host.takes = 3.3
    assert host.run(vrrp=VRRP, vips=VIPS)["active"] is True


@pytest.mark.parametrize("takes", [0.0, 0.5])
def test_active_director_that_becomes_standby_meanwhile(takes: float, director: Host) -> None:
    """It has not to have the VIPs then, and nothing is waited for."""
    director.other_is_active, director.takes = True, takes
    before = director.clock
    assert director.run(vrrp=VRRP, vips=[{"vip": VIP2}])["active"] is False
    assert director.clock - before <= takes + 0.1


def test_vips_that_do_not_come(director: Host) -> None:
    """The changes are made, and are in the result."""
    director.never = VIP2
    before = director.clock
    with pytest.raises(LvsError, match=r"^keepalived has not added all VIPs after 10 seconds: 'journalctl -u") as error:
        director.run(vrrp=VRRP, vips=[{"vip": VIP2}])
    assert 10.0 <= director.clock - before < 10.2
    assert error.value.facts["changed"] is True
    assert director.vips == [VIP, VIP2, VIP6]


def test_standby(director: Host) -> None:
    """It waits until the VIPs are gone; without it, the director takes part again."""
    before = director.clock
    result = director.run(standby=True)
    assert director.events == [f"write {STANDBY_FILE}"]
    assert result["commands"] == [f"echo 1 > {STANDBY_FILE}"]
    assert director.held == set()
    assert 0.5 <= director.clock - before < 0.6
    assert director.run(standby=True)["changed"] is False
    director.run(standby=False)
    assert director.path(STANDBY_FILE).read_text() == "0\n"
    assert director.run(standby=False)["changed"] is False


def test_standby_that_keepalived_does_not_follow(director: Host) -> None:
    """Also in a second run, which has nothing left to change."""
    director.takes = 60.0
    for changed in (True, False):
        with pytest.raises(LvsError, match=r"^keepalived has not given up the VIPs after 10 seconds") as error:
            director.run(standby=True)
        assert error.value.facts["changed"] is changed


def test_standby_of_the_others_advertised_address(director: Host) -> None:
    """Other addresses of the host do not count."""
    director.held = {ip_address("169.254.255.52"), ip_address(OTHER_DIP)}
    director.takes = 60.0
    director.run(standby=True)
    assert director.clock < 10.0


def test_standby_in_check_mode(director: Host) -> None:
    held, clock = set(director.held), director.clock
    assert director.run(standby=True, check_mode=True)["commands"] == [f"echo 1 > {STANDBY_FILE}"]
    assert (director.held, director.clock, director.events) == (held, clock, [])


@pytest.mark.parametrize("text", [None, FOREIGN])
def test_standby_needs_a_virtual_router(text: str | None, host: Host) -> None:
    """Of this collection; in check mode, an earlier task may have described it."""
    if text is not None:
        host.put(CONFIG_FILE, text)
    with pytest.raises(NotYetThere, match=f"^standby: {CONFIG_FILE} has no virtual router of this collection: describe it"):
        host.run(standby=True)
    assert host.events == []
    assert host.run(standby=True, check_mode=True)["commands"] == [f"echo 1 > {STANDBY_FILE}"]


def test_standby_from_the_beginning(host: Host) -> None:
    """It is told to stand by before it starts."""
    result = host.run(vrrp=VRRP, vips=VIPS, standby=True)
    assert host.events == [f"write {STANDBY_FILE}", *CONFIGURED]
    assert (result["active"], host.held) == (False, set())


def test_removal(director: Host) -> None:
    """The copy stays: it is not this collection's text."""
    director.put(COPY_FILE, FOREIGN)
    director.run(standby=False)
    director.put(STOPPING_FILE, "0\n")  # as keepalived does
    result = director.run(state="absent")
    assert director.events == [
        f"disable --now {UNIT}",
        f"remove {CONFIG_FILE}",
        f"remove {DROP_IN}",
        f"remove {STANDBY_FILE}",
        "daemon-reload",
        f"remove {STOPPING_FILE}",
    ]
    assert "active" not in result
    assert director.path(COPY_FILE).read_text() == FOREIGN
    assert not any(director.path(path).exists() for path in (CONFIG_FILE, DROP_IN, STANDBY_FILE, STOPPING_FILE))
    assert director.run(state="absent")["changed"] is False


def test_removal_leaves_the_keepalived_of_somebody_else(host: Host) -> None:
    """It goes on; only what this collection put beside it goes."""
    host.put(CONFIG_FILE, FOREIGN)
    host.put(STANDBY_FILE, "0\n")
    host.enabled = host.running = True
    host.run(state="absent")
    assert host.events == [f"remove {STANDBY_FILE}"]
    assert (host.config, host.running, host.enabled) == (FOREIGN, True, True)

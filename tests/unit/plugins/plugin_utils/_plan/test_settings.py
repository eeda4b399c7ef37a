# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The users' variables: types, defaults, and settings that depend on each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible import context
from ansible.utils.context_objects import CLIArgs
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Facts, Faults
from ansible_collections.lvs.cluster.plugins.module_utils._core.values import MAX_TIMEOUT
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.settings import (
    OF_A_HOST,
    SERVICES,
    SETTINGS,
    VARIABLES,
    read_settings,
    read_variables,
)
from tests.unit.roles.test_specification import OPTIONS

PATHS = {"lvs_update_tasks", "lvs_adopt_file", "lvs_update_roles"}


def read(**given: Any) -> Facts:
    """The settings, without a fault."""
    faults = Faults()
    settings = read_settings(given, "rs1", faults)
    assert [str(fault) for fault in faults.found] == []
    return settings


def faults_of(**given: Any) -> list[str]:
    """All that is wrong with the variables."""
    faults = Faults()
    read_settings(given, "rs1", faults)
    return [str(fault) for fault in faults.found]


def of_type(kind: str) -> list[str]:
    """The settings of a type."""
    return [name for name in SETTINGS if OPTIONS[name]["type"] == kind]


def test_variables_are_those_of_the_specification() -> None:
    assert list(VARIABLES) == list(OPTIONS)


def test_settings_are_the_variables_that_are_not_of_a_single_host() -> None:
    """The services have a reader of their own."""
    assert [name for name in OPTIONS if name not in SETTINGS and name != SERVICES] == sorted(OF_A_HOST, key=[*OPTIONS].index)
    assert set(OF_A_HOST) == {"lvs_rip", "lvs_rip6", "lvs_dip", "lvs_dip6", "lvs_weight", "lvs_path_mtu", "lvs_vrrp_priority"}


def test_defaults() -> None:
    """Of each setting, by its name without the prefix; nothing where it has none."""
    defaults = {name.removeprefix("lvs_"): OPTIONS[name].get("default") for name in (*SETTINGS, SERVICES)}
    assert read() == {**defaults, "adopt_file": str(Path("adopted.yml").absolute())}
    assert json.loads(json.dumps(read())) == read()


@pytest.mark.parametrize("name", sorted({*SETTINGS} - {"lvs_purge_networks"}))
def test_variable_without_a_value(name: str) -> None:
    """Has its default."""
    assert read(**{name: None}) == read()


def _spellings(word: str) -> set[str]:
    return {word, word.upper(), word.capitalize()}


TRUE = [True, 1, 1.0, *sorted({spelling for word in ("yes", "on", "true", "1", "y", "t") for spelling in _spellings(word)})]
FALSE = [
    False,
    0,
    0.0,
    *sorted({spelling for word in ("no", "off", "false", "0", "n", "f") for spelling in _spellings(word)}),
]


@pytest.mark.parametrize("name", of_type("bool"))
@pytest.mark.parametrize(("spellings", "value"), [(TRUE, True), (FALSE, False)])
def test_booleans(name: str, spellings: list[Any], value: bool) -> None:
    """In every spelling that the modules of Ansible take."""
    # Without this, lvs_boot has a fault.
    others = {} if name != "lvs_persist_sysctl" else {"lvs_boot": False}
    for spelling in spellings:
        assert read(**others, **{name: spelling})[name.removeprefix("lvs_")] is value, spelling


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"lvs_drain_timeout": "5"}, 5),
        ({"lvs_rp_filter": "0"}, 0),
        ({"lvs_boot_after": "a.service,b.service"}, ["a.service", "b.service"]),
        ({"lvs_probe_hosts": "client"}, ["client"]),
        ({"lvs_drain_connections": "active,inactive"}, ["active", "inactive"]),
        (
            {"lvs_ipvs_sysctl": {"conn_reuse_mode": None, "expire_nodest_conn": 1}},
            {"conn_reuse_mode": None, "expire_nodest_conn": 1},
        ),
        ({"lvs_serial": "25%"}, "25%"),
        ({"lvs_serial": 2}, 2),
        ({"lvs_directors_group": 7}, "7"),
        ({"lvs_purge": "services", "lvs_purge_networks": ["10.0.0.0/8"]}, ["10.0.0.0/8"]),
        ({"lvs_purge_networks": None, "lvs_purge": "services"}, []),
    ],
)
def test_types(given: Facts, value: Any) -> None:
    """As modules of Ansible take them; a list of networks without a value is empty, so that not everything is purged."""
    name = next(iter(given)) if "lvs_purge_networks" not in given else "lvs_purge_networks"
    assert read(**given)[name.removeprefix("lvs_")] == value


# Values that Ansible cannot convert to a type. A text can be made of anything, so texts are tested by their choices.
WRONG: dict[str, list[Any]] = {
    "bool": ["maybe", "", 2, [], {}, [True], {"a": True}],
    "int": ["many", "", "1.5", 1.5, [], {}, [1], {"a": 1}],
    "list": [{}, {"a": 1}],
    "dict": ["text", 1, [], ["a"], True],
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in WRONG for name in of_type(kind)])
def test_wrong_type(kind: str, name: str) -> None:
    """The first fault is of the type; where the variable has choices, the value is none of them, either."""
    for value in WRONG[kind]:
        fault, *others = faults_of(**{name: value})
        assert fault.startswith("host rs1: "), value
        assert f"'{name}'" in fault, value
        assert all(f"value of {name} must be one" in other for other in others), value


@pytest.mark.parametrize("value", ["INFINITY", " -inf", float("inf"), float("-inf")])
@pytest.mark.parametrize("name", of_type("int"))
def test_number_that_no_integer_is(name: str, value: object) -> None:
    """Ansible's own check of an integer ends with an OverflowError."""
    assert faults_of(**{name: value}) == [f"host rs1, {name}: is {value!r}: write a whole number"]


@pytest.mark.parametrize("name", [name for name, option in OPTIONS.items() if "choices" in option])
@pytest.mark.parametrize("value", ["else", "", " ", 17, "PRESENT"])
def test_value_that_is_none_of_the_choices(name: str, value: object) -> None:
    """The message has the variable and the choices."""
    fault = faults_of(**{name: value})[-1]
    assert fault.startswith(f"host rs1: value of {name} must be one")
    assert ", ".join(map(str, OPTIONS[name]["choices"])) in fault


@given(st.sets(st.sampled_from(sorted(name for kind in WRONG for name in of_type(kind))), min_size=1), st.data())
def test_all_faults_at_once(names: set[str], data: st.DataObject) -> None:
    """Of each variable that is wrong, and of no other."""
    wrong = {name: data.draw(st.sampled_from(WRONG[OPTIONS[name]["type"]])) for name in names}
    faults = faults_of(**wrong)
    assert all(any(f"'{name}'" in fault for fault in faults) for name in names)
    assert all(any(name in fault for name in names) for fault in faults)


@given(
    st.dictionaries(
        st.sampled_from(sorted(OPTIONS.keys() - {SERVICES})),
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=9)
        | st.lists(st.none() | st.booleans() | st.text(max_size=9), max_size=2),
    )
)
def test_any_value(given: Facts) -> None:
    """Gives settings of JSON's types, or faults that name a variable that was set."""
    faults = Faults()
    settings = read_settings(given, "rs1", faults)
    if not faults.found:
        assert {f"lvs_{name}" for name in settings} == {*SETTINGS, SERVICES}
        json.dumps(settings)
    for fault in faults.found:
        assert any(name in str(fault) for name in given)


@pytest.mark.parametrize("name", of_type("str"))
@pytest.mark.parametrize("value", [["lo"], [], {"a": 1}, {}, True, False])
def test_text_of_a_wrong_type(name: str, value: Any) -> None:
    """Ansible would take the Python form of it: a device "['lo']"."""
    assert faults_of(**{name: value}) == [f"host rs1, {name}: is {value!r}: write a text"]


@pytest.mark.parametrize("name", [name for name in of_type("list") if OPTIONS[name].get("elements") == "str"])
@pytest.mark.parametrize("entry", [None, True, ["a"], {"a": 1}])
def test_entry_that_is_no_text(name: str, entry: Any) -> None:
    """Of a list of texts; a number is one."""
    assert faults_of(**{name: ["a", entry]})[0] == f"host rs1, {name}: is {['a', entry]!r}: write a list of texts"
    assert not any("write a list of texts" in fault for fault in faults_of(**{name: ["a", 1]}))


@pytest.mark.parametrize("name", ["lvs_drain_timeout", "lvs_update_pause"])
def test_seconds(name: str) -> None:
    """Are as many as the modules take that wait for them."""
    for seconds in (0, 1, "7", MAX_TIMEOUT):
        assert read(**{name: seconds})[name.removeprefix("lvs_")] == int(seconds)
    for seconds in (-1, MAX_TIMEOUT + 1):
        (fault,) = faults_of(**{name: seconds})
        assert fault.startswith(f"host rs1, {name}: ")


def test_seconds_of_a_wait_that_is_needed() -> None:
    assert read()["update_check_timeout"] == 120
    (fault,) = faults_of(lvs_update_check_timeout=0)
    assert fault.startswith("host rs1, lvs_update_check_timeout: 0 is not in 1..")


def test_sync_id() -> None:
    """Not 0, with which a backup takes the messages of any cluster."""
    for number in (1, "7", 255):
        assert read(lvs_sync_id=number)["sync_id"] == int(number)
    assert read()["sync_id"] is None
    for number in (0, 256):
        assert faults_of(lvs_sync_id=number) == [f"host rs1, lvs_sync_id: {number} is not in 1..255"]


def test_variables_of_a_host() -> None:
    """Any set of variables is read: those that are asked for, in their types, and with defaults."""
    faults = Faults()
    given = {"lvs_weight": "5", "lvs_path_mtu": 1400, "lvs_rip": None, "lvs_boot": "yes", "lvs_state": None}
    assert read_variables(given, "rs1", faults) == {
        "lvs_weight": 5,
        "lvs_path_mtu": 1400,
        "lvs_rip": None,
        "lvs_boot": True,
        "lvs_state": "present",
    }
    assert faults.found == []
    read_variables({"lvs_weight": "many", "lvs_path_mtu": 1.5, "lvs_rip": ["10.0.0.3"]}, "rs1", faults)
    assert all(sum(name in str(fault) for fault in faults.found) == 1 for name in ("lvs_weight", "lvs_path_mtu", "lvs_rip"))
    assert all(str(fault).startswith("host rs1") for fault in faults.found)


def test_variables_of_a_host_are_no_settings() -> None:
    """They are not read, whatever is in them."""
    assert read(**{name: ["wrong"] for name in OF_A_HOST}) == read()


@pytest.mark.parametrize("services", [[], [{"name": "web"}], None, "text", 5])
def test_services_stay_as_they_were_written(services: Any) -> None:
    """The description has a reader of its own, which says where in it a fault is."""
    assert read(lvs_services=services)["services"] == services


def test_unit_that_restores_vips_without_their_sysctls() -> None:
    """Would let real servers answer ARP requests."""
    (fault,) = faults_of(lvs_persist_sysctl=False)
    assert fault.startswith("host rs1, lvs_boot: needs lvs_persist_sysctl")
    assert read(lvs_persist_sysctl=False, lvs_boot=False)["persist_sysctl"] is False


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lvs_purge": "none"}, "host rs1, lvs_purge_networks: means nothing with lvs_purge: none: leave it out, or set"),
        ({}, "host rs1, lvs_purge_networks: means nothing with lvs_purge: destinations: leave it out, or set"),
        ({"lvs_purge": "services", "lvs_purge_networks": ["10.0.0.0/33"]}, "host rs1, lvs_purge_networks: "),
        ({"lvs_purge": "services", "lvs_purge_networks": ["web"]}, "host rs1, lvs_purge_networks: "),
    ],
)
def test_networks_to_purge(given: Facts, message: str) -> None:
    """Are networks, and of services that may be purged."""
    (fault,) = faults_of(**{"lvs_purge_networks": ["10.0.0.0/8"], **given})
    assert fault.startswith(message)


@pytest.mark.parametrize("value", ["rs1", "224.0.0.1", "fe80::1%eth0", ""])
def test_sources_of_tunnels(value: str) -> None:
    """Are addresses; each that is none is a fault."""
    faults = faults_of(lvs_tunnel_sources=["10.0.0.1", value, value])
    assert [fault.split(": ")[0] for fault in faults] == ["host rs1, lvs_tunnel_sources"] * 2


@pytest.mark.parametrize("name", ["lvs_vip_device", "lvs_vip6_device", "lvs_director_device", "lvs_sync_device"])
@pytest.mark.parametrize("device", ["", ".", "eth0/1", "a name", "sixteen-letters-", "a:b"])
def test_devices(name: str, device: str) -> None:
    (fault,) = faults_of(**{name: device})
    assert fault.startswith(f"host rs1, {name}: {device!r} is not a device name")


def test_dependent_settings_are_checked_when_all_are_valid() -> None:
    """A wrong type is not reported again as something else."""
    (fault,) = faults_of(lvs_boot="maybe", lvs_persist_sysctl=False, lvs_tunnel_sources=["rs1"])
    assert "'lvs_boot'" in fault


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder, with a playbook in another one that was started; each with roles."""
    for role in ("here/roles/update", "here/roles/both", "plays/roles/beside", "plays/roles/both"):
        (tmp_path / role).mkdir(parents=True)
    (tmp_path / "here/roles/file").touch()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(context, "CLIARGS", CLIArgs({"args": ["../plays/play.yml"]}))
    return tmp_path


def test_files_are_of_the_current_folder(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on the command line of ansible-playbook; a home is found, an absolute path stays."""
    monkeypatch.setenv("HOME", "/home/me")
    settings = read(lvs_update_tasks="tasks/update.yml", lvs_adopt_file="~/adopted.yml")
    assert settings["update_tasks"] == str(folders / "here/tasks/update.yml")
    assert settings["adopt_file"] == "/home/me/adopted.yml"
    assert read(lvs_update_tasks="/srv/update.yml")["update_tasks"] == "/srv/update.yml"
    # The home of a user who does not exist: a file that is not found.
    assert read(lvs_update_tasks="~nobody42/update.yml")["update_tasks"] == str(folders / "here/~nobody42/update.yml")


@pytest.mark.usefixtures("folders")
def test_roles_of_the_update(folders: Path) -> None:
    """Of the current folder, or else beside the playbook; others as they are named."""
    roles = ["update", "beside", "both", "file", "mine.web.update", ""]
    found = read(lvs_update_roles=roles)["update_roles"]
    assert [Path(role).resolve() for role in found[:3]] == [
        folders / "here/roles/update",
        folders / "plays/roles/beside",
        folders / "here/roles/both",
    ]
    assert found[3:] == ["file", "mine.web.update", ""]  # and not the folder of all roles


def test_roles_without_a_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(context, "CLIARGS", CLIArgs({}))
    assert read(lvs_update_roles=["update"])["update_roles"] == ["update"]


@pytest.mark.parametrize(
    ("secret", "version", "reason"),
    [
        ("hush", 3, "cannot be with version 3, which has no authentication"),
        ("hush-hush", 2, "is longer than 8 bytes, and VRRP has no more"),
        ("hu sh", 2, "has characters that keepalived.conf gives a meaning to"),
    ],
)
def test_secret_that_vrrp_cannot_have(secret: str, version: int, reason: str) -> None:
    """It is refused before any change, and not shown."""
    (fault,) = faults_of(lvs_vrrp_secret=secret, lvs_vrrp_version=version)
    assert fault.startswith(f"host rs1, lvs_vrrp_secret: the value {reason}")
    assert secret not in fault
    assert faults_of(lvs_vrrp_secret="hush", lvs_vrrp_version=2) == []

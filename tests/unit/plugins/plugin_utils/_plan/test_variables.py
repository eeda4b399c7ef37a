# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a host: templated when they are read, as plain data."""

from __future__ import annotations

import datetime
import json
from collections import UserDict, UserList
from collections.abc import Mapping
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.errors import DescriptionFault
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.variables import AllHosts, HostVariables, Template, is_static

WITHOUT_FACTS = ". If it is a fact: gather facts in a play before this one, or write the value"


def as_it_is(value: Any) -> Any:
    """A template that changes nothing."""
    return value


def with_ansible(variables: Mapping[str, Any]) -> Template:
    """What resolves templates by variables."""
    template: Template = Templar(loader=DataLoader(), variables=dict(variables)).template
    return template


class _Text(str):
    """A text with a mark, as Ansible's own ones have."""

    __slots__ = ("mark",)


class _Number(int):
    """A number with a mark."""


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (True, True),
        (_Text("a"), "a"),
        (_Number(3), 3),
        (2.5, 2.5),
        ((1, _Text("b")), [1, "b"]),
        (UserList([_Number(1), UserDict({_Text("a"): None})]), [1, {"a": None}]),
        ({8080: [False]}, {"8080": [False]}),
        (datetime.date(2026, 1, 2), "2026-01-02"),
    ],
)
def test_value_is_plain_data(value: Any, plain: Any) -> None:
    """For a file that all processes of a run read; a truth is not made a number."""
    found = HostVariables("rs1", {"name": value}, as_it_is).get("name")
    assert found == plain
    assert type(found) is type(plain)
    assert json.loads(json.dumps(found)) == plain
    if isinstance(found, list):
        assert [type(entry) for entry in found] == [type(entry) for entry in plain]


def test_variable_that_is_not_set() -> None:
    """Is not templated, and is nothing."""
    assert HostVariables("rs1", {}, as_it_is).get("lvs_rip") is None


def test_templates_are_resolved_inside_of_values() -> None:
    services = [{"name": "web", "port": trust_as_template("{{ port + 1 }}"), "vip": trust_as_template("{{ network }}.185")}]
    raw = {"lvs_services": services, "port": 79, "network": "192.168.56"}
    found = HostVariables("rs1", raw, with_ansible(raw)).get("lvs_services")
    assert found == [{"name": "web", "port": 80, "vip": "192.168.56.185"}]
    assert {type(value) for value in found[0].values()} == {int, str}


@pytest.mark.parametrize(
    ("value", "message", "facts"),
    [
        ("{{ nothing }}", "'nothing' is undefined", False),
        ("{{ ansible_facts.default_ipv4.address }}", "'ansible_facts' is undefined", True),
        ("{{ ansible_default_ipv4.address }}", "'ansible_default_ipv4' is undefined", True),
    ],
)
def test_variable_that_cannot_be_read(value: str, message: str, facts: bool) -> None:
    """The message names the host and the variable; without facts, the way to them."""
    raw = {"lvs_rip": trust_as_template(value)}
    with pytest.raises(DescriptionFault, match=rf"(?s)^host rs1, lvs_rip: .*{message}") as caught:
        HostVariables("rs1", raw, with_ansible(raw)).get("lvs_rip")
    assert str(caught.value).endswith(WITHOUT_FACTS) == facts
    assert isinstance(caught.value.__cause__, AnsibleError)


def test_only_errors_of_ansible_are_faults_of_the_description() -> None:
    """Another one is a fault of the program."""

    def broken(_value: Any) -> Any:
        raise LookupError

    with pytest.raises(LookupError):
        HostVariables("rs1", {"lvs_rip": "x"}, broken).get("lvs_rip")


def test_each_host_is_read_once_and_when_it_is_asked_for() -> None:
    raw = {"rs1": {"name": "{{ own }}"}, "rs2": {"name": "{{ own }}"}}
    read: list[str] = []

    def raw_of(host: str) -> Mapping[str, Any]:
        read.append(host)
        return raw[host]

    def template_with(variables: Mapping[str, Any]) -> Template:
        return lambda value: (value, variables is raw["rs1"])

    hosts = AllHosts(raw_of, template_with)
    assert read == []
    assert hosts["rs1"].get("name") == ["{{ own }}", True]
    assert hosts["rs2"].get("name") == ["{{ own }}", False]
    assert hosts["rs1"] is hosts["rs1"]
    assert (hosts["rs1"].host, hosts["rs2"].host) == ("rs1", "rs2")
    assert read == ["rs1", "rs2"]


@pytest.mark.parametrize(
    ("value", "static"),
    [
        (None, True),
        ("text", True),
        ([{"vip": "192.0.2.1", "port": 80, "one_packet": True, "weight": 1.5, "none": None}], True),
        ("a {{ b }}", False),
        ("{% if a %}b{% endif %}", False),
        ([{"real_servers": [{"host": "{{ a }}"}]}], False),
        ({"a": ("b", "{{ c }}")}, False),
        (object(), False),
        ([datetime.date(2026, 1, 2)], False),
    ],
)
def test_static(value: Any, static: bool) -> None:
    """No template anywhere in it; what is of an unknown type may be one."""
    assert is_static(value) == static

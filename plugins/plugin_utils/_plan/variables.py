# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The variables of a host, as a task sees them or as other hosts do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError

from .errors import DescriptionFault

Raw = Mapping[str, Any]  # variables as the user wrote them
Template = Callable[[Any], Any]


class HostVariables:
    """Variables that are templated when they are read."""

    def __init__(self, host: str, raw: Raw, template: Template) -> None:
        self.host = host
        self.raw = raw
        self._template = template

    def get(self, name: str) -> Any:
        """A variable as plain data; C(None) where it is not set.

        :raises DescriptionFault: it cannot be resolved
        """
        if name not in self.raw:
            return None
        try:
            return plain(self._template(self.raw[name]))
        except AnsibleError as error:
            raise DescriptionFault(f"host {self.host}, {name}", f"{error}{_way_out(self.raw[name])}") from error


class AllHosts:
    """The variables of each host of the inventory, as other hosts see them; read once."""

    def __init__(self, raw_of: Callable[[str], Raw], template_with: Callable[[Raw], Template]) -> None:
        self._raw_of = raw_of
        self._template_with = template_with
        self._read: dict[str, HostVariables] = {}

    def __getitem__(self, host: str) -> HostVariables:
        if host not in self._read:
            raw = self._raw_of(host)
            self._read[host] = HostVariables(host, raw, self._template_with(raw))
        return self._read[host]


def _way_out(raw: object) -> str:
    if "ansible_" in str(raw):
        return ". If it is a fact: gather facts in a play before this one, or write the value"
    return ""


def plain(value: Any) -> Any:
    """A value without Ansible's own types: templates in it are resolved, here and not later."""
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    return str(value)


def is_static(value: Any) -> bool:
    """Whether a raw value has no template in it."""
    if isinstance(value, str):
        return "{{" not in value and "{%" not in value
    if isinstance(value, Mapping):
        return all(is_static(item) for item in value.values())
    if isinstance(value, Sequence):
        return all(is_static(item) for item in value)
    return value is None or isinstance(value, (bool, int, float))

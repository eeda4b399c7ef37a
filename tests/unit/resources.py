# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's run without Ansible: options, host, plan, changes."""

from __future__ import annotations

from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Options
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Transition, reconcile
from ansible_collections.lvs.cluster.plugins.module_utils._core.resource import AnyResource


def predict(resource: AnyResource, options: Options) -> Transition[Any, Any, Any]:
    """What a module would change."""
    desired = resource.parse(options)
    with resource.open(desired) as backend:
        seen = backend.read(desired)
        wanted = resource.plan(desired, seen)
        return Transition(wanted, seen, reconcile(wanted, seen))


def converge(resource: AnyResource, options: Options) -> list[str]:
    """Have a module make its changes; gives their commands."""
    transition = predict(resource, options)
    with resource.open(resource.parse(options)) as backend:
        backend.apply(transition)
    return [command for change in transition.changes for command in change.command().splitlines()]

# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's section, from options and what was read to the statements and what there is then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Transition, reconcile
from ansible_collections.lvs.cluster.plugins.module_utils._nft.section import SectionResource
from ansible_collections.lvs.cluster.plugins.module_utils._nft.table import SectionContext, SectionSeen

NOTHING = SectionSeen({}, SectionContext())


def converged(
    resource: SectionResource[Any], options: dict[str, Any], seen: SectionSeen, **context: Any
) -> tuple[list[str], SectionSeen]:
    """The statements, and what there is then."""
    desired = resource.parse(options)
    seen = replace(seen, context=replace(seen.context, **context))
    wanted = resource.plan(desired, seen)
    transition = Transition(wanted, seen, reconcile(wanted, seen))
    statements = [str(statement) for change in transition.changes for statement in change.item.statements(change.action)]
    return statements, transition.after()

# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Steps of M(lvs.cluster.batch), and those that run with the tags of the command line. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from ...module_utils._core.options import Facts

# Of the parts of the roles and playbooks: no tag of a user's own.
TAGS = ("packages", "sysctl", "nftables", "vips", "ipvs", "boot", "preflight", "verify")


@dataclass(frozen=True)
class Step:
    """A module with its options, and the tags with which it runs."""

    module: str
    options: Facts
    tags: frozenset[str]


def step(module: str, *tags: str, **options: Any) -> Step:
    """A step, as it is written."""
    return Step(module, options, frozenset(tags))


def selected(
    steps: Iterable[Step], own: Collection[str], run_tags: Collection[str], skip_tags: Collection[str]
) -> list[Step]:
    """The steps that run with the tags of the command line.

    :param own: the tags that the user gave to the role as a whole
    """
    everything = not run_tags or bool({"all", "tagged", *own} & set(run_tags))
    return [step for step in steps if (everything or step.tags & set(run_tags)) and not step.tags & set(skip_tags)]


def rows(steps: Iterable[Step]) -> list[Facts]:
    """The option O(lvs.cluster.batch#module:steps)."""
    return [{step.module: step.options} for step in steps]

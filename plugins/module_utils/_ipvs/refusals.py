# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What the kernel's errno means for a change of IPVS, in the words of the options."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence

from .._core.errors import BatchRefused, LvsError, NoSuchService, NotPermitted
from .._core.reconcile import Change, change_facts
from .._core.requirements import kernel_package
from .model import Destination, IpvsItem, Service, SyncDaemon, Timeouts

NOT_PERMITTED = "reading or changing IPVS, check mode included,"


def refusal(
    errors: Mapping[int, int], part: Sequence[Change[IpvsItem]], done: Sequence[Change[IpvsItem]], total: int
) -> LvsError:
    """The error of changes that the kernel refused.

    :param errors: the errno of each refused change, by its place in C(part)
    :param part: the changes that were sent together
    :param done: the changes that were made
    :param total: the number of changes that were to be made
    """
    refused = sorted(errors)
    first, number = part[refused[0]].item, errors[refused[0]]
    if number in (errno.EPERM, errno.EACCES):
        return NotPermitted(NOT_PERMITTED)
    if isinstance(first, Destination) and number == errno.ESRCH and total == 1:
        return NoSuchService(first.key.service)
    # The destinations of a service that was refused are refused as well, which says nothing new.
    missing = {part[index].item.key for index in refused if isinstance(part[index].item, Service)}

    def says_more(index: int) -> bool:
        item = part[index].item
        return not (isinstance(item, Destination) and errors[index] == errno.ESRCH and item.key.service in missing)

    lines = [
        f"{_reason(part[index].item, errors[index])} (refused: {part[index].command()})"
        for index in refused
        if says_more(index)
    ]
    if total > 1:
        lines.append(f"{len(done)} of {total} changes were carried out before that; run the task again to complete them")
    return BatchRefused("\n".join(lines), {**change_facts(done), "refused": [part[index].command() for index in refused]})


def _reason(item: IpvsItem, number: int) -> str:
    if isinstance(item, Service) and number == errno.ENOENT:
        modules = [f"ip_vs_{item.scheduler}"]
        if item.persistence_engine:
            modules.append(f"ip_vs_pe_{item.persistence_engine}")
        options = f"scheduler: {item.scheduler}" + (
            f", persistence_engine: {item.persistence_engine}" if item.persistence_engine else ""
        )
        names = " or ".join(modules)
        return (
            f"{options} is not available in this kernel: the module {names} could not be loaded. Install the package of the"
            " kernel's modules that has it, or choose another, as some kernels are built without it"
            f"{kernel_package(modules[0])}"
        )
    if isinstance(item, Destination):
        if number == errno.ESRCH:
            return str(NoSuchService(item.key.service))
        if number == errno.EINVAL and item.key.rip.version != item.key.service.family:
            return (
                f"rip: {item.key.rip} is of another family than its service, which cannot be while a sync daemon runs"
                " (stop it with lvs.cluster.ipvs_sync_daemon, state=absent), or without a route to it"
            )
        if number == errno.EINVAL:
            return (
                f"rip: the kernel does not take {item.key.rip}: it must be a unicast or local address that this host has a"
                " route to, and lo must be up"
            )
    if isinstance(item, Timeouts) and number == errno.EINVAL:
        return (
            "tcp, tcp_fin, udp: this kernel cannot count so far (2147483647 ticks, 24 days where it ticks 1000 times"
            " a second): write less"
        )
    if isinstance(item, SyncDaemon) and number == errno.EINVAL:
        return (
            f"role: a {item.key} cannot run while a destination is of another family than its service: take such"
            " destinations away first"
        )
    if number in (errno.EEXIST, errno.ENOENT, errno.ESRCH):
        return f"IPVS: another program changed the table meanwhile ({os.strerror(number)}): run the task again"
    return f"IPVS: {os.strerror(number)}"

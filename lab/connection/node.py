# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection to a node of the lab: community.docker's nsenter, with pipelining, which saves most of its forks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible_collections.community.docker.plugins.connection import nsenter

DOCUMENTATION = r"""
name: node
short_description: Enter the namespaces of a node
description: Runs a module in one command, its code on standard input, where community.docker.nsenter takes five.
options:
  nsenter_pid:
    description: Process id of the node's init, on this machine.
    type: int
    vars:
      - name: ansible_nsenter_pid
"""


# What a login over SSH would have: nothing of the caller's own environment.
_ENVIRONMENT = (
    "env",
    "-i",
    "HOME=/root",
    "LANG=C.UTF-8",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
)


class Connection(nsenter.Connection):  # type: ignore[misc]  # the parent is not typed
    """The parent, with pipelining and a clean environment."""

    transport = "node"
    has_pipelining = True
    always_pipeline_modules = True

    def _connect(self) -> Any:
        """A node whose init has ended is unreachable, as a host that is down."""
        pid = self.get_option("nsenter_pid")
        if not Path(f"/proc/{pid}").exists():
            raise AnsibleConnectionFailure(f"the node with the init {pid} is down")
        return super()._connect()

    def exec_command(self, cmd: Any, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a command in the node."""
        clean = " ".join((*_ENVIRONMENT, cmd)) if isinstance(cmd, str) else [*_ENVIRONMENT, *cmd]
        done: tuple[int, bytes, bytes] = super().exec_command(clean, in_data=in_data, sudoable=sudoable)
        return done

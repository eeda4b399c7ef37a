# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection to a stand-in: this machine in the place of a host, which a test can take down."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import local

DOCUMENTATION = r"""
name: standin
short_description: Run harmless modules of ansible-core on this machine, in the place of a host
description:
  - The folder $LVS_STANDINS holds script.json, which says what is down, and calls.jsonl, which says what was called.
options:
  standin:
    description: The host of the task.
    vars:
      - name: inventory_hostname
  delegate_to:
    description: The host that the task is delegated to. Here, Ansible sets inventory_hostname to the task's own.
    keyword:
      - name: delegate_to
extends_documentation_fragment:
  - connection_pipelining
"""

# Modules of ansible-core that change nothing. Others would change this machine.
_HARMLESS = {"ping", "setup", "stat", "service_facts", "package_facts", "getent"}
_MODULE = re.compile(rb"module_fqn='ansible\.(?:modules|legacy)\.(\w+)'")
_CHECK_MODE = re.compile(rb'_ansible_check_mode\\*": ?true')


class Connection(local.Connection):  # type: ignore[misc]  # the parent is not typed
    """A host that is this machine, and that can be down; what runs there is recorded."""

    transport = "standin"

    @property
    def standin(self) -> str:
        """The name of the host; of a delegated task, that of the host that it is delegated to."""
        return str(self.get_option("delegate_to") or self.get_option("standin"))

    def reach(self) -> None:
        """Fail as an unreachable host does."""
        for down in self.script()["down"]:
            if down["host"] == self.standin and (not down["after"] or self._happened(down["after"])):
                raise AnsibleConnectionFailure(f"{self.standin} is down")

    def script(self) -> Any:
        """What the test has asked for."""
        return json.loads((_folder() / "script.json").read_text())

    def record(self, module: str, check_mode: bool, options: object) -> None:
        """Add a call to the record. One write, as several processes do it."""
        row = {"host": self.standin, "module": module, "check_mode": check_mode, "options": options}
        file = os.open(_folder() / "calls.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, f"{json.dumps(row)}\n".encode())
        os.close(file)

    def _happened(self, after: Any) -> bool:
        calls = _folder() / "calls.jsonl"
        rows = [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []
        return any(
            row["module"] == after["module"]
            and after["host"] in (None, row["host"])
            and after["options"].items() <= {name: row["options"].get(name) for name in after["options"]}.items()
            for row in rows
        )

    def _connect(self) -> Any:
        self.reach()
        return super()._connect()

    def exec_command(self, cmd: Any, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a module that changes nothing."""
        self.reach()
        found = _MODULE.search(in_data or b"")
        module = found[1].decode() if found else ""
        if module not in _HARMLESS:
            raise AnsibleError(f"a stand-in does not run this: {module or cmd}")
        self.record(f"ansible.builtin.{module}", bool(_CHECK_MODE.search(in_data or b"")), {})
        done: tuple[int, bytes, bytes] = super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        return done

    def put_file(self, in_path: str, out_path: str) -> None:
        """Refuse."""
        self.reach()
        raise AnsibleError(f"a stand-in takes no file: {out_path}")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Refuse."""
        self.reach()
        raise AnsibleError(f"a stand-in gives no file: {in_path}")


def _folder() -> Path:
    return Path(os.environ["LVS_STANDINS"])

# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the README tells its readers to type."""

from __future__ import annotations

import re
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The README's blocks of code in one language."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return found


(INVENTORY,) = blocks("yaml")
COMMANDS = [command for block in blocks("console") for command in block.splitlines()]
# Those that need a cluster; molecule/default/verify/test_readme.py knows where each is run.
ON_A_CLUSTER = [command for command in COMMANDS if "inventory.yml" in command]


def running(what: str) -> str:
    """The one command that runs a playbook or a module of the collection."""
    (command,) = (command for command in ON_A_CLUSTER if f"lvs.cluster.{what} " in f"{command} ")
    return command


# Those that are tests themselves, or run in one: tests/integration/test_demo.py.
MAKE = ["make demo", "make test"]
# Those that need the collection alone; tests/package/test_package.py runs them.
FROM_GALAXY = "ansible-galaxy collection install lvs.cluster"
BUILD = "ansible-galaxy collection build"
FROM_TARBALL = "ansible-galaxy collection install lvs-cluster-0.1.0.tar.gz"
DOCUMENTATION = ["ansible-doc lvs.cluster.ipvs_dest", "ansible-doc --type role lvs.cluster.lvs"]

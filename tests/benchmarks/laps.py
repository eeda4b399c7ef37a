# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a module's time goes: imported by what Ansible sends, once C(payload.timed) has put it there.

Laps between marks, since cProfile never ends on the kernel of the lab.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

_began = _last = time.perf_counter()
_laps: dict[str, float] = {}


def mark(lap: str) -> None:
    """Here a lap ends, and the next begins."""
    global _last
    now = time.perf_counter()
    _laps[lap] = _laps.get(lap, 0.0) + now - _last
    _last = now


def run(run_module: Callable[..., None], **options: Any) -> None:
    """Run the module as Ansible's own function does, with marks around its parts."""
    mark("import ansible.module_utils.basic")
    try:
        _mark_parts()
        run_module(**options)
    finally:
        mark("exit_json")
        print(json.dumps({"laps": _laps, "began": _began, "ended": _last}), file=sys.stderr)


def _mark_parts() -> None:
    # What is imported here is what Ansible sent.
    from ansible.module_utils import basic

    from ansible_collections.lvs.cluster.plugins.module_utils._core import module
    from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_table import IpvsTable
    from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.kernel import TableBackend

    _around(basic.AnsibleModule, "__init__", "import of the collection", "AnsibleModule()")
    _around(IpvsTable, "parse", "AnsibleModule()", "parse")
    _around(TableBackend, "__enter__", "parse", "connect")
    _around(TableBackend, "read", "connect", "read")
    _around(IpvsTable, "plan", "read", "plan")
    _around(module, "reconcile", "plan", "plan")
    _around(TableBackend, "apply", "plan", "apply")
    _around(basic.AnsibleModule, "exit_json", "result", "exit_json")


def _around(owner: Any, name: str, before: str, lap: str) -> None:
    """A mark before a function and one behind it."""
    function = getattr(owner, name)

    def marked(*arguments: Any, **options: Any) -> Any:
        mark(before)
        try:
            return function(*arguments, **options)
        finally:
            mark(lap)

    setattr(owner, name, marked)

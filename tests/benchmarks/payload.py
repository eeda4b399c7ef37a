# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules as Ansible sends them to a managed host: one file of Python, with the arguments in it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ansible.executor.module_common import modify_module
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, module_loader
from ansible.template import Templar

PROJECT = Path(__file__).parents[2]

# Ansible's own lines that the marks go to.
_FUTURE = "from __future__ import annotations\n"
_IMPORT = "from ansible.module_utils._internal._ansiballz import _loader\n"
_RUN = "_loader.run_module(\n"


@cache
def _templar() -> Templar:
    init_plugin_loader([str(PROJECT / ".collections")])
    return Templar(loader=DataLoader())


def of(module: str, python: str, **options: Any) -> str:
    """What Ansible sends to run a module with these options."""
    templar = _templar()
    found = module_loader.find_plugin_with_context(module)
    built = modify_module(
        module_name=found.resolved_fqcn,
        module_path=found.plugin_resolved_path,
        module_args={
            **options,
            "_ansible_module_name": module,
            "_ansible_check_mode": False,
            "_ansible_diff": False,
            "_ansible_no_log": False,
            "_ansible_verbosity": 0,
        },
        templar=templar,
        task_vars={"ansible_python_interpreter": python},
        module_compression="ZIP_DEFLATED",  # Ansible's default
    )
    return str(built.b_module_data.decode())


def timed(payload: str) -> str:
    """The same with the marks of C(laps) in it."""
    folder = str(Path(__file__).parent)
    for line, marked in (
        (_FUTURE, f"{_FUTURE}import sys; sys.path.insert(0, {folder!r}); import laps; del sys.path[0]\n"),
        (_IMPORT, f"laps.mark('unpack'); {_IMPORT}"),
        (_RUN, "laps.run(_loader.run_module,\n"),
    ):
        if line not in payload:
            raise ValueError(f"this ansible-core's wrapper around modules has no line {line.strip()!r}: change {__file__}")
        payload = payload.replace(line, marked)
    return payload

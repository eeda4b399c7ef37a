# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one command after the other and tell what each took.

A process of its own, and a small one: a child's peak memory counts that of whoever started it, too. Its network namespace
can be changed for a new one, where IPVS is as after a boot: the kernel keeps what C(ipvsadm -C) removes for a minute or two,
and looks through all of it for every destination that is added.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time

CLONE_NEWNET = 0x40000000


def enter_new_namespace() -> None:
    """A network namespace as no other program has it. The former one stays, so that its end disturbs no measurement."""
    os.open("/proc/self/ns/net", os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def main() -> None:
    """Read commands, a line each, with the files for their input, output and errors; print what each took."""
    for line in sys.stdin:
        command, *files = json.loads(line)
        if not command:
            enter_new_namespace()
            print("null", flush=True)
            continue
        flags = (os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        actions = [(os.POSIX_SPAWN_OPEN, number, file, flags[number], 0o600) for number, file in enumerate(files)]
        began = time.perf_counter()
        pid = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
        _pid, status, usage = os.wait4(pid, 0)
        ended = time.perf_counter()
        result = {"began": began, "ended": ended, "peak": usage.ru_maxrss, "status": os.waitstatus_to_exitcode(status)}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()

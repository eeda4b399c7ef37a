# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules on the managed host's Python: it imports everything once, and forks for each call.

On a slow kernel, a start of Python with its imports takes most of a module's time. In the forked process a module finds what
it finds in a process of its own: its standard files, environment, working directory and arguments, and nothing that another
call has left in memory.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import Any, NoReturn

MODULES = "ansible_collections.lvs.cluster.plugins.modules"
LIBRARIES = ("nftables", "pyroute2")  # modules import them where they need them
_MESSAGE = 1 << 18  # bytes
_libc = ctypes.CDLL(None, use_errno=True)


def import_all() -> None:
    """Import what the modules import, but leave the modules themselves to be run."""
    package = importlib.import_module(MODULES)
    for found in pkgutil.iter_modules(package.__path__):
        with suppress(Exception):  # it is reported where the module is run
            importlib.import_module(f"{MODULES}.{found.name}")
            del sys.modules[f"{MODULES}.{found.name}"]
            delattr(package, found.name)
    for name in LIBRARIES:
        with suppress(ImportError):
            importlib.import_module(name)


def enter(files: list[int], directory: str) -> None:
    """Take this process into namespaces; the working directory is one of the last."""
    for file in files:
        if _libc.setns(file, 0):
            raise OSError(ctypes.get_errno(), "setns")
    os.chdir(directory)
    sys.path[0] = directory  # as of python -m


def run(module: str) -> NoReturn:
    """Run a module as python -m does, and end as Python does, but leave the memory to the kernel."""
    status: Any = None
    try:
        runpy.run_module(f"{MODULES}.{module}", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        status = ended.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    if status is not None and not isinstance(status, int):
        print(status, file=sys.stderr)
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads
    atexit._run_exitfuncs()
    with suppress(ValueError):  # closed by the module
        sys.stdout.flush()
    with suppress(ValueError):
        sys.stderr.flush()
    os._exit((status or 0) & 0xFF)


def child(request: dict[str, Any], files: list[int]) -> NoReturn:
    """The forked process."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, file in enumerate(files[:3]):
            os.dup2(file, number)
        enter(files[3:], request["directory"])
        for file in files:
            os.close(file)
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv[1:] = []
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    run(request["module"])


def serve(control: socket.socket) -> None:
    """Start a process for each message and answer with its number, until the other end is closed.

    With the message come the standard files and the namespaces.
    """
    while True:
        message, files, _flags, _address = socket.recv_fds(control, _MESSAGE, 16, socket.MSG_CMSG_CLOEXEC)
        if not message:
            return
        number = os.fork()
        if not number:
            control.close()
            child(json.loads(message), files)
        for file in files:
            os.close(file)
        control.send(str(number).encode())


def main() -> None:
    """Serve on the socket whose number is the argument."""
    sys.dont_write_bytecode = False  # processes that are started later find it
    import_all()
    sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)
    assert threading.active_count() == 1, threading.enumerate()
    gc.collect()
    gc.freeze()  # what is here now is shared with the forked processes
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies
    with socket.socket(fileno=int(sys.argv[1])) as control:
        control.set_inheritable(False)
        serve(control)


if __name__ == "__main__":
    main()

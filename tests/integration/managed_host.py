# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The managed host's Python, and how modules are run with it."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

# The managed host's: Debian's own, with python3-pyroute2 and python3-nftables, unless told otherwise.
PYTHON = os.environ.get("LVS_NODE_PYTHON", "/usr/bin/python3")
COLLECTION = Path(__file__).parents[2]
TIMEOUT = 60
_ANSWERS_WITHIN = 120  # with the imports before the first answer


def managed_python(folder: Path) -> Path:
    """A folder with what Ansible sends to a managed host, readable for everybody."""
    import ansible

    source = Path(ansible.__file__).parent
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source / "module_utils", folder / "ansible/module_utils", ignore=ignore)
    (folder / "ansible/__init__.py").touch()
    shutil.copytree(COLLECTION / "plugins", folder / "ansible_collections/lvs/cluster/plugins", ignore=ignore)
    folder.chmod(0o755)
    return folder


@contextmanager
def arguments_file(options: dict[str, Any], check_mode: bool) -> Iterator[IO[str]]:
    """The standard input of a module."""
    with tempfile.TemporaryFile("w+") as file:
        json.dump({"ANSIBLE_MODULE_ARGS": {**options, "_ansible_check_mode": check_mode, "_ansible_diff": True}}, file)
        file.seek(0)
        yield file


def read_all(*pipes: int) -> tuple[str, ...]:
    """All that comes from pipes."""
    texts = dict.fromkeys(pipes, b"")
    until = time.monotonic() + TIMEOUT
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(until - time.monotonic(), 0))
            if not ready:
                raise TimeoutError
            for key, _events in ready:
                part = os.read(key.fd, 1 << 16)
                texts[key.fd] += part
                if not part:
                    selector.unregister(key.fd)
    return tuple(text.decode(errors="backslashreplace") for text in texts.values())


class Modules:
    """The modules, and a server that runs them on the managed host's Python (see C(module_server))."""

    def __init__(self, folder: Path) -> None:
        self.folder = managed_python(folder)
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(_ANSWERS_WITHIN)
        command = [PYTHON, str(Path(__file__).with_name("module_server.py")), str(theirs.fileno())]
        with theirs:
            self._server = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, env=self.environment(), pass_fds=[theirs.fileno()]
            )

    def close(self) -> None:
        """End the server."""
        self._control.close()
        self._server.wait(timeout=TIMEOUT)

    def environment(self) -> dict[str, str]:
        """That of a module."""
        return {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(self, module: str, arguments: IO[str], namespaces: Iterable[Path]) -> tuple[str, ...]:
        """Run a module in namespaces: its output and its errors, until all ends of them are closed."""
        with ExitStack() as stack:
            entered = [stack.enter_context(path.open()) for path in namespaces]
            (output, to_output), (errors, to_errors) = (os.pipe() for _stream in range(2))
            for end in (output, errors):
                stack.callback(os.close, end)
            try:
                process = self._start(
                    module, [arguments.fileno(), to_output, to_errors, *(file.fileno() for file in entered)]
                )
            finally:
                os.close(to_output)
                os.close(to_errors)
            try:
                return read_all(output, errors)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                raise subprocess.TimeoutExpired(module, TIMEOUT) from None

    def _start(self, module: str, files: list[int]) -> int:
        """Have a process started: its number."""
        request = {"module": module, "directory": str(Path.cwd()), "environment": self.environment()}
        with self._lock:
            socket.send_fds(self._control, [json.dumps(request).encode()], files)
            number = self._control.recv(64)
        assert number, "the module server has ended"
        return int(number)

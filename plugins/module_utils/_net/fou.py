# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The kernel's listeners for tunnels in UDP, over generic netlink.

Source: include/uapi/linux/fou.h of Linux.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from .._core.errors import KernelRefused, MissingKernelSupport, NotPermitted
from .._core.netlink import GenericSocket, Refused, attribute, attributes
from .model import Listener

_FAMILY, _VERSION = "fou", 1
_ADD, _DEL, _GET = 1, 2, 3
_PORT, _AF, _TYPE = 1, 2, 4
_GUE = 2
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_port = struct.Struct("!H")


def encode(listener: Listener) -> bytes:
    """A listener for GUE, as the kernel is told of it."""
    return b"".join(
        (
            attribute(_PORT, _port.pack(listener.port)),
            attribute(_AF, bytes((_FAMILIES[listener.outer],))),
            attribute(_TYPE, bytes((_GUE,))),
        )
    )


def decode(payload: bytes) -> tuple[int, int, bool]:
    """The family, the port, and whether it takes GUE."""
    found = attributes(payload)
    outer = 4 if found[_AF][0] == socket.AF_INET else 6
    return outer, _port.unpack(found[_PORT])[0], found[_TYPE][0] == _GUE


def listeners() -> dict[tuple[int, int], bool]:
    """Those that there are, by family and port, and whether each takes GUE; none where the kernel has no such thing."""
    try:
        with _fou() as fou:
            found = [decode(answer) for answer in fou.request(_GET, dump=True)]
    except MissingKernelSupport:
        return {}
    return {(outer, port): gue for outer, port, gue in found}


def add(listener: Listener) -> None:
    """Have packets taken off at its port."""
    with _fou() as fou:
        fou.request(_ADD, encode(listener))


def remove(listener: Listener) -> None:
    """No longer."""
    with _fou() as fou:
        fou.request(_DEL, encode(listener))


@contextmanager
def _fou() -> Iterator[GenericSocket]:
    try:
        fou = GenericSocket(_FAMILY, _VERSION)
    except Refused as error:
        if error.errno == errno.ENOENT:
            raise MissingKernelSupport(
                "tunnel_type: gue needs the module fou, which is neither built into this kernel nor loadable: load it with"
                " 'modprobe fou', or install a kernel that has it"
            ) from error
        raise
    try:
        yield fou
    except Refused as error:
        if error.errno in (errno.EPERM, errno.EACCES):
            raise NotPermitted("changing listeners for GUE") from error
        if error.errno == errno.EADDRINUSE:
            raise KernelRefused("tunnel_port: another program listens there: see ss -lun, or take another port") from error
        raise KernelRefused(f"the listener for GUE: {error.strerror}") from error
    finally:
        fou.close()

# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The kernel's listeners of tunnels in UDP (FOU and GUE), over generic netlink.

Source: include/uapi/linux/fou.h of Linux.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from .._core import program
from .._core.errors import KernelRefused, MissingKernelSupport, NotPermitted
from .._core.netlink import GenericSocket, Refused
from .._core.netlink_messages import attribute, attributes
from .._core.requirements import kernel_package
from .model import Listener
from .route import SOCKET_FAMILY

_FAMILY, _VERSION = "fou", 1
_ADD, _DEL, _GET = 1, 2, 3
_PORT, _AF, _TYPE = 1, 2, 4
_GUE = 2
_port = struct.Struct("!H")


def encode(listener: Listener) -> bytes:
    """The attributes of a GUE listener in a request."""
    return b"".join(
        (
            attribute(_PORT, _port.pack(listener.port)),
            attribute(_AF, bytes((SOCKET_FAMILY[listener.outer],))),
            attribute(_TYPE, bytes((_GUE,))),
        )
    )


def decode(payload: bytes) -> tuple[int, int, bool]:
    """The family and the port of a listener, and whether it takes GUE."""
    values = attributes(payload)
    outer = 4 if values[_AF][0] == SOCKET_FAMILY[4] else 6
    return outer, _port.unpack(values[_PORT])[0], values[_TYPE][0] == _GUE


def listeners() -> dict[tuple[int, int], bool]:
    """Whether each listener takes GUE, by family and port; none where the kernel has no support for them."""
    try:
        with _fou() as fou:
            decoded = [decode(answer) for answer in fou.request(_GET, dump=True)]
    except MissingKernelSupport:
        return {}
    return {(outer, port): gue for outer, port, gue in decoded}


def add(listener: Listener) -> None:
    """Create a listener. No stock kernel loads the module for that by itself.

    :raises MissingKernelSupport: the module cannot be loaded
    """
    program.with_module(listener.module, lambda: _add(listener))


def _add(listener: Listener) -> None:
    with _fou() as fou:
        fou.request(_ADD, encode(listener))


def remove(listener: Listener) -> None:
    """Remove a listener."""
    with _fou() as fou:
        fou.request(_DEL, encode(listener))


@contextmanager
def _fou() -> Iterator[GenericSocket]:
    try:
        fou = GenericSocket(_FAMILY, _VERSION)
    except Refused as error:
        if error.errno == errno.ENOENT:
            raise MissingKernelSupport(
                "tunnel_type: gue needs the module fou, which this kernel does not have loaded: install the package of the"
                " kernel's modules that has it, or choose another tunnel_type, as some kernels are built without it"
                f"{kernel_package('fou')}"
            ) from error
        raise
    try:
        yield fou
    except Refused as error:
        if error.errno in (errno.EPERM, errno.EACCES):
            raise NotPermitted("changing GUE listeners") from error
        if error.errno == errno.EADDRINUSE:
            raise KernelRefused("tunnel_port: another program listens there: see ss -lun, or choose another port") from error
        raise KernelRefused(f"GUE listener: {error.strerror}") from error
    finally:
        fou.close()

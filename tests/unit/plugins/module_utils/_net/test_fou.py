# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's listeners for GUE: what they look like on the wire, and what a refusal says."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import netlink, program
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import (
    KernelRefused,
    LvsError,
    MissingKernelSupport,
    NotPermitted,
)
from ansible_collections.lvs.cluster.plugins.module_utils._core.netlink_messages import attribute
from ansible_collections.lvs.cluster.plugins.module_utils._net import fou
from ansible_collections.lvs.cluster.plugins.module_utils._net.model import Listener

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="the bytes are those of a little-endian host")

# include/uapi/linux/fou.h: enum FOU_CMD_*
ADD, DEL, GET = 1, 2, 3

OVER_IPV4, OVER_IPV6 = Listener(4, 6080), Listener(6, 65535)
# FOU_ATTR_PORT (in the network's order), FOU_ATTR_AF (AF_INET, AF_INET6), FOU_ATTR_TYPE (FOU_ENCAP_GUE)
WIRE = {
    OVER_IPV4: bytes.fromhex("0600 0100 17c0 0000  0500 0200 02 000000  0500 0400 02 000000"),
    OVER_IPV6: bytes.fromhex("0600 0100 ffff 0000  0500 0200 0a 000000  0500 0400 02 000000"),
}
PLAIN_FOU = bytes.fromhex("0600 0100 15b3 0000  0500 0200 02 000000  0500 0300 04 000000  0500 0400 01 000000")


@little_endian
@pytest.mark.parametrize("listener", WIRE, ids=str)
def test_wire(listener: Listener) -> None:
    """As ip-fou(8) sends it; the kernel's answer, which has more in it, is read alike."""
    assert fou.encode(listener) == WIRE[listener]
    more = attribute(3, b"\0") + attribute(5, b"")
    assert fou.decode(WIRE[listener] + more) == (listener.outer, listener.port, True)


@little_endian
def test_listener_of_another_kind() -> None:
    """FOU_ENCAP_DIRECT takes one protocol off, without GUE's header."""
    assert fou.decode(PLAIN_FOU) == (4, 5555, False)


class Socket:
    """Stands for the netlink socket: remembers what is sent, and answers or refuses as the test says."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, bytes, bool]] = []
        self.answers: list[bytes] = []
        self.refusal = 0
        self.unknown = 0
        self.closed = 0

    def __call__(self, family: str, version: int) -> Socket:
        """A new one, which the kernel may refuse."""
        assert (family, version) == ("fou", 1)
        if self.unknown:
            raise netlink.Refused(self.unknown)
        return self

    def request(self, command: int, payload: bytes = b"", dump: bool = False) -> list[bytes]:
        """Answer or refuse."""
        self.sent.append((command, payload, dump))
        if self.refusal:
            raise netlink.Refused(self.refusal)
        return self.answers

    def close(self) -> None:
        """Remember the end."""
        self.closed += 1


@pytest.fixture
def sock(monkeypatch: pytest.MonkeyPatch) -> Socket:
    """What every socket is from here on."""
    sock = Socket()
    monkeypatch.setattr(fou, "GenericSocket", sock)
    return sock


@little_endian
def test_listeners(sock: Socket) -> None:
    """All of them, in one dump."""
    sock.answers = [*WIRE.values(), PLAIN_FOU]
    assert fou.listeners() == {(4, 6080): True, (6, 65535): True, (4, 5555): False}
    assert (sock.sent, sock.closed) == ([(GET, b"", True)], 1)


@pytest.mark.parametrize(("change", "command"), [(fou.add, ADD), (fou.remove, DEL)])
def test_change(sock: Socket, change: Callable[[Listener], None], command: int) -> None:
    """One request, which names the listener in full."""
    change(OVER_IPV6)
    assert (sock.sent, sock.closed) == ([(command, fou.encode(OVER_IPV6), False)], 1)


@pytest.mark.parametrize(("listener", "module"), [(OVER_IPV4, "fou"), (OVER_IPV6, "fou6")])
def test_module_that_is_not_loaded(sock: Socket, monkeypatch: pytest.MonkeyPatch, listener: Listener, module: str) -> None:
    """No kernel loads it by itself."""
    loaded: list[str] = []

    def load(*command: str, **_options: Any) -> tuple[str, str]:
        loaded.append(command[-1])
        sock.unknown = 0
        return "", ""

    monkeypatch.setattr(program, "run", load)
    sock.unknown = errno.ENOENT
    fou.add(listener)
    assert (loaded, sock.sent) == ([module], [(ADD, fou.encode(listener), False)])
    fou.add(listener)
    assert loaded == [module]


def test_kernel_without_the_module(sock: Socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no listeners, and cannot be given one."""
    monkeypatch.setattr(program, "run", lambda *_command, **_options: ("", "not found"))
    sock.unknown = errno.ENOENT
    assert fou.listeners() == {}
    with pytest.raises(MissingKernelSupport, match=r"^tunnel_type: gue needs the module fou, .*\(modprobe fou: not found\)"):
        fou.add(OVER_IPV4)
    sock.unknown = errno.EMFILE
    with pytest.raises(netlink.Refused):
        fou.add(OVER_IPV4)


@pytest.mark.parametrize(
    ("number", "error", "says"),
    [
        (errno.EPERM, NotPermitted, "changing GUE listeners needs root: run the task with 'become: true'"),
        (errno.EACCES, NotPermitted, "changing GUE listeners needs root"),
        (errno.EADDRINUSE, KernelRefused, "tunnel_port: another program listens there: see ss -lun, or choose another port"),
        (errno.EINVAL, KernelRefused, "GUE listener: Invalid argument"),
    ],
)
def test_refusal(sock: Socket, number: int, error: type[LvsError], says: str) -> None:
    """In words that say what to do; the socket is given back nevertheless."""
    sock.refusal = number
    with pytest.raises(error, match=f"^{re.escape(says)}"):
        fou.add(OVER_IPV4)
    assert sock.closed == 1

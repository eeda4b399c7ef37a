# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""A generic netlink socket.

Sources: include/uapi/linux/netlink.h and genetlink.h of Linux; netlink(7).
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Sequence

from .netlink_messages import (
    GENL_HEADER,
    NLM_F_ACK,
    NLM_F_DUMP,
    NLM_F_DUMP_INTR,
    NLMSG_DONE,
    NLMSG_ERROR,
    attribute,
    attributes,
    generic,
    messages,
)

NETLINK_GENERIC = 16

GENL_ID_CTRL = 0x10
CTRL_CMD_GETFAMILY = 3
CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 1, 2

_ERROR = struct.Struct("=i")
_FAMILY_ID = struct.Struct("=H")

_RECEIVE_BYTES = 65536  # the kernel fills a dump's messages up to 32 KiB
SOL_NETLINK, NETLINK_CAP_ACK = 270, 10
_BATCH = 200  # requests in one send: should all be refused, the answers fit into the default receive buffer
# Of 32 bits each on old 32-bit systems, which have the old number of the option, too.
_TIMEVAL = "@ll" if struct.calcsize("@l") == 8 or socket.SO_RCVTIMEO == 20 else "@qq"
_TIMEOUT = 10  # seconds that the kernel may take for an answer


class Refused(OSError):
    """The kernel answered a request with an error."""

    def __init__(self, number: int) -> None:
        super().__init__(number, os.strerror(number))


class SomeRefused(Exception):
    """The kernel refused some of many requests.

    C(errors) has their errno by their places among all requests. Of the first C(sent) requests it carried out all others;
    later ones were not sent.
    """

    def __init__(self, errors: dict[int, int], sent: int) -> None:
        super().__init__(f"{len(errors)} of {sent} requests refused")
        self.errors = errors
        self.sent = sent


class GenericSocket:
    """A generic netlink family: requests in one send, answers read until the last is there."""

    def __init__(self, family: str, version: int) -> None:
        self._version = version
        self._sequence = 0
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        try:
            # The kernel's own limit: Python's would look before each receive whether there is something, half of all calls.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack(_TIMEVAL, _TIMEOUT, 0))
            # A refusal without a copy of what was refused.
            self._socket.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
            self._socket.bind((0, 0))
            self._family = self._resolve(family)
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def _resolve(self, name: str) -> int:
        # Asking for a family's name also loads the module that brings it.
        self._family, version = GENL_ID_CTRL, self._version
        self._version = 1
        try:
            query = attribute(CTRL_ATTR_FAMILY_NAME, name.encode() + b"\0")
            (answer,) = self.request(CTRL_CMD_GETFAMILY, query)
        finally:
            self._version = version
        return int(_FAMILY_ID.unpack(attributes(answer)[CTRL_ATTR_FAMILY_ID])[0])

    def request(self, command: int, payload: bytes = b"", dump: bool = False) -> list[bytes]:
        """Send one request; return what each message of the answer carries, attributes on the wire.

        :raises Refused: the kernel's errno
        """
        while True:
            self._send([(command, payload)], NLM_F_DUMP if dump else NLM_F_ACK)
            answers, errors, interrupted = self._receive()
            if errors:
                raise Refused(errors[0])
            if not interrupted:
                return answers
            # The table changed while it was read: read it again.

    def send_all(self, requests: Sequence[tuple[int, bytes]]) -> None:
        """Send requests, (command, payload) each, many in one go, of which the kernel acknowledges the last.

        :raises SomeRefused: what was refused, and what was carried out
        """
        for start in range(0, len(requests), _BATCH):
            batch = requests[start : start + _BATCH]
            self._send(batch, NLM_F_ACK)
            errors = self._receive()[1]
            if errors:
                raise SomeRefused({start + index: number for index, number in errors.items()}, start + len(batch))

    def _send(self, requests: Sequence[tuple[int, bytes]], last_flags: int) -> None:
        self._first = self._sequence + 1
        self._sequence += len(requests)
        parts = []
        for sequence, (command, payload) in enumerate(requests, self._first):
            flags = last_flags if sequence == self._sequence else 0
            parts.append(generic(self._family, command, self._version, flags, sequence, payload))
        self._socket.send(b"".join(parts))

    def _datagram(self) -> bytes:
        try:
            return self._socket.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            raise OSError(errno.ETIMEDOUT, f"the kernel did not answer within {_TIMEOUT} seconds") from None

    def _receive(self) -> tuple[list[bytes], dict[int, int], bool]:
        """Read until the last request has ended: answers, errors by the request's place, whether a dump was interrupted."""
        answers: list[bytes] = []
        errors: dict[int, int] = {}
        interrupted = False
        while True:
            for kind, flags, sequence, payload in messages(self._datagram()):
                if sequence < self._first:
                    continue  # of an earlier request that was given up
                interrupted = interrupted or bool(flags & NLM_F_DUMP_INTR)
                if kind in (NLMSG_ERROR, NLMSG_DONE):
                    number = -_ERROR.unpack_from(payload)[0] if len(payload) >= _ERROR.size else 0
                    if number:
                        errors[sequence - self._first] = number
                    if sequence == self._sequence:
                        return answers, errors, interrupted
                else:
                    answers.append(payload[GENL_HEADER.size :])

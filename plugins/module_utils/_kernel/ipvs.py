# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The kernel's IPVS table: reading what is named, and carrying out changes."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from .._errors import KernelRefused, LvsError, MissingKernelSupport, NoSuchService, NotPermitted
from .._model.ipvs import Destination, Service, ServiceKey
from .._reconcile import Change, Wanted
from . import ipvs_codec as codec
from .netlink import GenericSocket, Refused

_REQUEST = {
    (Service, "add"): (codec.CMD_NEW_SERVICE, codec.encode_service),
    (Service, "set"): (codec.CMD_SET_SERVICE, codec.encode_service),
    (Service, "remove"): (codec.CMD_DEL_SERVICE, lambda service: codec.encode_key(service.key)),
    (Destination, "add"): (codec.CMD_NEW_DEST, codec.encode_destination),
    (Destination, "set"): (codec.CMD_SET_DEST, codec.encode_destination),
    (Destination, "remove"): (codec.CMD_DEL_DEST, lambda destination: codec.encode_destination_key(destination.key)),
}

_Connected = TypeVar("_Connected", bound="_Ipvs")


class _Ipvs:
    """A connection to the kernel's IPVS; a context manager."""

    def __enter__(self: _Connected) -> _Connected:
        try:
            self._socket = GenericSocket(codec.FAMILY, codec.VERSION)
        except OSError as error:
            if error.errno == errno.ENOENT:
                raise MissingKernelSupport(
                    "this kernel has no IPVS: load it with 'modprobe ip_vs', or install a kernel that has the module ip_vs"
                ) from error
            raise KernelRefused(f"generic netlink: {error.strerror or error}") from error
        return self

    def __exit__(self, *_exception: object) -> None:
        self._socket.close()

    def _ask(self, command: int, payload: bytes, dump: bool = False) -> list[dict[int, bytes]]:
        try:
            return self._socket.request(command, payload, dump)
        except OSError as error:
            raise _translated(error) from error

    def service(self, key: ServiceKey) -> Service | None:
        """The service of that key, if there is one."""
        try:
            answers = self._ask(codec.CMD_GET_SERVICE, codec.encode_key(key))
        except KernelRefused as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.ESRCH:
                return None
            raise
        return codec.decode_service(answers[0]) if answers else None

    def apply(self, changes: Sequence[Change[Any]]) -> None:
        """Carry the changes out, in their order, in one exchange."""
        requests = []
        for change in changes:
            command, encode = _REQUEST[type(change.item), change.action]
            requests.append((command, encode(change.item)))
        try:
            self._socket.send_all(requests)
        except OSError as error:
            raise _translated(error, changes[error.index] if isinstance(error, Refused) else None) from error


class IpvsServices(_Ipvs):
    """The virtual services."""

    def read(self, wanted: Iterable[Wanted[Service]]) -> dict[Any, Service]:
        """The named services that exist."""
        found = (self.service(one.key) for one in wanted)
        return {service.key: service for service in found if service is not None}


class IpvsDestinations(_Ipvs):
    """The destinations of virtual services."""

    def read(self, wanted: Iterable[Wanted[Destination]]) -> dict[Any, Destination]:
        """All destinations of the named services."""
        current: dict[Any, Destination] = {}
        keep: dict[ServiceKey, bool] = {}
        for one in wanted:
            keep[one.key.service] = keep.get(one.key.service, False) or one.new is not None
        for service, needed in keep.items():
            answers = self._ask(codec.CMD_GET_DEST, codec.encode_key(service), dump=True)
            destinations = [codec.decode_destination(service, answer) for answer in answers]
            # The kernel answers with an empty dump for a service that does not exist, too.
            if needed and not destinations and self.service(service) is None:
                raise NoSuchService(service)
            current.update((destination.key, destination) for destination in destinations)
        return current


def _translated(error: OSError, change: Change[Any] | None = None) -> LvsError:
    """The kernel's errno in the words of the options."""
    if error.errno in (errno.EPERM, errno.EACCES):
        return NotPermitted("reading or changing IPVS, check mode included,")
    if change is None:
        return KernelRefused(f"IPVS: {error.strerror or error}")
    rule, item = change.line(), change.item
    if isinstance(item, Service) and error.errno == errno.ENOENT:
        return KernelRefused(
            f"scheduler: {item.scheduler} is not available in this kernel: the module ip_vs_{item.scheduler} is missing"
            f" (try 'modprobe ip_vs_{item.scheduler}'; refused: {rule})"
        )
    if isinstance(item, Destination):
        if error.errno == errno.ESRCH:
            return NoSuchService(item.key.service)
        if error.errno == errno.EINVAL:
            return KernelRefused(
                f"rip: the kernel does not take {item.key.rip}: it must be a unicast or local address that this host has"
                f" a route to (refused: {rule})"
            )
    return KernelRefused(f"IPVS: {error.strerror} (refused: {rule})")

# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The kernel's IPVS: reading what is named, and carrying out changes."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

from .._core import files
from .._core import keep_files as boot
from .._core.errors import (
    BatchRefused,
    InvalidValue,
    KernelRefused,
    LvsError,
    MissingKernelSupport,
    NoSuchService,
    NotPermitted,
)
from .._core.keep import IPVS, SUBJECT
from .._core.netlink import GenericSocket, SomeRefused
from .._core.reconcile import Change, Wanted
from . import codec
from .drain_notes import Notes, of_notes_alone
from .ipvs_sync_daemon import SyncDaemon
from .ipvs_timeouts import Timeouts
from .model import Destination, Service, ServiceKey

_REQUEST: Mapping[tuple[type, str], tuple[int, Callable[[Any], bytes]]] = {
    (Service, "add"): (codec.CMD_NEW_SERVICE, codec.encode_service),
    (Service, "set"): (codec.CMD_SET_SERVICE, codec.encode_service),
    (Service, "remove"): (codec.CMD_DEL_SERVICE, lambda service: codec.encode_key(service.key)),
    (Destination, "add"): (codec.CMD_NEW_DEST, codec.encode_destination),
    (Destination, "set"): (codec.CMD_SET_DEST, codec.encode_destination),
    (Destination, "remove"): (codec.CMD_DEL_DEST, lambda destination: codec.encode_destination_key(destination.key)),
    (Timeouts, "set"): (codec.CMD_SET_CONFIG, codec.encode_timeouts),
    (SyncDaemon, "add"): (codec.CMD_NEW_DAEMON, codec.encode_daemon),
    (SyncDaemon, "remove"): (codec.CMD_DEL_DAEMON, codec.encode_daemon_key),
}

_Connected = TypeVar("_Connected", bound="Ipvs")


def _connect() -> GenericSocket:
    try:
        return GenericSocket(codec.FAMILY, codec.VERSION)
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise MissingKernelSupport(
                "this kernel has no IPVS: load it with 'modprobe ip_vs', or install a kernel that has the module ip_vs"
            ) from error
        raise KernelRefused(f"generic netlink: {error.strerror or error}") from error


def load_ipvs() -> None:
    """Have the module ip_vs loaded: the kernel does, when it is asked for that family."""
    _connect().close()


class Ipvs:
    """A connection to the kernel's IPVS; a context manager."""

    def __enter__(self: _Connected) -> _Connected:
        self._socket = _connect()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._socket.close()

    def _ask(self, command: int, payload: bytes = b"", dump: bool = False) -> list[bytes]:
        try:
            return self._socket.request(command, payload, dump)
        except OSError as error:
            if error.errno in (errno.EPERM, errno.EACCES):
                raise NotPermitted(_NOT_PERMITTED) from error
            raise KernelRefused(f"IPVS: {error.strerror or error}") from error

    def service(self, key: ServiceKey) -> Service | None:
        """The service of that key, if there is one."""
        try:
            answers = self._ask(codec.CMD_GET_SERVICE, codec.encode_key(key))
        except KernelRefused as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.ESRCH:
                return None
            raise
        return codec.decode_service(answers[0]) if answers else None

    def destinations(self, service: ServiceKey) -> dict[Any, Destination]:
        """The destinations of a service; none, too, where there is no such service."""
        answers = self._ask(codec.CMD_GET_DEST, codec.encode_key(service), dump=True)
        found = [codec.decode_destination(service, answer) for answer in answers]
        return {destination.key: destination for destination in found}

    def apply(self, changes: Sequence[Change[Any]]) -> None:
        """Carry the changes out, in their order; what goes, only when all that comes is there."""
        self._carry_out(changes, [])

    def _carry_out(self, changes: Sequence[Change[Any]], done: list[Change[Any]]) -> None:
        """See above; C(done) takes up those that were carried out. What is kept for the next start of the host follows."""
        try:
            self._exchange(changes, done)
        finally:
            if changes:
                boot.keep(IPVS, lambda: self.boot_lines(files.load_state().get(SUBJECT, {}).get("services", [])))

    def _exchange(self, changes: Sequence[Change[Any]], done: list[Change[Any]]) -> None:
        coming = [change for change in changes if change.after is not None]
        going = [change for change in changes if change.after is None]
        for part in (coming, going):
            requests = []
            for change in part:
                command, encode = _REQUEST[type(change.item), change.action]
                requests.append((command, encode(change.item)))
            try:
                self._socket.send_all(requests)
            except SomeRefused as refusal:
                done += [change for index, change in enumerate(part[: refusal.sent]) if index not in refusal.errors]
                raise _translated(refusal.errors, part, done, len(changes)) from refusal
            except OSError as error:
                raise KernelRefused(f"IPVS: {error.strerror or error}") from error
            done += part

    def boot_lines(self, services: Iterable[Mapping[str, Any]]) -> list[str]:
        """What ipvsadm(8) is to be told after a reboot: these services as they are, the timeouts, and the daemons.

        :param services: the options that name a service, for each
        """
        lines: list[str] = []
        for key in sorted(map(ServiceKey.of, services), key=lambda one: one.order):
            service = self.service(key)
            if service is not None:
                destinations = sorted(self.destinations(key).values(), key=lambda one: one.key.order)
                lines += [service.line(), *(one.restored_by for one in destinations)]
        (config,) = self._ask(codec.CMD_GET_CONFIG)
        lines.append(codec.decode_timeouts(config).line())
        return lines + [codec.decode_daemon(answer).line() for answer in self._ask(codec.CMD_GET_DAEMON, dump=True)]


class _Noted(Ipvs):
    """Where destinations may be drained."""

    @cached_property
    def _notes(self) -> Notes:
        return Notes()

    def destinations(self, service: ServiceKey) -> dict[Any, Destination]:
        """See above, and which of them are drained."""
        return self._notes.merge(super().destinations(service))

    def apply(self, changes: Sequence[Change[Any]]) -> None:
        """See above. A weight is noted before the kernel forgets it, and forgotten after the kernel has it again."""
        draining = self._notes.take(changes)
        noted = [change for change in changes if of_notes_alone(change)]
        done = list(noted)
        try:
            self._carry_out([change for change in changes if not of_notes_alone(change)] if noted else changes, done)
        except LvsError as error:
            # Of what the kernel did not answer, nobody knows: those notes stay.
            if isinstance(error.__cause__, SomeRefused):
                carried_out = set(map(id, done))
                self._notes.forget(change for change in draining if id(change) not in carried_out)
            raise
        finally:
            self._notes.drop(done)


class IpvsServices(_Noted):
    """The virtual services."""

    def read(self, wanted: Iterable[Wanted[Service]]) -> dict[Any, Service]:
        """The named services that exist."""
        found = (self.service(one.key) for one in wanted)
        return {service.key: service for service in found if service is not None}


class IpvsDestinations(_Noted):
    """The destinations of virtual services."""

    def read(self, wanted: Iterable[Wanted[Destination]]) -> dict[Any, Destination]:
        """All destinations of the named services."""
        current: dict[Any, Destination] = {}
        keep: dict[ServiceKey, bool] = {}
        for one in wanted:
            keep[one.key.service] = keep.get(one.key.service, False) or one.new is not None
        for service, needed in keep.items():
            destinations = self.destinations(service)
            # The kernel answers with an empty dump for a service that does not exist, too.
            if needed and not destinations and self.service(service) is None:
                raise NoSuchService(service)
            current.update(destinations)
        return current


class IpvsTable(_Noted):
    """Services and their destinations together."""

    def __init__(self, whole: bool) -> None:
        self._whole = whole

    def read(self, wanted: Iterable[Wanted[Any]]) -> dict[Any, Any]:
        """The named services, or all that there are, each with all its destinations behind it."""
        named = {one.key for one in wanted if isinstance(one.key, ServiceKey)}
        current: dict[Any, Any] = {}
        for answer in self._ask(codec.CMD_GET_SERVICE, dump=True):
            service = codec.decode_service(answer)
            if self._whole or service.key in named:
                current[service.key] = service
                current.update(self.destinations(service.key))
        return current


class IpvsTimeouts(Ipvs):
    """The timeouts of idle connections."""

    def read(self, wanted: Iterable[Wanted[Timeouts]]) -> dict[Any, Timeouts]:
        """All three, whichever are named."""
        (answer,) = self._ask(codec.CMD_GET_CONFIG)
        return {Timeouts.KEY: codec.decode_timeouts(answer)}


class SyncDaemons(Ipvs):
    """The daemons that share connections between directors."""

    def read(self, wanted: Iterable[Wanted[SyncDaemon]]) -> dict[Any, SyncDaemon]:
        """Those that run."""
        devices = [name for _index, name in socket.if_nameindex()]
        for one in wanted:
            if one.new is not None and one.new.interface not in devices:
                raise InvalidValue(
                    "interface", one.new.interface, f"does not exist: this host has {', '.join(sorted(devices))}"
                )
        found = [codec.decode_daemon(answer) for answer in self._ask(codec.CMD_GET_DAEMON, dump=True)]
        return {daemon.key: daemon for daemon in found}

    def apply(self, changes: Sequence[Change[Any]]) -> None:
        """Start and stop. A daemon that runs cannot be changed: it is stopped and started, as it was if it will not start."""
        for change in changes:
            if change.action != "set":
                super().apply([change])
                continue
            super().apply([Change(change.before, None)])
            try:
                super().apply([Change(None, change.after)])
            except LvsError as error:
                try:
                    super().apply([Change(None, change.before)])
                except LvsError as second:
                    raise KernelRefused(
                        f"{error}; and it does not run now, as it did not start as it was: {second}"
                    ) from error
                raise


_NOT_PERMITTED = "reading or changing IPVS, check mode included,"


def _translated(errors: Mapping[int, int], part: Sequence[Change[Any]], done: Sequence[Change[Any]], total: int) -> LvsError:
    """The kernel's errno in the words of the options."""
    refused = sorted(errors)
    first, number = part[refused[0]], errors[refused[0]]
    if number in (errno.EPERM, errno.EACCES):
        return NotPermitted(_NOT_PERMITTED)
    if isinstance(first.item, Destination) and number == errno.ESRCH and total == 1:
        return NoSuchService(first.item.key.service)
    # A service that was refused is missing to its destinations, and that they are refused for this says nothing new.
    missing = {part[index].item.key for index in refused if isinstance(part[index].item, Service)}

    def says_more(index: int) -> bool:
        item = part[index].item
        return not (isinstance(item, Destination) and errors[index] == errno.ESRCH and item.key.service in missing)

    lines = [
        f"{_reason(part[index].item, errors[index])} (refused: {part[index].line()})" for index in refused if says_more(index)
    ]
    if total > 1:
        lines.append(f"{len(done)} of {total} changes were carried out before that; run the task again to complete them")
    return BatchRefused("\n".join(lines), [change.line() for change in done], [part[index].line() for index in refused])


def _reason(item: Any, number: int) -> str:
    if isinstance(item, Service) and number == errno.ENOENT:
        modules = [f"ip_vs_{item.scheduler}"]
        if item.persistence_engine:
            modules.append(f"ip_vs_pe_{item.persistence_engine}")
        options = f"scheduler: {item.scheduler}" + (
            f", persistence_engine: {item.persistence_engine}" if item.persistence_engine else ""
        )
        names = " or ".join(modules)
        return f"{options} is not available in this kernel: the module {names} is missing (try 'modprobe {modules[-1]}')"
    if isinstance(item, Destination):
        if number == errno.ESRCH:
            return str(NoSuchService(item.key.service))
        if number == errno.EINVAL and item.key.rip.version != item.key.service.family:
            return (
                f"rip: {item.key.rip} is of another family than its service, which cannot be while a sync daemon runs"
                " (stop it with lvs.cluster.ipvs_sync_daemon, state=absent), or without a route to it"
            )
        if number == errno.EINVAL:
            return (
                f"rip: the kernel does not take {item.key.rip}: it must be a unicast or local address that this host has a"
                " route to, and lo must be up"
            )
    if isinstance(item, Timeouts) and number == errno.EINVAL:
        return (
            "tcp, tcp_fin, udp: this kernel cannot count so far (2147483647 ticks, 24 days where it ticks 1000 times"
            " a second): write less"
        )
    if isinstance(item, SyncDaemon) and number == errno.EINVAL:
        return (
            f"role: a {item.key} cannot run while a destination is of another family than its service: take such"
            " destinations away first"
        )
    if number in (errno.EEXIST, errno.ENOENT, errno.ESRCH):
        return f"IPVS: another program changed the table meanwhile ({os.strerror(number)}): run the task again"
    return f"IPVS: {os.strerror(number)}"

# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The kernel's IPVS over generic netlink: reading what is named, and making changes."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

from .._core import boot_text, files, program, state
from .._core.errors import KernelRefused, LvsError, MissingKernelSupport, NoSuchService, NotPermitted
from .._core.netlink import GenericSocket, SomeRefused
from .._core.options import Options
from .._core.reconcile import Change, ContextT, ItemT, KeyT, Seen, Transition
from .._core.requirements import kernel_package
from .._core.resource import Backend, Desired, DesiredT
from . import codec
from .devices import DesiredDaemon, Devices, device_of, devices_for
from .drain import EXPIRE_QUIESCENT
from .drain_notes import Notes, changes_note_only
from .keepalived_changes import KeepalivedTable
from .model import Destination, DestinationKey, IpvsItem, IpvsKey, Service, ServiceKey, SyncDaemon, TableItem, Timeouts
from .older_kernels import check_tunnels
from .refusals import NOT_PERMITTED, refusal
from .statistics import Connections, destination_statistics

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

_TABLE = "/proc/net/ip_vs"  # exists while the module ip_vs is loaded

_Connected = TypeVar("_Connected", bound="IpvsBackend")


def _connect() -> GenericSocket:
    # Kernels up to 5.15 do not load the module when they are asked for its family.
    return program.with_module("ip_vs", _open)


def _open() -> GenericSocket:
    try:
        return GenericSocket(codec.FAMILY, codec.VERSION)
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise MissingKernelSupport(
                "this kernel has no IPVS: load it with 'modprobe ip_vs', or install a kernel that has the module"
                f" ip_vs{kernel_package('ip_vs')}"
            ) from error
        raise KernelRefused(f"generic netlink: {error.strerror or error}") from error


def load_ipvs() -> None:
    """Have the module ip_vs loaded."""
    _connect().close()


def is_loaded() -> bool:
    """Whether the kernel has IPVS already; to ask generic netlink would load the module."""
    return os.path.exists(_TABLE)


class IpvsBackend:
    """A connection to the kernel's IPVS; a context manager."""

    def __enter__(self: _Connected) -> _Connected:
        self._socket = _connect()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._socket.close()

    @cached_property
    def _notes(self) -> Notes:
        return Notes()

    def _request(self, command: int, payload: bytes = b"", dump: bool = False) -> list[bytes]:
        try:
            return self._socket.request(command, payload, dump)
        except OSError as error:
            if error.errno in (errno.EPERM, errno.EACCES):
                raise NotPermitted(NOT_PERMITTED) from error
            raise KernelRefused(f"IPVS: {error.strerror or error}") from error

    @cached_property
    def _keepalived(self) -> KeepalivedTable:
        return KeepalivedTable()

    def is_of_keepalived(self, key: ServiceKey) -> bool:
        """Whether keepalived owns a service."""
        return key in self._keepalived.owned

    def _destination(self, key: DestinationKey) -> Destination | None:
        return self.destinations(key.service).get(key)

    def service(self, key: ServiceKey) -> Service | None:
        """The service of that key, if there is one."""
        try:
            answers = self._request(codec.CMD_GET_SERVICE, codec.encode_key(key))
        except KernelRefused as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.ESRCH:
                return None
            raise
        return codec.decode_service(answers[0]) if answers else None

    def services(self) -> list[Service]:
        """All services."""
        return [codec.decode_service(answer) for answer in self._request(codec.CMD_GET_SERVICE, dump=True)]

    def destinations(self, service: ServiceKey) -> Mapping[DestinationKey, Destination]:
        """The destinations of a service, drained ones with their former weight; none, too, where there is no such service."""
        answers = self._request(codec.CMD_GET_DEST, codec.encode_key(service), dump=True)
        destinations = [codec.decode_destination(service, answer) for answer in answers]
        return self._notes.with_notes({destination.key: destination for destination in destinations})

    def destinations_of_all(self, services: Iterable[ServiceKey]) -> dict[DestinationKey, Destination]:
        """The destinations of several services."""
        return {key: destination for service in services for key, destination in self.destinations(service).items()}

    def boot_rules(self, services: Iterable[Options]) -> list[str]:
        """The rules that restore these services as they are, the timeouts, and the daemons after a reboot.

        None where there are neither services nor daemons, and keepalived owns none: they may be of another program.

        :param services: the facts of each service's key
        """
        rules: list[str] = []
        for key in sorted(map(ServiceKey.from_facts, services), key=lambda key: key.order):
            service = self.service(key)
            if service is not None:
                destinations = sorted(self.destinations(key).values(), key=lambda destination: destination.key.order)
                rules += [service.rule(), *(destination.boot_rule() for destination in destinations)]
        daemons = [codec.decode_daemon(answer).rule() for answer in self._request(codec.CMD_GET_DAEMON, dump=True)]
        if not (rules or daemons or self._keepalived.owned):
            return []
        (config,) = self._request(codec.CMD_GET_CONFIG)
        return [*rules, codec.decode_timeouts(config).rule(), *daemons]

    def boot_files(self) -> Mapping[str, Iterable[str]]:
        """The IPVS table of those services that are restored after a reboot."""
        return {boot_text.IPVS: self.boot_rules(state.subject(boot_text.SUBJECT).get("services", []))}

    def check_owner(self, changes: Sequence[Change[Any]]) -> list[Change[Any]]:
        """Refuse changes that would be keepalived's, and return those that it can be told to make.

        :raises LvsError: there are changes that it cannot be told to make
        """
        of_keepalived = [change for change in changes if self._keepalived.owns(change)]
        if of_keepalived:
            self._keepalived.check(of_keepalived)
        return of_keepalived

    def make(self, changes: Sequence[Change[Any]]) -> None:
        """Make the changes in their order; removals, only when all other changes are made.

        A weight is noted before the kernel forgets it, and forgotten after the kernel has it again.
        """
        of_keepalived = self.check_owner(changes)
        draining = self._notes.remember(changes)
        noted = [change for change in changes if changes_note_only(change)]
        done = list(noted)
        try:
            if of_keepalived:
                # One that has weight 0 already has to keep it.
                self._keepalived.make(of_keepalived, self._destination)
                done = list({id(change): change for change in (*noted, *of_keepalived)}.values())
            others = [change for change in changes if change not in of_keepalived] if of_keepalived else changes
            self._send([change for change in others if not changes_note_only(change)] if noted else others, done)
        except LvsError as error:
            # Of a change that the kernel did not answer, the outcome is unknown: its note stays.
            if isinstance(error.__cause__, SomeRefused):
                carried_out = set(map(id, done))
                self._notes.forget(change for change in draining if id(change) not in carried_out)
            raise
        finally:
            self._notes.forget_restored(done)

    def _send(self, changes: Sequence[Change[Any]], done: list[Change[IpvsItem]]) -> None:
        """Have the kernel make the changes; C(done) collects those that it made."""
        coming = [change for change in changes if change.after is not None]
        going = [change for change in changes if change.after is None]
        for part in (coming, going):
            requests = []
            for change in part:
                command, encode = _REQUEST[type(change.item), change.action]
                requests.append((command, encode(change.item)))
            try:
                self._socket.send_all(requests)
            except SomeRefused as refused:
                done += [change for index, change in enumerate(part[: refused.sent]) if index not in refused.errors]
                raise refusal(refused.errors, part, done, len(changes)) from refused
            except OSError as error:
                raise KernelRefused(f"IPVS: {error.strerror or error}") from error
            done += part


class _ItemsBackend(IpvsBackend, Backend[DesiredT, KeyT, ItemT, ContextT], Generic[DesiredT, KeyT, ItemT, ContextT]):
    """Items of IPVS that are changed one by one."""

    def check(self, transition: Transition[KeyT, ItemT, ContextT]) -> None:
        """Refuse what keepalived would change back."""
        self.check_owner(transition.changes)

    def apply(self, transition: Transition[KeyT, ItemT, ContextT]) -> None:
        """Make the changes."""
        self.make(transition.changes)


class ServicesBackend(_ItemsBackend["Desired[ServiceKey, Service]", ServiceKey, Service, None]):
    """The virtual services."""

    def read(self, desired: Desired[ServiceKey, Service]) -> Seen[ServiceKey, Service, None]:
        """The named services that exist."""
        found = (self.service(wanted.key) for wanted in desired.wanted)
        return Seen({service.key: service for service in found if service is not None}, None)


@dataclass(frozen=True)
class DirectorContext:
    """What a drain depends on beside the destinations."""

    services: Mapping[ServiceKey, Service] = field(default_factory=dict)
    expires_quiescent: bool = False  # the sysctl expire_quiescent_template


class DestinationsBackend(
    _ItemsBackend["Desired[DestinationKey, Destination]", DestinationKey, Destination, DirectorContext]
):
    """The destinations of named services, or of all services.

    :param whole: of all services
    :param draining: with what a drain depends on
    """

    def __init__(self, whole: bool, draining: bool) -> None:
        self._whole = whole
        self._draining = draining

    def read(self, desired: Desired[DestinationKey, Destination]) -> Seen[DestinationKey, Destination, DirectorContext]:
        """All destinations of these services."""
        check_tunnels(desired.wanted, os.uname().release)
        if self._whole:
            services = {service.key: service for service in self.services() if not self._keepalived.is_of_checks(service.key)}
            needed = dict.fromkeys(services, False)
        else:
            needed = {}
            for wanted in desired.wanted:
                needed[wanted.key.service] = needed.get(wanted.key.service, False) or wanted.new is not None
            services = self._named_services(needed) if self._draining else {}
        found = self._notes.with_notes(self._keepalived.with_failed(self._destinations_of(needed), needed))
        return Seen(found, DirectorContext(services, self._draining and _expires_quiescent()))

    def _named_services(self, keys: Iterable[ServiceKey]) -> dict[ServiceKey, Service]:
        found = (self.service(key) for key in keys)
        return {service.key: service for service in found if service is not None}

    def _destinations_of(self, services: Mapping[ServiceKey, bool]) -> dict[DestinationKey, Destination]:
        """Their destinations; where a service is needed, it has to exist."""
        current: dict[DestinationKey, Destination] = {}
        for key, needed in services.items():
            destinations = self.destinations(key)
            # The kernel answers with an empty dump for a service that does not exist, too.
            if needed and not destinations and self.service(key) is None:
                raise NoSuchService(key)
            current.update(destinations)
        return current

    def connections(self, keys: Collection[DestinationKey]) -> list[Connections]:
        """The connections of those of these destinations that exist, as of now."""
        return [
            destination_statistics(answer)[0]
            for service in {key.service for key in keys}
            for answer in self._request(codec.CMD_GET_DEST, codec.encode_key(service), dump=True)
            if codec.decode_destination(service, answer).key in keys
        ]


def _expires_quiescent() -> bool:
    return int(files.read_text(f"/proc/sys/{EXPIRE_QUIESCENT.path}") or 0) != 0


class TableBackend(_ItemsBackend["Desired[IpvsKey, TableItem]", IpvsKey, TableItem, None]):
    """Services and their destinations together.

    :param whole: all services, and not the named ones alone
    :param after_keepalived: without those that keepalived owns: it gives them up before, which check mode does not wait for
    """

    def __init__(self, whole: bool, after_keepalived: bool = False) -> None:
        self._whole = whole
        self._after_keepalived = after_keepalived

    def check(self, transition: Transition[IpvsKey, TableItem, None]) -> None:
        """Refuse what keepalived would change back; what it gives up before is checked only when it is changed."""
        if not self._after_keepalived:
            super().check(transition)

    def read(self, desired: Desired[IpvsKey, TableItem]) -> Seen[IpvsKey, TableItem, None]:
        """The services, each with all its destinations behind it."""
        check_tunnels(desired.wanted, os.uname().release)
        named = {wanted.key for wanted in desired.wanted if isinstance(wanted.key, ServiceKey)}
        current: dict[IpvsKey, TableItem] = {}
        for service in self.services():
            given_up = self._after_keepalived and self.is_of_keepalived(service.key)
            if (self._whole or service.key in named) and not given_up:
                current[service.key] = service
                current.update(self.destinations(service.key).items())
        return Seen(current, None)


class TimeoutsBackend(_ItemsBackend["Desired[str, Timeouts]", str, Timeouts, None]):
    """The timeouts of idle connections."""

    def read(self, desired: Desired[str, Timeouts]) -> Seen[str, Timeouts, None]:
        """All three, whichever are named."""
        (answer,) = self._request(codec.CMD_GET_CONFIG)
        return Seen({Timeouts.KEY: codec.decode_timeouts(answer)}, None)


class SyncDaemonsBackend(_ItemsBackend[DesiredDaemon, str, SyncDaemon, Devices]):
    """The daemons that share connections between directors."""

    def read(self, desired: DesiredDaemon) -> Seen[str, SyncDaemon, Devices]:
        """The daemons that run, and the devices of this host, as those see them that are going to start."""
        daemons = [codec.decode_daemon(answer) for answer in self._request(codec.CMD_GET_DAEMON, dump=True)]
        running = {daemon.key: daemon for daemon in daemons}
        of_dip = device_of(desired.dip)
        merged = [wanted.merged_with(running.get(wanted.key)) for wanted in desired.wanted_on(of_dip)]
        starting = [daemon for daemon in merged if daemon is not None and daemon != running.get(daemon.key)]
        return Seen(running, devices_for(starting, of_dip))

    def apply(self, transition: Transition[str, SyncDaemon, Devices]) -> None:
        """Start and stop daemons."""
        for change in transition.changes:
            if change.action == "set":
                self._restart(change)
            else:
                self.make([change])

    def _restart(self, change: Change[SyncDaemon]) -> None:
        """A running daemon cannot be changed: it is stopped and started, as it was if it does not start anew."""
        self.make([Change(change.before, None)])
        try:
            self.make([Change(None, change.after)])
        except LvsError as error:
            try:
                self.make([Change(None, change.before)])
            except LvsError as second:
                raise KernelRefused(f"{error}; and it does not run now, as it did not start as it was: {second}") from error
            raise

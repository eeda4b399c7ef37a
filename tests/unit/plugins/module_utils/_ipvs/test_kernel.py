# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading from and writing to the kernel's IPVS: which requests there are, in which order, and what a refusal says."""

from __future__ import annotations

import errno
import struct
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import netlink, program
from ansible_collections.lvs.cluster.plugins.module_utils._core import netlink_messages as wire
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import (
    BatchRefused,
    KernelRefused,
    LvsError,
    MissingKernelSupport,
    NoSuchService,
    NotPermitted,
)
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Change, Seen, Transition, Wanted
from ansible_collections.lvs.cluster.plugins.module_utils._core.resource import Desired
from ansible_collections.lvs.cluster.plugins.module_utils._core.textfile import header
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import codec, keepalived_file, keepalived_table
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import kernel as ipvs
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.devices import DesiredDaemon, Devices
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_info import (
    CountedDestination,
    CountedService,
    DirectorInfo,
    InfoBackend,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_sync_daemon import IpvsSyncDaemon
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import (
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
    SyncDaemon,
    Timeouts,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.statistics import Connections, Statistics
from ansible_collections.lvs.cluster.plugins.module_utils._net import neighbour
from tests.unit.helpers import refused, save_state

WEB, DNS = ServiceKey.of({"vip": "192.0.2.1", "port": 80}), ServiceKey.of({"vip": "192.0.2.2", "port": 53, "protocol": "udp"})
RS1, RS2, RS6 = (DestinationKey(WEB, ip_address(rip), 80) for rip in ("10.0.0.1", "10.0.0.2", "2001:db8::b7"))
MASTER = SyncDaemon("master", "eth0", 7)

# include/uapi/linux/ip_vs.h: enum IPVS_CMD_*
NEW_SERVICE, SET_SERVICE, DEL_SERVICE, GET_SERVICE = 1, 2, 3, 4
NEW_DEST, SET_DEST, DEL_DEST, GET_DEST = 5, 6, 7, 8
NEW_DAEMON, DEL_DAEMON, GET_DAEMON = 9, 10, 11
SET_CONFIG, GET_CONFIG, GET_INFO = 12, 13, 15

Request = tuple[int, bytes]
Answer = bytes


class Socket:
    """Stands for the netlink socket: remembers what is sent, and answers and refuses as the test says."""

    def __init__(
        self, refusals: Sequence[BaseException | None] = (), answers: Mapping[Request, list[Answer] | OSError] | None = None
    ) -> None:
        self.refusals = list(refusals)  # one for each send, none for any further
        self.answers = answers or {}
        self.sends: list[list[Request]] = []
        self.dumps: list[int] = []
        self.asked: list[int] = []  # other than by a dump
        self.closed = False

    def send_all(self, requests: Sequence[Request]) -> None:
        """Take requests; a send of nothing is none."""
        if not requests:
            return
        self.sends.append(list(requests))
        if self.refusals:
            self._answer(self.refusals.pop(0))

    @staticmethod
    def _answer(refusal: BaseException | None) -> None:
        if refusal is not None:
            raise refusal

    def request(self, command: int, payload: bytes = b"", dump: bool = False) -> list[Answer]:
        """Answer a request."""
        (self.dumps if dump else self.asked).append(command)
        answer = self.answers.get((command, payload), [])
        if isinstance(answer, OSError):
            raise answer
        return answer

    def close(self) -> None:
        """Remember the end."""
        self.closed = True


BackendT = TypeVar("BackendT", bound=ipvs.IpvsBackend)


def over(backend: BackendT, socket: Any) -> BackendT:
    """The backend with that socket in place of the kernel's."""
    backend._socket = socket
    return backend


def add(item: Any) -> Change[Any]:
    """It comes."""
    return Change(None, item)


def remove(item: Any) -> Change[Any]:
    """It goes."""
    return Change(item, None)


def some_refused(errors: dict[int, int], sent: int) -> netlink.SomeRefused:
    """A refusal of some of the requests that were sent."""
    return netlink.SomeRefused(errors, sent)


def carried_out(changes: Sequence[Change[Any]], *refusals: BaseException | None) -> list[list[Request]]:
    """What is sent for the changes."""
    socket = Socket(refusals)
    over(ipvs.IpvsBackend(), socket).make(changes)
    return socket.sends


def failed(changes: Sequence[Change[Any]], *refusals: BaseException | None) -> LvsError:
    """What the changes fail with."""
    with pytest.raises(LvsError) as caught:
        carried_out(changes, *refusals)
    return caught.value


# ----- writing


@pytest.mark.parametrize(
    ("change", "command", "payload"),
    [
        (add(Service(WEB, "rr")), NEW_SERVICE, codec.encode_service(Service(WEB, "rr"))),
        (Change(Service(WEB), Service(WEB, "rr")), SET_SERVICE, codec.encode_service(Service(WEB, "rr"))),
        (remove(Service(WEB, "rr")), DEL_SERVICE, codec.encode_key(WEB)),
        (add(Destination(RS1, weight=2)), NEW_DEST, codec.encode_destination(Destination(RS1, weight=2))),
        (
            Change(Destination(RS1), Destination(RS1, weight=2)),
            SET_DEST,
            codec.encode_destination(Destination(RS1, weight=2)),
        ),
        (remove(Destination(RS1, weight=2)), DEL_DEST, codec.encode_destination_key(RS1)),
        (Change(Timeouts(1, 2, 3), Timeouts(4, 5, 6)), SET_CONFIG, codec.encode_timeouts(Timeouts(4, 5, 6))),
        (add(MASTER), NEW_DAEMON, codec.encode_daemon(MASTER)),
        (remove(MASTER), DEL_DAEMON, codec.encode_daemon_key(MASTER)),
    ],
    ids=lambda value: value.command().split("\n")[0] if isinstance(value, Change) else "",
)
def test_request_for_a_change(change: Change[Any], command: int, payload: bytes) -> None:
    """All of what comes, the key of what goes."""
    assert carried_out([change]) == [[(command, payload)]]


def test_nothing_to_do() -> None:
    """Nothing is sent."""
    assert carried_out([]) == []


def test_what_goes_is_sent_when_all_that_comes_is_there() -> None:
    """Each in its order."""
    changes = [
        add(Service(WEB)),
        add(Destination(RS1)),
        Change(Destination(RS2), Destination(RS2, weight=0)),
        remove(Destination(RS6)),
        remove(Service(DNS)),
    ]
    sends = carried_out(changes)
    assert [[command for command, _payload in send] for send in sends] == [
        [NEW_SERVICE, NEW_DEST, SET_DEST],
        [DEL_DEST, DEL_SERVICE],
    ]
    assert [payload for send in sends for _command, payload in send] == [
        codec.encode_service(Service(WEB)),
        codec.encode_destination(Destination(RS1)),
        codec.encode_destination(Destination(RS2, weight=0)),
        codec.encode_destination_key(RS6),
        codec.encode_key(DNS),
    ]


def test_nothing_is_removed_where_something_is_refused() -> None:
    """What was carried out and what was refused are told apart; the rest was not tried."""
    changes = [
        add(Service(WEB)),
        add(Destination(RS1)),
        Change(Destination(RS2), Destination(RS2, weight=0)),
        add(Service(DNS)),
        remove(Destination(RS6)),
    ]
    socket = Socket([some_refused({1: errno.EINVAL, 2: errno.ENOENT}, 3)])
    with pytest.raises(BatchRefused) as caught:
        over(ipvs.IpvsBackend(), socket).make(changes)
    assert len(socket.sends) == 1
    assert caught.value.facts["commands"] == ["ipvsadm -A -t 192.0.2.1:80 -s wlc"]
    assert caught.value.facts["refused"] == [
        "ipvsadm -a -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 1",
        "ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.2:80 -i -w 0",
    ]
    first, second, last = str(caught.value).splitlines()
    assert first.startswith("rip: the kernel does not take 10.0.0.1: ")
    assert first.endswith(" (refused: ipvsadm -a -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 1)")
    assert second.startswith("IPVS: another program changed the table meanwhile ")
    assert second.endswith(" (refused: ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.2:80 -i -w 0)")
    assert last == "1 of 5 changes were carried out before that; run the task again to complete them"


def test_refused_removal() -> None:
    """All that comes was carried out by then, and the other removals are."""
    changes = [
        add(Service(WEB)),
        remove(Destination(RS1)),
        remove(Destination(RS2)),
        remove(Service(DNS)),
    ]
    error = failed(changes, None, some_refused({1: errno.ENOENT}, 3))
    assert isinstance(error, BatchRefused)
    assert error.facts["commands"] == [
        "ipvsadm -A -t 192.0.2.1:80 -s wlc",
        "ipvsadm -d -t 192.0.2.1:80 -r 10.0.0.1:80",
        "ipvsadm -D -u 192.0.2.2:53",
    ]
    assert error.facts["refused"] == ["ipvsadm -d -t 192.0.2.1:80 -r 10.0.0.2:80"]
    assert str(error).endswith("3 of 4 changes were carried out before that; run the task again to complete them")


SIP = ServiceKey.of({"vip": "192.0.2.1", "port": 5060, "protocol": "udp"})
MIXED = Destination(RS6)
BY_SIP = Service(SIP, "mh", persistence_timeout=300, persistence_engine="sip")
WAY_OUT = ". Install the package of the kernel's modules that has it, or choose another, as some kernels are built without it"


@pytest.mark.parametrize(
    ("change", "number", "message"),
    [
        (
            add(Service(WEB, "mh")),
            errno.ENOENT,
            (
                f"scheduler: mh is not available in this kernel: the module ip_vs_mh could not be loaded{WAY_OUT}"
                " (refused: ipvsadm -A -t 192.0.2.1:80 -s mh)"
            ),
        ),
        (
            Change(Service(SIP), BY_SIP),
            errno.ENOENT,
            (
                "scheduler: mh, persistence_engine: sip is not available in this kernel: the module ip_vs_mh or ip_vs_pe_sip"
                f" could not be loaded{WAY_OUT} (refused: ipvsadm -E -u 192.0.2.1:5060 -s mh -p 300 --pe sip)"
            ),
        ),
        (
            add(Destination(RS1)),
            errno.EINVAL,
            (
                "rip: the kernel does not take 10.0.0.1: it must be a unicast or local address that this host has a route to,"
                " and lo must be up (refused: ipvsadm -a -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 1)"
            ),
        ),
        (
            add(MIXED),
            errno.EINVAL,
            (
                "rip: 2001:db8::b7 is of another family than its service, which cannot be while a sync daemon runs"
                " (stop it with lvs.cluster.ipvs_sync_daemon, state=absent), or without a route to it"
                " (refused: ipvsadm -a -t 192.0.2.1:80 -r [2001:db8::b7]:80 -i -w 1)"
            ),
        ),
        (
            Change(Timeouts(1, 2, 3), Timeouts(2678400, 2, 3)),
            errno.EINVAL,
            (
                "tcp, tcp_fin, udp: this kernel cannot count so far (2147483647 ticks, 24 days where it ticks 1000 times a"
                " second): write less (refused: ipvsadm --set 2678400 2 3)"
            ),
        ),
        (
            add(SyncDaemon("backup", "eth0")),
            errno.EINVAL,
            (
                "role: a backup cannot run while a destination is of another family than its service:"
                " take such destinations away first (refused: ipvsadm --start-daemon backup --mcast-interface eth0 --syncid 0"
                " --mcast-group 224.0.0.81"
                " --mcast-port 8848 --mcast-ttl 1)"
            ),
        ),
        (
            add(Service(WEB)),
            errno.EEXIST,
            (
                "IPVS: another program changed the table meanwhile (File exists): run the task again"
                " (refused: ipvsadm -A -t 192.0.2.1:80 -s wlc)"
            ),
        ),
        (
            remove(Destination(RS1)),
            errno.ENOENT,
            (
                "IPVS: another program changed the table meanwhile (No such file or directory): run the task again"
                " (refused: ipvsadm -d -t 192.0.2.1:80 -r 10.0.0.1:80)"
            ),
        ),
        (
            remove(Service(WEB)),
            errno.ESRCH,
            (
                "IPVS: another program changed the table meanwhile (No such process): run the task again"
                " (refused: ipvsadm -D -t 192.0.2.1:80)"
            ),
        ),
        (
            remove(MASTER),
            errno.ESRCH,
            (
                "IPVS: another program changed the table meanwhile (No such process): run the task again"
                " (refused: ipvsadm --stop-daemon master)"
            ),
        ),
        (
            add(Destination(RS1)),
            errno.ENOMEM,
            "IPVS: Cannot allocate memory (refused: ipvsadm -a -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 1)",
        ),
        (
            add(MIXED),
            errno.ENOMEM,
            "IPVS: Cannot allocate memory (refused: ipvsadm -a -t 192.0.2.1:80 -r [2001:db8::b7]:80 -i -w 1)",
        ),
        (
            Change(Timeouts(1, 2, 3), Timeouts(4, 5, 6)),
            errno.ENOMEM,
            "IPVS: Cannot allocate memory (refused: ipvsadm --set 4 5 6)",
        ),
        (add(Service(WEB)), errno.EINVAL, "IPVS: Invalid argument (refused: ipvsadm -A -t 192.0.2.1:80 -s wlc)"),
    ],
)
def test_refusal_in_the_words_of_the_options(change: Change[Any], number: int, message: str) -> None:
    """What the kernel means, where it can be told, and what to do next."""
    error = failed([change], some_refused({0: number}, 1))
    assert str(error) == message
    assert isinstance(error, BatchRefused)
    assert (error.facts["commands"], error.facts["refused"]) == ([], [change.command()])


def test_missing_service_of_a_single_destination() -> None:
    """An earlier task may bring it, so that check mode may go on."""
    error = failed([add(Destination(RS1))], some_refused({0: errno.ESRCH}, 1))
    assert isinstance(error, NoSuchService)
    assert str(error) == ("the virtual service -t 192.0.2.1:80 does not exist: create it with lvs.cluster.ipvs_service first")


def test_missing_service_of_one_of_several_destinations() -> None:
    """The others are carried out."""
    error = failed([add(Destination(RS1)), add(Destination(RS2))], some_refused({1: errno.ESRCH}, 2))
    assert isinstance(error, BatchRefused)
    assert error.facts["commands"] == ["ipvsadm -a -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 1"]
    assert str(error).splitlines() == [
        (
            "the virtual service -t 192.0.2.1:80 does not exist: create it with lvs.cluster.ipvs_service first"
            " (refused: ipvsadm -a -t 192.0.2.1:80 -r 10.0.0.2:80 -i -w 1)"
        ),
        "1 of 2 changes were carried out before that; run the task again to complete them",
    ]


def test_destinations_of_a_service_that_was_refused() -> None:
    """The reason is the service's; those of another service have their own."""
    in_dns = Destination(DestinationKey(DNS, ip_address("10.0.0.1"), 53))
    changes = [add(Service(WEB, "mh")), add(Destination(RS1)), add(Service(DNS)), add(in_dns)]
    error = failed(changes, some_refused({0: errno.ENOENT, 1: errno.ESRCH, 3: errno.EINVAL}, 4))
    assert isinstance(error, BatchRefused)
    assert error.facts["commands"] == ["ipvsadm -A -u 192.0.2.2:53 -s wlc"]
    assert error.facts["refused"] == [changes[index].command() for index in (0, 1, 3)]
    assert [line.partition(" ")[0] for line in str(error).splitlines()] == ["scheduler:", "rip:", "1"]


@pytest.mark.parametrize("number", [errno.EPERM, errno.EACCES])
def test_caller_without_the_privilege(number: int) -> None:
    """Nothing of it is about the options."""
    error = failed([add(Service(WEB)), add(Destination(RS1))], some_refused({0: number, 1: number}, 2))
    assert isinstance(error, NotPermitted)
    assert str(error) == "reading or changing IPVS, check mode included, needs root: run the task with 'become: true'"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOBUFS, "No buffer space available"), "IPVS: No buffer space available"),
        (OSError("timed out"), "IPVS: timed out"),
    ],
)
def test_socket_fails(error: OSError, message: str) -> None:
    """It is the kernel's word that is missing, not one of it; nothing more is sent."""
    socket = Socket([error])
    with pytest.raises(KernelRefused) as caught:
        over(ipvs.IpvsBackend(), socket).make([add(Service(WEB)), remove(Service(DNS))])
    assert caught.type is KernelRefused
    assert str(caught.value) == message
    assert len(socket.sends) == 1


# ----- sync daemons

OTHER = SyncDaemon("master", "eth1", 8)


def daemons(socket: Socket) -> ipvs.SyncDaemonsBackend:
    """The daemons behind that socket."""
    return over(ipvs.SyncDaemonsBackend(), socket)


def transition(change: Change[SyncDaemon]) -> Transition[str, SyncDaemon, Devices]:
    """That change alone."""
    return Transition([], Seen({}, Devices()), [change])


STOP, START, RESTART = (
    [(DEL_DAEMON, codec.encode_daemon_key(MASTER))],
    [(NEW_DAEMON, codec.encode_daemon(OTHER))],
    [(NEW_DAEMON, codec.encode_daemon(MASTER))],
)


@pytest.mark.parametrize(
    ("change", "sends"),
    [(add(MASTER), [RESTART]), (remove(MASTER), [STOP]), (Change(MASTER, OTHER), [STOP, START])],
    ids=["start", "stop", "change"],
)
def test_daemon_is_changed_by_stop_and_start(change: Change[Any], sends: list[list[Request]]) -> None:
    """The kernel has no other way."""
    socket = Socket()
    daemons(socket).apply(transition(change))
    assert socket.sends == sends


def test_daemon_that_does_not_start_runs_as_it_did() -> None:
    """And the task fails with what the kernel said of the new one."""
    socket = Socket([None, some_refused({0: errno.ENOMEM}, 1)])
    with pytest.raises(BatchRefused, match=r"^IPVS: Cannot allocate memory \(refused: ipvsadm --start-daemon .* eth1 .*\)$"):
        daemons(socket).apply(transition(Change(MASTER, OTHER)))
    assert socket.sends == [STOP, START, RESTART]


def test_daemon_that_starts_neither_anew_nor_as_it_was() -> None:
    """Both of the reasons are told, and that it does not run."""
    socket = Socket([None, some_refused({0: errno.ENODEV}, 1), some_refused({0: errno.ENOMEM}, 1)])
    with pytest.raises(KernelRefused) as caught:
        daemons(socket).apply(transition(Change(MASTER, OTHER)))
    assert socket.sends == [STOP, START, RESTART]
    new, old = str(caught.value).split("; and it does not run now, as it did not start as it was: ")
    assert new == f"IPVS: No such device (refused: {OTHER.command()})"
    assert old == f"IPVS: Cannot allocate memory (refused: {MASTER.command()})"


def test_daemon_that_does_not_stop() -> None:
    """No other is started."""
    socket = Socket([some_refused({0: errno.ESRCH}, 1)])
    with pytest.raises(BatchRefused, match=r"\(refused: ipvsadm --stop-daemon master\)$"):
        daemons(socket).apply(transition(Change(MASTER, OTHER)))
    assert socket.sends == [STOP]


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with three devices."""
    monkeypatch.setattr("socket.if_nameindex", lambda: [(1, "lo"), (3, "eth1"), (2, "eth0")])


DAEMONS = [SyncDaemon(role, "eth0", 7, 1472) for role in ("master", "backup")]
DAEMON_ANSWERS: Any = {(GET_DAEMON, b""): [codec.encode_daemon(daemon) for daemon in DAEMONS]}


@pytest.mark.usefixtures("devices")
def test_daemons_that_run() -> None:
    """By their roles."""
    socket = Socket(answers=DAEMON_ANSWERS)
    seen = daemons(socket).read(DesiredDaemon([Wanted("master", MASTER, {}), Wanted.absent("backup")]))
    assert seen.items == {"master": DAEMONS[0], "backup": DAEMONS[1]}
    assert socket.dumps == [GET_DAEMON]
    assert daemons(Socket()).read(DesiredDaemon([])).items == {}


@pytest.mark.usefixtures("devices")
def test_daemon_on_a_device_that_is_not_there() -> None:
    """In check mode, too; one that goes needs no device."""
    backend, module = daemons(Socket(answers=DAEMON_ANSWERS)), IpvsSyncDaemon()
    started = DesiredDaemon([Wanted("master", SyncDaemon("master", "eth2"), {})])
    stopped = DesiredDaemon([Wanted.absent("master")])
    with refused("interface", "eth2 does not exist: this host has eth0, eth1, lo"):
        module.plan(started, backend.read(started))
    assert module.plan(stopped, backend.read(stopped))


@pytest.mark.usefixtures("devices")
def test_daemon_on_the_device_that_has_the_dip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is found on the host."""
    held = {"lo": "127.0.0.1", "eth1": "2001:db8:56::181", "eth0": "192.168.56.181"}
    links = [neighbour.Device(1, name, b"", True, (), (ip_address(its),)) for name, its in held.items()]
    monkeypatch.setattr(neighbour, "devices", lambda: links)
    backend, module = daemons(Socket(answers=DAEMON_ANSWERS)), IpvsSyncDaemon()
    for dip, device in (("192.168.56.181", "eth0"), ("2001:db8:56:0::181", "eth1")):
        desired = module.parse({"role": "backup", "state": "present", "dip": dip, "sync_id": 7})
        (wanted,) = module.plan(desired, backend.read(desired))
        assert wanted.new == SyncDaemon("backup", device, 7)
        assert wanted.merged_with(DAEMONS[1]) == SyncDaemon("backup", device, 7, 1472)
    desired = module.parse({"role": "backup", "state": "present", "dip": "192.168.56.182"})
    with refused("dip", "192.168.56.182 is on no device of this host: name an address that it has, or interface"):
        module.plan(desired, backend.read(desired))


# ----- reading


def service_answer(service: Service) -> Answer:
    """What the kernel says of a service."""
    return codec.encode_service(service)


def destination_answer(destination: Destination) -> Answer:
    """What the kernel says of a destination."""
    return codec.encode_destination(destination)


TABLE: Any = {
    (GET_SERVICE, b""): [service_answer(Service(WEB, "rr")), service_answer(Service(DNS))],
    (GET_SERVICE, codec.encode_key(WEB)): [service_answer(Service(WEB, "rr"))],
    (GET_SERVICE, codec.encode_key(DNS)): [service_answer(Service(DNS))],
    (GET_SERVICE, codec.encode_key(SIP)): OSError(errno.ESRCH, "No such process"),
    (GET_DEST, codec.encode_key(WEB)): [destination_answer(Destination(RS1)), destination_answer(MIXED)],
}


def destinations(socket: Socket) -> ipvs.DestinationsBackend:
    """The destinations behind that socket."""
    return over(ipvs.DestinationsBackend(whole=False, draining=False), socket)


def test_named_services() -> None:
    """Those that exist."""
    backend = over(ipvs.ServicesBackend(), Socket(answers=TABLE))
    wanted = Desired([Wanted(WEB, Service(WEB), {}), Wanted(SIP, Service(SIP), {}), Wanted[ServiceKey, Service].absent(DNS)])
    assert backend.read(wanted).items == {WEB: Service(WEB, "rr"), DNS: Service(DNS)}
    assert backend.read(Desired([])).items == {}
    assert over(ipvs.ServicesBackend(), Socket()).read(wanted).items == {}


def test_destinations_of_named_services() -> None:
    """All of them, each service once; a service may have none."""
    socket = Socket(answers=TABLE)
    backend = destinations(socket)
    in_dns = DestinationKey(DNS, ip_address("10.0.0.1"), 53)
    wanted = Desired([Wanted(key, Destination(key), {}) for key in (RS1, RS2, in_dns)])
    assert backend.read(wanted).items == {RS1: Destination(RS1), RS6: MIXED}
    assert socket.dumps == [GET_DEST, GET_DEST]
    assert socket.asked == [GET_SERVICE]  # for the one without destinations


def test_destinations_of_several_services() -> None:
    """Together, and of no others."""
    in_dns = Destination(DestinationKey(DNS, ip_address("10.0.0.1"), 53), weight=0)
    answers: Any = {
        (GET_DEST, codec.encode_key(WEB)): [destination_answer(Destination(RS1))],
        (GET_DEST, codec.encode_key(DNS)): [destination_answer(in_dns)],
    }
    backend = over(ipvs.IpvsBackend(), Socket(answers=answers))
    assert backend.destinations_of_all([WEB, DNS]) == {RS1: Destination(RS1), in_dns.key: in_dns}
    assert backend.destinations_of_all([DNS]) == {in_dns.key: in_dns}


def test_destination_of_a_service_that_is_not_there() -> None:
    """One that comes needs the service, one that goes has gone."""
    backend = destinations(Socket(answers=TABLE))
    first, second = (DestinationKey(SIP, ip_address(rip), 5060) for rip in ("10.0.0.1", "10.0.0.2"))
    assert backend.read(Desired([Wanted.absent(first)])).items == {}
    with pytest.raises(NoSuchService, match=r"^the virtual service -u 192\.0\.2\.1:5060 does not exist"):
        backend.read(Desired([Wanted.absent(first), Wanted(second, Destination(second), {}), Wanted.absent(first)]))


def test_whole_table() -> None:
    """Each service with its destinations behind it."""
    found = over(ipvs.TableBackend(whole=True), Socket(answers=TABLE)).read(Desired([])).items
    assert list(found.values()) == [Service(WEB, "rr"), Destination(RS1), MIXED, Service(DNS)]
    assert all(key == item.key for key, item in found.items())


def test_named_part_of_the_table() -> None:
    """Of others not even the destinations are asked for."""
    socket = Socket(answers=TABLE)
    backend = over(ipvs.TableBackend(whole=False), socket)
    wanted: Any = [Wanted(DNS, Service(DNS), {}), Wanted(RS1, Destination(RS1), {}), Wanted.absent(SIP)]
    assert backend.read(Desired(wanted)).items == {DNS: Service(DNS)}
    assert socket.dumps == [GET_SERVICE, GET_DEST]
    assert list(backend.read(Desired([Wanted.absent(WEB)])).items) == [WEB, RS1, RS6]


class OwnedByKeepalived:
    """What a backend knows of keepalived where that owns one service."""

    owned: Mapping[ServiceKey, Any] = {WEB: {}}

    def owns(self, change: Change[Any]) -> bool:
        """Services alone."""
        return bool(change.item.key == WEB)

    def check(self, changes: Sequence[Change[Any]]) -> None:
        """Refuse all."""
        raise LvsError(f"owned: {len(changes)}")


def changes_to(*changes: Change[Any]) -> Transition[Any, Any, Any]:
    """The changes, for what there is."""
    return Transition([], Seen({}, None), changes)


@pytest.mark.parametrize("backend", [ipvs.ServicesBackend(), ipvs.TableBackend(whole=False)])
def test_changes_of_a_service_that_keepalived_owns(monkeypatch: pytest.MonkeyPatch, backend: Any) -> None:
    """They are refused before anything is changed, and by whoever makes them."""
    monkeypatch.setattr(ipvs, "KeepalivedTable", OwnedByKeepalived)
    backend.check(changes_to(add(Service(DNS))))
    with pytest.raises(LvsError, match="owned: 1"):
        backend.check(changes_to(add(Service(DNS)), add(Service(WEB))))
    socket = Socket()
    with pytest.raises(LvsError, match="owned: 1"):
        over(backend, socket).make([add(Service(DNS)), add(Service(WEB))])
    assert not socket.sends


def test_table_after_keepalived(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is about to give up is not there, and is not refused before it is changed."""
    monkeypatch.setattr(ipvs, "KeepalivedTable", OwnedByKeepalived)
    backend = over(ipvs.TableBackend(whole=True, after_keepalived=True), Socket(answers=TABLE))
    assert backend.read(Desired([])).items == {DNS: Service(DNS)}
    backend.check(changes_to(add(Service(WEB))))
    with pytest.raises(LvsError, match="owned: 1"):
        backend.make([add(Service(WEB))])


def test_timeouts() -> None:
    """All three under their one key."""
    socket = Socket(answers={(GET_CONFIG, b""): [codec.encode_timeouts(Timeouts(900, 120, 300))]})
    assert over(ipvs.TimeoutsBackend(), socket).read(Desired([])).items == {"timeouts": Timeouts(900, 120, 300)}
    assert socket.dumps == []


STATISTICS = Statistics(*range(1, 11))
STATS = b"".join(wire.attribute(kind, struct.pack("=Q", kind)) for kind in range(1, 11))


def test_director(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that there is, and which device has its VIP."""
    vip = ip_address("192.0.2.1")
    monkeypatch.setattr(neighbour, "devices", lambda: [neighbour.Device(2, "eth0", b"", True, (), (vip,))])
    counts = b"".join(wire.attribute(kind, struct.pack("=I", kind)) for kind in (7, 8, 9))
    stats = wire.nested(12, STATS)
    service = wire.nested(1, wire.attributes(service_answer(Service(WEB, "rr")))[1], stats)
    destination = wire.nested(2, wire.attributes(destination_answer(Destination(RS1)))[2], counts, stats)
    info = wire.attribute(1, struct.pack("=I", 0x010201)) + wire.attribute(2, struct.pack("=I", 4096))
    answers: Any = {
        (GET_CONFIG, b""): [codec.encode_timeouts(Timeouts(900, 120, 300))],
        (GET_INFO, b""): [info],
        (GET_SERVICE, b""): [service],
        (GET_DEST, codec.encode_key(WEB)): [destination],
        **DAEMON_ANSWERS,
    }
    socket = Socket(answers=answers)
    assert over(InfoBackend(), socket).director() == DirectorInfo(
        services=[
            CountedService(
                Service(WEB, "rr"), STATISTICS, [CountedDestination(Destination(RS1), Connections(7, 8, 9), STATISTICS)]
            )
        ],
        timeouts=Timeouts(900, 120, 300),
        sync_daemons=DAEMONS,
        version="1.2.1",
        connection_table_size=4096,
        holders={vip: "eth0"},
    )
    assert sorted(socket.dumps) == [GET_SERVICE, GET_DEST, GET_DAEMON]


def test_director_with_a_drained_real_server() -> None:
    """The note is merged in here, too."""
    save_state({"drained": [{**RS1.facts(), "weight": 3}]})
    stats = wire.nested(12, STATS)
    counts = b"".join(wire.attribute(kind, bytes(4)) for kind in (7, 8, 9))
    answers: Any = {
        (GET_CONFIG, b""): [b""],
        (GET_INFO, b""): [wire.attribute(1, bytes(4)) + wire.attribute(2, bytes(4))],
        (GET_SERVICE, b""): [wire.nested(1, wire.attributes(service_answer(Service(WEB)))[1], stats)],
        (GET_DEST, codec.encode_key(WEB)): [
            wire.nested(2, wire.attributes(destination_answer(Destination(RS1, weight=0)))[2], counts, stats)
        ],
    }
    (service,) = over(InfoBackend(), Socket(answers=answers)).director().services
    assert [found.destination for found in service.destinations] == [Destination(RS1, weight=0, former_weight=3)]


OF_MARK = """
virtual_server fwmark 1342177281 {
    ip_family inet
    real_server 10.0.0.1 0 {
        weight 1
    }
}
"""
OF_REAL_SERVER = """
    real_server {rip} 80 {{
        weight 2
        lvs_method TUN
        FILE_CHECK {{
            track_file {rip}
            weight 1
        }}
    }}"""
REAL_SERVERS = "".join(OF_REAL_SERVER.format(rip=f"10.0.0.{number}") for number in (1, 2, 3, 4))
OF_WEB = f"virtual_server {WEB.vip} {WEB.port} {{\n    protocol TCP{REAL_SERVERS}\n}}\n"


def test_director_whose_table_keepalived_owns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has taken out is told, and what checks go through is not."""
    (tmp_path / "keepalived.conf").write_text(header("keepalived") + OF_MARK + OF_WEB)
    (tmp_path / "10.0.0.4").write_text("-65535\n")
    monkeypatch.setattr(keepalived_file, "CONFIG_FILE", str(tmp_path / "keepalived.conf"))
    monkeypatch.setattr(keepalived_table, "WEIGHT_FOLDER", str(tmp_path))
    stats = wire.nested(12, STATS)
    counts = b"".join(wire.attribute(kind, bytes(4)) for kind in (7, 8, 9))
    keys = {number: DestinationKey(WEB, ip_address(f"10.0.0.{number}"), 80) for number in (1, 2, 3, 4)}
    mark = ServiceKey.of({"fwmark": 1342177281})

    def destination(number: int, weight: int) -> Answer:
        answer = destination_answer(Destination(keys[number], weight=weight))
        return wire.nested(2, wire.attributes(answer)[2], counts, stats)

    answers: Any = {
        (GET_CONFIG, b""): [b""],
        (GET_INFO, b""): [wire.attribute(1, bytes(4)) + wire.attribute(2, bytes(4))],
        (GET_SERVICE, b""): [wire.nested(1, wire.attributes(service_answer(Service(key)))[1], stats) for key in (mark, WEB)],
        # The third one is out by its weight, and the fourth is drained.
        (GET_DEST, codec.encode_key(WEB)): [destination(1, 2), destination(3, 0), destination(4, 0)],
        (GET_DEST, codec.encode_key(mark)): [],
    }
    found = over(InfoBackend(), Socket(answers=answers)).director()
    (service,) = found.services
    assert (found.engine, service.service.key) == ("keepalived", WEB)
    assert service.configured == frozenset(keys.values())
    assert service.out == [Destination(keys[number], weight=2) for number in (2, 3)]


def test_order_of_a_director() -> None:
    """Not the kernel's, which is that of its hash table; marks last, the others by family, protocol, address and port."""
    services = [
        ServiceKey.of({"vip": "9.0.0.1", "port": 80}),
        ServiceKey.of({"vip": "10.0.0.1", "port": 8}),
        ServiceKey.of({"vip": "10.0.0.1", "port": 80}),
        ServiceKey.of({"vip": "2.0.0.1", "port": 53, "protocol": "udp"}),
        ServiceKey.of({"vip": "2001:db8::1", "port": 80}),
        ServiceKey.of({"fwmark": 7}),
        ServiceKey.of({"fwmark": 7, "family": "ipv6"}),
        ServiceKey.of({"fwmark": 10}),
    ]
    servers = [("9.0.0.2", 80), ("10.0.0.2", 8), ("10.0.0.2", 80), ("2001:db8::2", 80)]
    destinations = [DestinationKey(services[0], ip_address(rip), port) for rip, port in servers]
    stats = wire.nested(12, STATS)
    counts = b"".join(wire.attribute(kind, bytes(4)) for kind in (7, 8, 9))

    def service(index: int) -> Answer:
        return wire.nested(1, wire.attributes(service_answer(Service(services[index])))[1], stats)

    def destination(index: int) -> Answer:
        answer = destination_answer(Destination(destinations[index]))
        return wire.nested(2, wire.attributes(answer)[2], counts, stats)

    answers: Any = {
        (GET_CONFIG, b""): [b""],
        (GET_INFO, b""): [wire.attribute(1, bytes(4)) + wire.attribute(2, bytes(4))],
        (GET_SERVICE, b""): [service(index) for index in (5, 3, 1, 7, 0, 6, 4, 2)],
        (GET_DEST, codec.encode_key(services[0])): [destination(index) for index in (3, 0, 2, 1)],
    }
    found = over(InfoBackend(), Socket(answers=answers)).director()
    assert [row.service.key for row in found.services] == services
    assert [row.destination.key for row in found.services[0].destinations] == destinations


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (
            OSError(errno.EPERM, ""),
            NotPermitted,
            "reading or changing IPVS, check mode included, needs root: run the task with",
        ),
        (
            OSError(errno.EACCES, ""),
            NotPermitted,
            "reading or changing IPVS, check mode included, needs root: run the task with",
        ),
        (OSError(errno.EINVAL, "Invalid argument"), KernelRefused, "IPVS: Invalid argument"),
        (OSError("timed out"), KernelRefused, "IPVS: timed out"),
    ],
)
def test_reading_fails(error: OSError, kind: type[LvsError], message: str) -> None:
    """Only the word that there is no such service is an answer."""
    answers: Any = {(GET_SERVICE, codec.encode_key(WEB)): error, (GET_DEST, codec.encode_key(WEB)): error}
    backends: list[tuple[Any, Any]] = [
        (over(ipvs.ServicesBackend(), Socket(answers=answers)), WEB),
        (destinations(Socket(answers=answers)), RS1),
    ]
    for backend, key in backends:
        with pytest.raises(kind) as caught:
            backend.read(Desired([Wanted.absent(key)]))
        assert caught.type is kind
        assert str(caught.value).startswith(message)


GUE = Destination(RS1, tunnel_type="gue", tunnel_port=6080)


@pytest.mark.parametrize("backend", [ipvs.DestinationsBackend(False, False), ipvs.TableBackend(False)], ids=type)
def test_tunnel_that_the_kernel_would_not_build(monkeypatch: pytest.MonkeyPatch, backend: ipvs.IpvsBackend) -> None:
    """Nothing is asked of it, let alone changed: it would take the destination, and send IPIP to it."""
    monkeypatch.setattr("os.uname", lambda: SimpleNamespace(release="4.18.0-553.el8_10.x86_64"))
    socket = Socket(answers=TABLE)
    reading: Any = over(backend, socket)
    with refused("services[0], tunnel_type", "gue needs Linux 5.2 or newer on the director, which has 4.18.0-553.el8"):
        reading.read(Desired([Wanted(RS1, GUE, {}, "services[0]")]))
    assert (socket.sends, socket.asked, socket.dumps) == ([], [], [])
    assert reading.read(Desired([Wanted(RS1, Destination(RS1), {})])).items is not None


# ----- the connection


def test_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens within."""
    socket = Socket()
    monkeypatch.setattr(ipvs, "GenericSocket", lambda family, version: {("IPVS", 1): socket}[family, version])

    def use() -> None:
        with ipvs.ServicesBackend() as backend:
            assert backend.read(Desired([])).items == {}
            assert not socket.closed
            raise KeyError

    with pytest.raises(KeyError):
        use()
    assert socket.closed


def test_module_is_loaded_by_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent, and nothing left open."""
    socket = Socket()
    monkeypatch.setattr(ipvs, "GenericSocket", lambda family, version: {("IPVS", 1): socket}[family, version])
    ipvs.load_ipvs()
    assert socket.closed
    assert (socket.sends, socket.asked, socket.dumps) == ([], [], [])


def test_module_that_is_loaded_has_a_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And the kernel is not asked, as that would load it."""

    def connect(*_family_and_version: object) -> None:
        raise AssertionError

    monkeypatch.setattr(ipvs, "GenericSocket", connect)
    assert ipvs._TABLE == "/proc/net/ip_vs"
    monkeypatch.setattr(ipvs, "_TABLE", str(tmp_path / "ip_vs"))
    assert not ipvs.is_loaded()
    (tmp_path / "ip_vs").touch()
    assert ipvs.is_loaded()


class Modprobe:
    """Stands for modprobe(8), and for a kernel that does not load the module by itself."""

    def __init__(self, problem: str = "", useless: bool = False) -> None:
        self.problem = problem
        self.useless = useless
        self.loaded: list[str] = []

    def load(self, name: str) -> str:
        """What program.load_module does."""
        self.loaded.append(name)
        return self.problem

    def connect(self, _family: str, _version: int) -> Socket:
        """A socket, once the module is loaded."""
        if self.useless or not self.loaded:
            raise netlink.Refused(errno.ENOENT)
        return Socket()


def test_kernel_that_does_not_load_the_module_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ip_vs_ctl.c of Linux 5.10, without MODULE_ALIAS_GENL_FAMILY, which that of 6.1 has."""
    modprobe = Modprobe()
    monkeypatch.setattr(ipvs, "GenericSocket", modprobe.connect)
    monkeypatch.setattr(program, "load_module", modprobe.load)
    with ipvs.ServicesBackend() as backend:
        assert backend.read(Desired([])).items == {}
    assert modprobe.loaded == ["ip_vs"]


@pytest.mark.parametrize(
    ("modprobe", "says"),
    [
        (Modprobe("FATAL: Module ip_vs not found."), r" \(modprobe ip_vs: FATAL: Module ip_vs not found.\)"),
        (Modprobe(useless=True), ""),
    ],
    ids=["no module", "of no use"],
)
def test_kernel_without_ipvs(monkeypatch: pytest.MonkeyPatch, modprobe: Modprobe, says: str) -> None:
    """With what modprobe(8) says, and without a second try."""
    monkeypatch.setattr(ipvs, "GenericSocket", modprobe.connect)
    monkeypatch.setattr(program, "load_module", modprobe.load)
    message = "^this kernel has no IPVS: load it with 'modprobe ip_vs', or install a kernel that has the module ip_vs"
    with pytest.raises(MissingKernelSupport, match=f"{message}{says}$"):
        ipvs.load_ipvs()
    assert modprobe.loaded == ["ip_vs"]


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (OSError(errno.EMFILE, "Too many open files"), KernelRefused, "generic netlink: Too many open files"),
        (OSError("timed out"), KernelRefused, "generic netlink: timed out"),
    ],
)
def test_no_connection(monkeypatch: pytest.MonkeyPatch, error: OSError, kind: type[LvsError], message: str) -> None:
    """The socket itself."""

    def connect(*_family_and_version: object) -> None:
        raise error

    monkeypatch.setattr(ipvs, "GenericSocket", connect)
    monkeypatch.delattr(program, "load_module")
    with pytest.raises(kind) as caught, ipvs.ServicesBackend():
        pass
    assert str(caught.value) == message

# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The drain of destinations: what is waited for, and how it ended.

Sources, in net/netfilter/ipvs of Linux: ip_vs_check_template() in ip_vs_conn.c for what a weight of 0 means to persistent
clients; ip_vs_proto_tcp.c, ip_vs_proto_sctp.c and ip_vs_proto_udp.c for which connections are active.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from .._core import values
from .._core.errors import InvalidValue, LvsError
from .._core.options import ABSENT, PRESENT, Facts, Option, Options, choice, integer
from .._sysctl.model import IpvsSysctlKey
from .model import Destination, Service, ServiceKey
from .statistics import Connections

# Where it is 0, a client of a persistent service stays with its real server, whatever the weight of that.
EXPIRE_QUIESCENT = IpvsSysctlKey("expire_quiescent_template")

DRAINED, CONTINUE = "drained", "continue"
_STATE = choice("state", (PRESENT, ABSENT, DRAINED), default=PRESENT)
_TIMEOUT = integer("drain_timeout", 0, values.MAX_TIMEOUT, default=360)  # longer than the kernel's 300 s for UDP
_KINDS = ("active", "inactive", "persistent")
_WITH_STATES = ("tcp", "sctp")
STANDBY = Option("drain_standby", bool, type="bool", default=True)
OPTIONS = (
    _STATE,
    _TIMEOUT,
    Option("drain_connections", str, type="list", elements="str", choices=_KINDS, default=["active"]),
    choice("drain_on_timeout", ("fail", CONTINUE), default="fail"),
    STANDBY,
)


@dataclass(frozen=True)
class Drain:
    """How long to wait, and for which connections to end."""

    timeout: int  # seconds; 0: do not wait
    kinds: tuple[str, ...]  # fields of C(Connections)
    continues: bool  # at the timeout: the module does not fail
    on_standby: bool = True  # wait where the VIP is on another host, too

    @classmethod
    def of(cls, options: Options) -> Drain | None:
        """Read the options; None where nothing is to be drained."""
        if options.get("state") != DRAINED:
            return None
        timeout = _TIMEOUT.read(options["drain_timeout"])
        kinds = tuple(options["drain_connections"])
        if not kinds:
            raise InvalidValue("drain_connections", "[]", "leaves nothing to wait for: say so with drain_timeout=0")
        return cls(timeout, kinds, options["drain_on_timeout"] == CONTINUE, options.get("drain_standby") is not False)

    def is_over(self, left: Connections, udp: Connections) -> bool:
        """Whether none of the connections is left that have to end.

        :param udp: those of services that may have UDP, which are inactive for the kernel, and in use until it forgets them
        """
        return not any(getattr(left, kind) for kind in self.kinds) and not self.waits_for_udp(udp)

    def waits_for_udp(self, udp: Connections) -> bool:
        """Whether connections of UDP are left that have to end."""
        return "active" in self.kinds and udp.inactive > 0

    def check_persistence(self, keys: Iterable[ServiceKey], services: Mapping[ServiceKey, Service], expires: bool) -> None:
        """Refuse what would never drain: persistent clients who keep coming at weight 0.

        :param expires: whether the kernel forgets such clients, as the sysctl expire_quiescent_template says
        """
        persistent = [str(key) for key in keys if key in services and services[key].persistence_timeout]
        if persistent and "persistent" not in self.kinds and not expires:
            raise LvsError(
                f"state: {', '.join(persistent)} is persistent, and {EXPIRE_QUIESCENT} is 0: clients that came before would"
                " keep coming at weight 0, and it would not drain. Set it to 1 with lvs.cluster.ipvs_sysctl (lvs_ipvs_sysctl:"
                f" {{{EXPIRE_QUIESCENT.name}: 1}}), or have 'persistent' among drain_connections, to wait until none of them"
                " is remembered any more"
            )

    def result(self, seconds: float, left: Connections, udp: Connections, complete: bool) -> Facts:
        """How the drain ended.

        :param udp: those of C(left) that may be UDP
        :raises LvsError: where it ran into its timeout, and that is a failure
        """
        facts: Facts = {"drain": {"complete": complete, "seconds": round(seconds, 1), "left": asdict(left)}}
        if complete or not self.timeout or self.continues:
            return facts
        message = (
            f"drain_timeout: after {self.timeout} s there are {describe(left)} connections left, and"
            f" {' and '.join(self.kinds)} had to be gone. The weight is 0, and stays: run the task again to wait on, or"
            " restore it with state=present"
        )
        if self.waits_for_udp(udp):
            message += (
                f". {udp.inactive} of the inactive ones are of UDP or of a service by fwmark, and have to be gone, too: a"
                " client stays with its real server until it has sent nothing for the timeout of UDP. Make that shorter than"
                " drain_timeout with lvs.cluster.ipvs_timeouts (udp), or set one_packet for the service if each request is"
                " one packet"
            )
        if left.persistent and "persistent" in self.kinds:
            message += (
                ". A persistent client is remembered for its service's persistence_timeout and for as long as any of its"
                f" connections; while {EXPIRE_QUIESCENT} is 0, it comes back until then, and is remembered anew"
            )
        raise LvsError(message, facts)


def drained_warning(drained: Sequence[Destination]) -> str:
    """What a person should know of destinations that stay drained, and how they come back."""
    names = ", ".join(str(destination.key) for destination in drained)
    rips = ", ".join(sorted({str(destination.key.rip) for destination in drained}))
    return (
        f"drained, and left so: {names}. The playbook lvs.cluster.restore, or lvs.cluster.ipvs_dest with rip={rips} and"
        " state=present, gives back the former weights"
    )


def may_be_udp(service: ServiceKey) -> bool:
    """Whether connections of the service may be UDP, which has no end that the kernel sees; by a mark, any protocol."""
    return service.protocol not in _WITH_STATES


def describe(connections: Connections) -> str:
    """Numbers of connections, for a person."""
    return ", ".join(f"{number} {kind}" for kind, number in asdict(connections).items())


def total(connections: Iterable[Connections]) -> Connections:
    """The sum of the connections of several destinations."""
    columns = zip(*((count.active, count.inactive, count.persistent) for count in connections))
    return Connections(*map(sum, columns))

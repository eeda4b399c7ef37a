# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The status of a cluster, from what its hosts reported: the results of tasks in check mode, and of M(lvs.cluster.ipvs_info).

Names and the order of services are those of the inventory, counters are those of the kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...module_utils._core import values
from ...module_utils._core.options import Options
from ...module_utils._ipvs.found_by_rip import found_by_rip
from ...module_utils._ipvs.model import Destination, DestinationKey, ServiceKey, WantedDestination
from .checks import failing_checks
from .model import RATES, DirectorView, HostView, RealServerView, ServiceView, Status, unique

# What state_info says of a director where VIPs move between directors.
_ACTIVE, _STANDBY, _STOPPED = "active", "standby", "stopped"
_VRRP_FACTS = {_ACTIVE: ["holds the VIPs"], _STANDBY: ["on standby"]}
# Who owns the table, as the description, state_info and ipvs_info name it.
_NETLINK, _KEEPALIVED = "netlink", "keepalived"
_OWNERS = {_NETLINK: "the modules of this collection", _KEEPALIVED: "keepalived"}


@dataclass(frozen=True)
class _SorryServer:
    """The sorry server of a service."""

    key: DestinationKey
    quorum: int  # the weight that has to be left without it


@dataclass(frozen=True)
class _Inventory:
    """What the inventory says of services and real servers."""

    services: Mapping[ServiceKey, Options]  # the rows of ipvs_table
    names: Mapping[ServiceKey, str]
    hosts: Mapping[str, str]  # the names of real servers, by RIP
    engine: str = _NETLINK  # who owns the table
    sorry_servers: Mapping[ServiceKey, _SorryServer] = field(default_factory=dict)


@dataclass(frozen=True)
class _Change:
    """A change of a service or a destination that a task would make."""

    service: ServiceKey
    endpoint: str  # of the destination; empty: the service itself
    commands: Sequence[str]


def cluster_status(options: Options, generated: str) -> Status:
    """The status.

    :param options: those of M(lvs.cluster.cluster_status)
    :param generated: the time
    """
    reports = options["directors"]
    inventories = [_inventory(reported) for reported in reports]
    directors = [_director(reported, inventory) for reported, inventory in zip(reports, inventories)]
    found = [
        [*of_vips, *_of_owner(reported, inventory)]
        for reported, inventory, of_vips in zip(reports, inventories, _contradictions(reports))
    ]
    checks = [failing_checks(view, _others(view, reported, directors)) for view, reported in zip(directors, reports)]
    return Status(
        generated=generated,
        directors=[
            replace(
                director,
                host=replace(director.host, contradictions=contradictions, outages=failing.outages, out=failing.out),
            )
            for director, contradictions, failing in zip(directors, found, checks)
        ],
        real_servers=[
            _host(reported["name"], "real server", _task_results(reported["results"])) for reported in options["real_servers"]
        ],
    )


def _contradictions(directors: Sequence[Options]) -> Iterator[list[str]]:
    """Of each director, what cannot be right of the VIPs that move between directors: one of them has to hold the VIPs.

    A director that could not be read may be the one.
    """
    states = {str(reported["name"]): str(reported.get("vrrp", "")) for reported in directors}
    unread = {str(reported["name"]) for reported in directors if "services" not in reported["info"]}
    for reported in directors:
        name = str(reported["name"])
        members = [plain(member) for member in reported.get("directors", ()) if member in states]
        active = [member for member in members if states[member] == _ACTIVE]
        found = []
        if states[name] == _ACTIVE and len(active) > 1:
            found.append(
                f"{' and '.join(active)} hold the VIPs at the same time: see whether keepalived runs on each"
                " (systemctl status keepalived), and whether VRRP (IP protocol 112) passes between them"
            )
        elif states[name] == _STOPPED:
            found.append("keepalived does not run, so that it cannot take the VIPs: systemctl start keepalived")
        elif states[name] == _STANDBY and not active and unread.isdisjoint(members):
            found.append("no director holds the VIPs: 'journalctl -u keepalived' says why")
        yield found


def _others(view: DirectorView, reported: Options, directors: Iterable[DirectorView]) -> list[DirectorView]:
    """The other directors of the same cluster."""
    members = [plain(member) for member in reported.get("directors", ())]
    return [other for other in directors if other is not view and other.host.name in members]


def _of_owner(reported: Options, inventory: _Inventory) -> Iterator[str]:
    """Where a director's table is not owned by the program that the description says."""
    info = reported["info"]
    keys = [_service_key(row) for row in info.get("services", ())]
    engine = info.get("engine") or _NETLINK
    if engine != inventory.engine and (engine == _KEEPALIVED or not inventory.services.keys().isdisjoint(keys)):
        yield (
            f"the IPVS table is owned by {_OWNERS[engine]}, and according to the description by {_OWNERS[inventory.engine]}"
            f" (lvs_engine: {inventory.engine}): run lvs.cluster.site"
        )
    foreign = info.get("foreign_keepalived") or {}
    if foreign.get("services"):
        yield plain(
            f"keepalived runs with {foreign['config']}, which this collection did not make, and has services of this table:"
            f" {', '.join(foreign['services'])}. It changes them by itself, and takes real servers out; lvs.cluster.site"
            " names the ways out"
        )


def _inventory(reported: Options) -> _Inventory:
    """The description of the cluster that a director belongs to."""
    keys = [_service_key(row) for row in reported["services"]]
    names = [plain(name) for name in reported["names"]]
    sorry = {
        service: _SorryServer(_key(service, row), int(row.get("quorum") or 1))
        for row in reported.get("sorry_servers", ())
        for service in [_service_key(row)]
    }
    engine = str(reported.get("engine") or _NETLINK)
    return _Inventory(dict(zip(keys, reported["services"])), dict(zip(keys, names)), reported["hosts"], engine, sorry)


def plain(text: object) -> str:
    """A text from a host on one line, without characters that control a terminal."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in str(text)).split())


def _task_results(results: Iterable[Options]) -> list[Options]:
    """The results of tasks, with those of the items of a loop, and of the steps of M(lvs.cluster.batch), in their place."""
    flat: list[Options] = []
    for result in results:
        parts = result.get("results")
        if not isinstance(parts, (list, tuple)) or result.get("unreachable"):
            flat.append(result)
            continue
        flat += [*parts, *result.get("preview", ())]
        own = {name: result[name] for name in ("failed", "msg", "warnings") if name in result}
        if not any(part.get("failed") for part in parts):
            flat.append(own)
    return flat


def _host(name: str, role: str, results: Sequence[Options]) -> HostView:
    unreachable = [_message(result) for result in results if result.get("unreachable")]
    return HostView(
        name=plain(name),
        role=role,
        # In check mode, two tasks may each report the same change.
        commands=unique(line for result in results for change in _changes(result) for line in _commands(change)),
        problems=unreachable[:1] or unique(_message(result) for result in results if result.get("failed")),
        warnings=unique(_warnings(results)),
        unreachable=bool(unreachable),
    )


def _message(result: Options) -> str:
    """Why a task failed, with what the host printed instead of a result."""
    return plain(f"{result.get('msg', '')} {result.get('module_stderr', '')}")


def _changes(result: Options) -> Sequence[Options]:
    return result.get("changes") or ()


def _commands(change: Options) -> list[str]:
    return [plain(line) for line in str(change["command"]).splitlines()]


def _ipvs_changes(results: Iterable[Options]) -> Iterator[_Change]:
    """The changes of services and destinations."""
    for result in results:
        for change in _changes(result):
            if change["kind"] in ("service", "destination"):
                service = _service_key(change["key"])
                endpoint = _endpoint(_key(service, change["key"])) if change["kind"] == "destination" else ""
                yield _Change(service, endpoint, _commands(change))


def _warnings(results: Iterable[Options]) -> Iterator[str]:
    """What modules warn of, without what Ansible itself adds about the host's Python: it is no difference."""
    for result in results:
        for warning in map(plain, result.get("warnings") or ()):
            if "discovered Python interpreter" not in warning:
                yield warning


def _director(reported: Options, inventory: _Inventory) -> DirectorView:
    info = reported["info"]
    results = _task_results([info, *reported["results"]])
    host = _host(reported["name"], "director", results)
    if "services" not in info:
        return DirectorView(host)
    current = {_service_key(row): row for row in info["services"]}
    described = [key for key, row in inventory.services.items() if row.get("state") != "absent" or key in current]
    others = [key for key in current if key not in inventory.services]
    changes = list(_ipvs_changes(results))
    services = [_service(key, current.get(key), inventory, changes) for key in (*described, *others)]
    engine = info.get("engine") or (_NETLINK if current else "")
    facts = [*_VRRP_FACTS.get(reported.get("vrrp", ""), []), *([f"engine {engine}"] if engine else [])]
    return DirectorView(host, _facts(info, facts), services)


def _facts(info: Options, first: Sequence[str]) -> str:
    """Whether a director holds VIPs that move, who owns its table, its kernel, and the settings of its IPVS.

    :param first: what is told before the kernel
    """
    timeouts = ", ".join(f"{name} {seconds} s" for name, seconds in info["timeouts"].items())
    daemons = [f"{daemon['role']} on {daemon['interface']}, sync ID {daemon['sync_id']}" for daemon in info["sync_daemons"]]
    facts = (
        *first,
        f"Linux {info['kernel']}",
        f"IPVS {info['version']}",
        f"connection table of {info['connection_table_size']} rows",
        f"timeouts: {timeouts}",
        f"sync daemon: {'; '.join(daemons)}" if daemons else "no sync daemon",
    )
    return plain("; ".join(facts))


def _service(key: ServiceKey, current: Options | None, inventory: _Inventory, all_changes: Sequence[_Change]) -> ServiceView:
    """A service; C(current) is None where the kernel does not have it."""
    described = inventory.services.get(key, {})
    row = described if current is None else current
    changes = [change for change in all_changes if change.service == key]
    destinations = () if current is None else current.get("destinations", ())
    out = () if current is None else current.get("out", ())
    sorry = inventory.sorry_servers.get(key)
    real_servers = _real_servers(key, destinations, described, inventory.hosts, {change.endpoint for change in changes}, out)
    if sorry is not None:
        endpoint = _endpoint(sorry.key)
        real_servers = [replace(view, sorry=view.endpoint == endpoint) for view in real_servers]
    return ServiceView(
        address=_address(key),
        name=inventory.names.get(key, ""),
        scheduler=plain(row.get("scheduler", "")),
        persistence_timeout=row.get("persistence_timeout") or 0,
        rates=_rates(row),
        real_servers=real_servers,
        quorum=1 if sorry is None else sorry.quorum,
        commands=unique(command for change in changes for command in change.commands),
        missing=current is None,
    )


def _real_servers(
    service: ServiceKey,
    destinations: Iterable[Options],
    described: Options,
    hosts: Mapping[str, str],
    differing: set[str],
    out: Iterable[Options],
) -> list[RealServerView]:
    """The real servers in the order of the inventory, then those that only the kernel has.

    :param differing: the endpoints that have changes
    :param out: those that keepalived has taken out, or whose weight it has set to 0
    """
    current = {_key(service, row): row for row in destinations}
    taken_out = {_key(service, row): row for row in out}
    existing = {key: Destination(key, row["forward"]) for key, row in current.items()}
    named = [row for row in described.get("destinations", ()) if row.get("state") != "absent"]
    asked = found_by_rip([_asked(service, row) for row in named], existing, masqueraded=False)
    wanted = {item.key: row for item, row in zip(asked, named)}
    connections = {key: row["connections"] for key, row in current.items()}
    all_connections = sum(counts["active"] + counts["inactive"] for counts in connections.values())
    all_weights = sum(int(row["weight"]) for row in current.values())
    views = []
    for key, row in {**wanted, **current, **taken_out}.items():
        endpoint = _endpoint(key)
        counts = connections.get(key, {"active": 0, "inactive": 0})
        weight = int(row["weight"])
        share = 0.0
        if all_connections:
            share = (counts["active"] + counts["inactive"]) / all_connections
        elif all_weights and key in current:
            share = weight / all_weights
        rip = plain(row["rip"])
        views.append(
            RealServerView(
                rip=rip,
                endpoint=endpoint,
                host=plain(hosts.get(rip, "")),
                forward=_forward(row),
                weight=weight,
                drained=row.get("drained"),
                active=counts["active"],
                inactive=counts["inactive"],
                rates=_rates(row),
                share=share,
                missing=key not in current and key not in taken_out,
                out=key in taken_out,
                differs=endpoint in differing,
            )
        )
    return views


def _service_key(row: Options) -> ServiceKey:
    return ServiceKey.of(row)


def _address(key: ServiceKey) -> str:
    if key.vip is None:
        return f"FWM {key.fwmark}" + (" IPv6" if key.family == 6 else "")
    return f"{(key.protocol or '').upper()} {values.endpoint(key.vip, key.port)}"


def _key(service: ServiceKey, row: Options) -> DestinationKey:
    port = row.get("rport")
    return DestinationKey(service, values.any_address("rip", row["rip"]), service.port if port is None else int(port))


def _endpoint(key: DestinationKey) -> str:
    """A real server of a service as ipvsadm writes it."""
    return values.endpoint(key.rip, key.port)


def _asked(service: ServiceKey, row: Options) -> WantedDestination:
    """A real server of the description, as M(lvs.cluster.ipvs_table) is asked for it."""
    key, forward = _key(service, row), row["forward"]
    return WantedDestination(key, Destination(key, forward), {"forward": forward}, port_given=row.get("rport") is not None)


def _forward(row: Options) -> str:
    tunnel_type = row.get("tunnel_type", "ipip")
    return plain(row["forward"] if tunnel_type == "ipip" else f"{row['forward']} {tunnel_type}")


def _rates(row: Options) -> dict[str, int]:
    statistics = row.get("statistics", {})
    return {name: statistics.get(f"{name}_per_second", 0) for name in RATES}

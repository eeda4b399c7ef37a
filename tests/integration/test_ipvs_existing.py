# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What another program has put into the table is no wish: it is given back as it is, and each destination can be changed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core.netlink import GenericSocket, SomeRefused
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Transition, reconcile
from ansible_collections.lvs.cluster.plugins.module_utils._core.resource import AnyResource
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import codec, ipvs_info
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_dest import ARGUMENT_SPEC, IpvsDest
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_info import InfoBackend
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_table import IpvsTable
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Destination, DestinationKey, Service, ServiceKey
from ansible_collections.lvs.cluster.plugins.module_utils._probe import preflight_options, tunnel_probe, vip_probe
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.inventory import Host, Inventory
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.plan import make_plan
from tests.unit.strategies import destinations, services

from .namespaces import Namespace
from .test_ipvs_oracles import inside

on_a_kernel = settings(
    max_examples=200, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
CMD_FLUSH = 17
TABLE_OPTIONS = {"keep_weights": False, "keep_drained": False, "unprepared": []}
DEST_OPTIONS: dict[str, Any] = {name: option.get("default") for name, option in ARGUMENT_SPEC.items()}
DIRECTOR = "192.168.56.181"
INVENTORY = Inventory({"ds1": Host(DIRECTOR)}, directors=["ds1"], real_servers=[])


@pytest.fixture(scope="module", autouse=True)
def director(new_lasting_namespace: Callable[[], Namespace]) -> Iterator[None]:
    """All of these tests run within one namespace."""
    namespace = new_lasting_namespace()
    namespace.sh(
        f"ip link set lo up; ip link add eth0 type dummy; ip address add {DIRECTOR}/24 dev eth0; ip link set eth0 up"
    )
    with inside(namespace.name):
        yield


@st.composite
def tables(draw: st.DrawFn) -> list[tuple[Service, list[Destination]]]:
    """Services with destinations, of which the kernel takes what it takes."""
    table = []
    for _number in range(draw(st.integers(1, 3))):
        service = replace(
            draw(services()),
            scheduler=draw(st.sampled_from(["rr", "wrr", "sh", "mh"])),
            persistence_engine=draw(st.sampled_from(["", "", "sip"])),
        )
        rips = [draw(destinations()).key.rip, draw(destinations()).key.rip, *map(ip_address, (DIRECTOR, "127.0.0.1"))]
        rips += [] if service.key.vip is None else [service.key.vip]
        own = []
        for _place in range(draw(st.integers(0, 5))):
            key = DestinationKey(
                service.key, draw(st.sampled_from(rips)), draw(st.sampled_from([service.key.port, 0, 80, 8080]))
            )
            own.append(replace(draw(destinations()), key=key))
        table.append((service, own))
    return table


def fill(table: list[tuple[Service, list[Destination]]]) -> None:
    """Have the kernel take a table instead of the one that it has, as another program would. What it refuses is left out."""
    requests = [(codec.CMD_NEW_SERVICE, codec.encode_service(service)) for service, _own in table]
    requests += [(codec.CMD_NEW_DEST, codec.encode_destination(item)) for _service, own in table for item in own]
    with closing(GenericSocket(codec.FAMILY, codec.VERSION)) as kernel:
        kernel.request(CMD_FLUSH)
        for request in requests:
            with suppress(SomeRefused):
                kernel.send_all([request])


def info() -> Mapping[str, Any]:
    """What M(lvs.cluster.ipvs_info) returns."""
    with InfoBackend() as backend:
        return ipvs_info.facts(backend.director())


def destinations_of(found: Mapping[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The options that name each destination, and the others."""
    rows = []
    for service in found["services"]:
        names = {name: service[name] for name in ("vip", "port", "protocol", "fwmark", "family") if name in service}
        for row in service["destinations"]:
            own = {name: value for name, value in row.items() if name not in ("connections", "statistics", "drained")}
            rows.append(({**names, "rip": own.pop("rip"), "rport": own.pop("rport")}, own))
    return rows


def changes(resource: AnyResource, options: Mapping[str, Any], make: bool = False) -> list[str]:
    """The commands of the changes that a module makes, or would make."""
    desired = resource.parse(options)
    with resource.open(desired) as backend:
        seen = backend.read(desired)
        wanted = resource.plan(desired, seen)
        transition = Transition(wanted, seen, reconcile(wanted, seen))
        if make:
            backend.apply(transition)
    return [change.command() for change in transition.changes]


def listed(rows: list[dict[str, Any]], purge: str) -> list[str]:
    """What M(lvs.cluster.ipvs_table) would change."""
    return changes(IpvsTable(), {**TABLE_OPTIONS, "services": rows, "purge": purge})


def rows_of(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The services as options, without their counters."""
    counters = ("connections", "statistics", "drained")
    return [
        {
            **{name: value for name, value in service.items() if name != "statistics"},
            "destinations": [
                {name: value for name, value in row.items() if name not in counters} for row in service["destinations"]
            ],
        }
        for service in found["services"]
    ]


@on_a_kernel
@given(tables())
def test_table_is_given_back(table: list[tuple[Service, list[Destination]]]) -> None:
    """To the module, and as a description to the roles: no change, and no refusal."""
    fill(table)
    found = info()
    event(f"{len(found['services'])} services, {len(destinations_of(found))} destinations")
    assert listed(rows_of(found), "services") == []
    plan = make_plan(found["lvs_services"], INVENTORY)
    assert listed(plan.services, "services") == []
    # The checks before and after the changes take it, too.
    preflight_options.parse(validated(preflight_options.ARGUMENT_SPEC, plan.preflight))
    tunnel_probe.parse(validated(vip_probe.ARGUMENT_SPEC, {"through": plan.probes}))


def validated(specification: Mapping[str, Any], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options as Ansible hands them to a module."""
    found = ArgumentSpecValidator(dict(specification)).validate(dict(options))
    assert found.error_messages == []
    return dict(found.validated_parameters)


def only_weight(before: Mapping[str, Any], after: Mapping[str, Any], names: Mapping[str, Any], weight: int) -> None:
    """Check that two tables have the same, except for the weight of one destination."""
    expected = [(key, {**own, "weight": weight} if key == names else own) for key, own in destinations_of(before)]
    assert destinations_of(after) == expected


def is_persistent(found: Mapping[str, Any], names: Mapping[str, Any]) -> bool:
    """Whether the service of a destination is."""
    of_service = {name: value for name, value in names.items() if name not in ("rip", "rport")}
    (service,) = (row for row in found["services"] if of_service.items() <= row.items())
    return bool(service["persistence_timeout"])


@on_a_kernel
@given(tables(), st.integers(1, 0x7FFFFFFE))
def test_each_destination_is_changed(table: list[tuple[Service, list[Destination]]], weight: int) -> None:
    """Drained, restored, with another weight, and removed: no other one appears, and nothing else changes."""
    fill(table)
    before = info()
    for names, own in destinations_of(before):
        if own["weight"] == weight:
            weight += 1
        asked = {**DEST_OPTIONS, **names}
        steps: list[tuple[dict[str, Any], int]] = [({"weight": weight}, weight)]
        if not is_persistent(before, names):  # what would never drain is refused, with the ways out
            steps += [({"state": "drained", "drain_timeout": 0}, 0), ({"state": "present"}, weight)]
        steps.append(({"weight": own["weight"]}, own["weight"]))
        for options, expected in steps:
            assert changes(IpvsDest(), {**asked, **options}, make=True)
            only_weight(before, info(), names, expected)
        assert changes(IpvsDest(), asked) == []
    for names, _own in destinations_of(before):
        count = len(destinations_of(info()))
        assert changes(IpvsDest(), {**DEST_OPTIONS, **names, "state": "absent"}, make=True)
        assert len(destinations_of(info())) == count - 1


RS = {"rip": "198.51.100.23"}


@pytest.mark.parametrize(
    ("service", "port"),
    [
        (ServiceKey.of({"fwmark": 1}), 80),
        (ServiceKey.of({"vip": "192.0.2.1", "port": 80}), 8080),
        (ServiceKey.of({"vip": "192.0.2.1", "port": 80}), 0),
    ],
)
def test_real_server_by_its_rip(service: ServiceKey, port: int) -> None:
    """The only destination of its real server, whatever its port is."""
    key = DestinationKey(service, ip_address(RS["rip"]), port)
    asked = {**DEST_OPTIONS, **service.facts(), **RS}
    fill([(Service(service, scheduler="wrr"), [Destination(key, weight=5)])])
    before = info()
    row = {**service.facts(), "scheduler": "wrr", "destinations": [{**RS, "weight": 5}]}
    for purge in ("none", "destinations", "services"):
        assert listed([row], purge) == []
    steps: Iterator[tuple[dict[str, Any], int]] = itertools.chain(
        [({"weight": 6}, 6), ({"state": "drained", "drain_timeout": 0}, 0), ({"state": "present"}, 6), ({"weight": 5}, 5)]
    )
    for options, weight in steps:
        assert changes(IpvsDest(), {**asked, **options}, make=True)
        only_weight(before, info(), destinations_of(before)[0][0], weight)
    everywhere = {**DEST_OPTIONS, **RS}
    assert changes(IpvsDest(), {**everywhere, "state": "drained", "drain_timeout": 0}, make=True)
    only_weight(before, info(), destinations_of(before)[0][0], 0)
    assert changes(IpvsDest(), {**everywhere, "state": "present"}, make=True)
    only_weight(before, info(), destinations_of(before)[0][0], 5)
    assert changes(IpvsDest(), {**asked, "state": "absent"}, make=True)
    assert destinations_of(info()) == []

# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The module batch: several modules of this collection in one process.

Only the implementations of modules that a step names are imported. Each has its own import statement: Ansible sends to a
managed host what import statements name, and looks for them in functions, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .._core.errors import InvalidValue
from .._core.module import Implementation, Step, checked, prepared, secrets_of
from .._core.options import Facts, Faults, Options
from .._core.resource import Resource

# Ansible does not look into the steps: read names every fault with its step.
ARGUMENT_SPEC: Facts = {
    "steps": {"type": "list", "elements": "dict", "required": True},
    "preview": {"type": "list", "elements": "dict", "default": []},
    "label": {"type": "str"},
}

Module = tuple[Facts, Implementation]  # the argument specification comes first


def arp_sysctl() -> Module:
    """M(lvs.cluster.arp_sysctl)."""
    from .._sysctl.arp_sysctl import ARGUMENT_SPEC, ArpSysctl

    return ARGUMENT_SPEC, ArpSysctl()


def boot() -> Module:
    """M(lvs.cluster.boot)."""
    from .._boot.boot import ARGUMENT_SPEC, Boot

    return ARGUMENT_SPEC, Boot()


def check_sysctl() -> Module:
    """M(lvs.cluster.check_sysctl)."""
    from .._sysctl.check_sysctl import ARGUMENT_SPEC, CheckSysctl

    return ARGUMENT_SPEC, CheckSysctl()


def firewall() -> Module:
    """M(lvs.cluster.firewall)."""
    from .._firewall.firewall import ARGUMENT_SPEC, Firewall

    return ARGUMENT_SPEC, Firewall()


def ipvs_dest() -> Module:
    """M(lvs.cluster.ipvs_dest)."""
    from .._ipvs.ipvs_dest import ARGUMENT_SPEC, IpvsDest

    return ARGUMENT_SPEC, IpvsDest()


def ipvs_service() -> Module:
    """M(lvs.cluster.ipvs_service)."""
    from .._ipvs.ipvs_service import ARGUMENT_SPEC, IpvsService

    return ARGUMENT_SPEC, IpvsService()


def ipvs_sync_daemon() -> Module:
    """M(lvs.cluster.ipvs_sync_daemon)."""
    from .._ipvs.ipvs_sync_daemon import ARGUMENT_SPEC, IpvsSyncDaemon

    return ARGUMENT_SPEC, IpvsSyncDaemon()


def ipvs_sysctl() -> Module:
    """M(lvs.cluster.ipvs_sysctl)."""
    from .._ipvs.ipvs_sysctl import ARGUMENT_SPEC, IpvsSysctl

    return ARGUMENT_SPEC, IpvsSysctl()


def ipvs_table() -> Module:
    """M(lvs.cluster.ipvs_table)."""
    from .._ipvs.ipvs_table import ARGUMENT_SPEC, IpvsTable

    return ARGUMENT_SPEC, IpvsTable()


def ipvs_timeouts() -> Module:
    """M(lvs.cluster.ipvs_timeouts)."""
    from .._ipvs.ipvs_timeouts import ARGUMENT_SPEC, IpvsTimeouts

    return ARGUMENT_SPEC, IpvsTimeouts()


def keepalived() -> Module:
    """M(lvs.cluster.keepalived)."""
    from .._keepalived.keepalived import ARGUMENT_SPEC, Keepalived

    return ARGUMENT_SPEC, Keepalived()


def mss_clamp() -> Module:
    """M(lvs.cluster.mss_clamp)."""
    from .._nft.mss_clamp import ARGUMENT_SPEC, MssClamp

    return ARGUMENT_SPEC, MssClamp()


def port_dnat() -> Module:
    """M(lvs.cluster.port_dnat)."""
    from .._nft.port_dnat import ARGUMENT_SPEC, PortDnat

    return ARGUMENT_SPEC, PortDnat()


def preflight() -> Module:
    """M(lvs.cluster.preflight)."""
    from .._probe.preflight import ARGUMENT_SPEC, read

    return ARGUMENT_SPEC, read


def state_info() -> Module:
    """M(lvs.cluster.state_info)."""
    from .._boot.state_info import read

    return {}, read


def tunl_vip() -> Module:
    """M(lvs.cluster.tunl_vip)."""
    from .._net.options import ARGUMENT_SPEC
    from .._net.tunl_vip import TunlVip

    return ARGUMENT_SPEC, TunlVip()


def tunnel_guard() -> Module:
    """M(lvs.cluster.tunnel_guard)."""
    from .._nft.tunnel_guard import ARGUMENT_SPEC, TunnelGuard

    return ARGUMENT_SPEC, TunnelGuard()


def vip_probe() -> Module:
    """M(lvs.cluster.vip_probe)."""
    from .._probe.vip_probe import ARGUMENT_SPEC, read

    return ARGUMENT_SPEC, read


# By the name of the module.
MODULES = {
    module.__name__: module
    for module in (
        arp_sysctl,
        boot,
        check_sysctl,
        firewall,
        ipvs_dest,
        ipvs_service,
        ipvs_sync_daemon,
        ipvs_sysctl,
        ipvs_table,
        ipvs_timeouts,
        keepalived,
        mss_clamp,
        port_dnat,
        preflight,
        state_info,
        tunl_vip,
        tunnel_guard,
        vip_probe,
    )
}


def read(options: Options) -> Sequence[Step]:
    """Read O(steps) and O(preview), with the options of each.

    :raises Invalid: all that is wrong with any of them
    """
    faults = Faults()
    steps = [
        faults.read(_step, f"{name}[{number}]", row, name == "preview")
        for name in ("steps", "preview")
        for number, row in enumerate(options[name])
    ]
    faults.raise_all()
    return [step.value for step in steps]


def secrets(options: Options) -> Iterator[str]:
    """The secrets in the options of all steps."""
    for row in (*options["steps"], *options["preview"]):
        for name, given in row.items():
            if name in MODULES:
                yield from secrets_of(MODULES[name]()[0], given)


def _step(place: str, row: Options, preview: bool) -> Step:
    name, given = _module(place, row)
    place = f"{place} {name}"
    spec, implementation = MODULES[name]()
    faults = Faults()
    work = faults.read(prepared, implementation, checked(spec, given, place), where=place)
    faults.raise_all()
    return Step(place, name, work.value, preview, reads=not isinstance(implementation, Resource))


def _module(place: str, row: Options) -> tuple[str, object]:
    """The name of the module, and its options; a module without options may have none."""
    if len(row) != 1:
        named = ", ".join(map(str, row)) or "{}"
        raise InvalidValue(place, named, "is not one module: write a step for each, the module's name with its options")
    ((name, given),) = row.items()
    if name not in MODULES:
        raise InvalidValue(place, repr(name), f"is not a module that can be a step: valid ones are {', '.join(MODULES)}")
    return name, {} if given is None else given

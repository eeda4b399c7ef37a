# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What is run on a real server for its plan: steps of M(lvs.cluster.batch), in their order. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from ...module_utils._core.options import ABSENT, PRESENT, Facts, Options
from .real_server import RealServerPlan
from .rows import device_rows
from .steps import Step, step


def setup_steps(plan: RealServerPlan, settings: Options) -> list[Step]:
    """What the real server needs, so that a VIP is reachable only when everything else is ready."""
    steps: list[Step] = []

    def add(module: str, *tags: str, **options: Any) -> None:
        steps.append(step(module, *tags, **options))

    # Before the tunnel devices accept packets.
    guard = _guard(plan, settings)
    if guard:
        add("tunnel_guard", "nftables", "vips", **guard)
    firewall = _firewall(plan, settings)
    if firewall:
        add("firewall", "nftables", "vips", **firewall)
    if plan.tunnel_devices:
        add("tunl_vip", "vips", devices=plan.tunnel_devices)
    # Before the VIPs: a real server must never answer an ARP request for a VIP.
    for device in plan.arp_silent_devices:
        options = {"rp_filter": settings["rp_filter"], "persist": settings["persist_sysctl"]}
        add("arp_sysctl", "sysctl", "vips", device=device, **options)
    if plan.mappings:
        add("port_dnat", "nftables", mappings=plan.mappings)
    if plan.mss and settings["clamp_mss"]:
        add("mss_clamp", "nftables", tunnels=plan.mss)
    if plan.devices:
        add("tunl_vip", "vips", devices=plan.devices)
        if settings["boot"]:
            add("boot", "boot", vips_after=settings["boot_after"], state=PRESENT)
        else:
            add("boot", "boot", state=ABSENT)
    return steps


def release_steps(plan: RealServerPlan, settings: Options, state: Options, kept_vips: Collection[str] | None) -> list[Step]:
    """The removal of what the real server no longer needs.

    :param state: what the collection has set up on the host: the result of M(lvs.cluster.state_info)
    :param kept_vips: VIPs for which a director still sends packets although the description says otherwise; C(None): there is
        none, and all that is not in the description may go
    """
    steps: list[Step] = []
    if state.get("empty", True):
        return steps  # nothing here is of this collection

    def add(module: str, **options: Any) -> None:
        steps.append(step(module, "ipvs", **options))

    kept = kept_vips or ()
    devices = device_rows(pair for pair in _removed_vips(plan, state) if pair[1] not in kept)
    if devices:
        add("tunl_vip", devices=[*plan.devices, *({**row, "state": ABSENT} for row in devices)])
    mappings = [row for row in plan.removed_mappings if row["vip"] not in kept]
    if mappings:
        add("port_dnat", mappings=mappings, state=ABSENT)
    tunnels = [row for row in plan.removed_mss if row["vip"] not in kept]
    if not settings["clamp_mss"]:
        tunnels += plan.mss
    if tunnels:
        add("mss_clamp", tunnels=tunnels, state=ABSENT)
    if not settings["tunnel_guard"]:
        add("tunnel_guard", state=ABSENT)
    closed = _closed(plan, state, kept)
    if closed:
        add("firewall", services=closed, state=ABSENT)
    if kept_vips is None and _purges(plan, settings, state):
        _add_purge(add, plan, settings, state)
    return steps


def _guard(plan: RealServerPlan, settings: Options) -> Facts:
    """The options of M(lvs.cluster.tunnel_guard); empty where nothing is to be guarded."""
    if not plan.guard or not settings["tunnel_guard"]:
        return {}
    sources = [*plan.guard["sources"], *settings["tunnel_sources"]]
    return {**plan.guard, "sources": sources} if sources else {}


def _firewall(plan: RealServerPlan, settings: Options) -> Facts:
    """The options of M(lvs.cluster.firewall); empty where nothing is to be let in."""
    if not plan.firewall:
        return {}
    sources = plan.firewall["sources"]
    if plan.firewall["protocols"] or plan.firewall["gue_ports"]:
        sources = [*sources, *settings["tunnel_sources"]]
    return {"program": settings["firewall"], **plan.firewall, "sources": sources}


def _closed(plan: RealServerPlan, state: Options, kept: Collection[str]) -> list[Facts]:
    """What the host's firewall lets in for VIPs of the description and the host does not need."""
    names = ("vip", "port", "protocol")
    needed = [{name: row[name] for name in names} for row in plan.firewall.get("services", ())]
    described = {vip for _device, vip in (*_pairs(plan.removed_devices), *_pairs(plan.devices))} - set(kept)
    return [row for row in state.get("opened", ()) if row["vip"] in described and row not in needed]


def _pairs(rows: Iterable[Options], device: str = "device") -> list[tuple[str, str]]:
    """The devices of rows, with each VIP of theirs."""
    return [(str(row[device]), str(vip)) for row in rows for vip in row["vips"]]


def _removed_vips(plan: RealServerPlan, state: Options) -> list[tuple[str, str]]:
    """The devices and VIPs of the description that the host does not need: also on a device that held them formerly."""
    removed, held = _pairs(plan.removed_devices), _pairs(plan.devices)
    described = {vip for _device, vip in (*removed, *held)}
    noted = _pairs(state.get("devices", ()), "name")
    return list(dict.fromkeys([*removed, *(pair for pair in noted if pair[1] in described and pair not in held)]))


def _purges(plan: RealServerPlan, settings: Options, state: Options) -> bool:
    """Whether everything goes that is not in the description.

    A director may still send packets for a service that is no longer in the description: what it needs stays as long as its
    VIP.
    """
    left = {*_pairs(state.get("devices", ()), "name"), *_pairs(plan.devices)} - set(_removed_vips(plan, state))
    return settings["state"] == ABSENT or bool(settings["purges_vips"]) or not left


def _add_purge(add: Any, plan: RealServerPlan, settings: Options, state: Options) -> None:
    add("tunl_vip", devices=plan.devices, purge=True)
    add("mss_clamp", tunnels=plan.mss if settings["clamp_mss"] else [], purge=True)
    add("port_dnat", mappings=plan.mappings, purge=True)
    # After the tunnel devices.
    guard = _guard(plan, settings) or {"sources": [], "protocols": [], "gue_ports": []}
    add("tunnel_guard", **guard, purge=True)
    firewall = _firewall(plan, settings)
    # Without a program: to close what was opened, none has to run.
    add("firewall", **({**firewall, "purge": True} if firewall else {"state": ABSENT}))
    for device in state.get("arp_silent_devices", ()):
        if device not in plan.arp_silent_devices:
            add("arp_sysctl", device=device, state=ABSENT)
    if not plan.devices:
        add("boot", state=ABSENT)

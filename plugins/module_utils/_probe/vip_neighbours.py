# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Whether a host on the same link as a director resolves its VIPs: options of the module C(vip_probe), and findings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .._core import values
from .._core.errors import InvalidValue
from .._core.options import Facts, Faults, Option, Options, argument_spec, text
from .._core.values import Address
from .._net.neighbour import Device, held_addresses
from .options import OptionReader
from .resolve import NeighbourQuery
from .vip_requests import ProbeFailed

VIP = Option("vip", values.network_vip, required=True)
ADDRESS = text("address", values.address, required=True)

ARGUMENT_SPEC = {"resolve": {"type": "list", "elements": "dict", "options": argument_spec(VIP, ADDRESS)}}


@dataclass(frozen=True)
class Link:
    """A VIP, and an address that the same director has on the same link."""

    vip: Address
    address: Address

    def facts(self) -> Facts:
        """The link as the module returns it."""
        return {"vip": str(self.vip), "address": str(self.address)}


@dataclass(frozen=True)
class LinkQueries:
    """The queries for a link, on each device of this host that it is on; none where it is on no device."""

    link: Link
    vip: tuple[NeighbourQuery, ...]
    address: tuple[NeighbourQuery, ...]


def parse(options: Options) -> list[Link]:
    """Read the options.

    :raises Invalid: all that is wrong with them
    """
    faults = Faults()
    for name in ("vip", "port", "services", "through"):
        if options[name] is not None:
            faults.add(InvalidValue(name, "is given", "beside resolve: leave one of them out"))
    links = [faults.read(_link, row, where=f"resolve[{index}]") for index, row in enumerate(options["resolve"])]
    faults.raise_all()
    return [link.value for link in links]


def _link(row: Options) -> Link:
    reader = OptionReader(row)
    vip, address = reader.read(VIP), reader.read(ADDRESS)
    reader.faults.raise_all()
    if vip.value.version != address.value.version:
        raise InvalidValue("address", address.value, f"is of another address family than {vip.value}")
    return Link(vip.value, address.value)


def queries(links: Iterable[Link], devices: Sequence[Device]) -> list[LinkQueries]:
    """What to ask on the devices of this host; nothing for a link on which the director is this host itself."""
    own = held_addresses(devices)
    found = []
    for link in links:
        sources = [(device, _source(device, link)) for device in devices if link.address not in own]
        asking = [(device, source) for device, source in sources if source is not None]
        vip, address = (
            tuple(NeighbourQuery(device, target, source) for device, source in asking) for target in (link.vip, link.address)
        )
        found.append(LinkQueries(link, vip, address))
    return found


def _source(device: Device, link: Link) -> Address | None:
    """The own address on a link, as that of a client."""
    if device.has_neighbours:
        for interface in device.interfaces:
            if link.vip in interface.network and link.address in interface.network and interface.ip != link.vip:
                return interface.ip
    return None


def to_result(asked: Iterable[LinkQueries], answers: Mapping[NeighbourQuery, set[str]]) -> Facts:
    """The return values.

    :raises ProbeFailed: with the return values, if a VIP is not answered where the director's own address is
    """
    resolved: list[Facts] = []
    left_out: list[Facts] = []
    messages = []
    for of_link in asked:
        link = of_link.link
        macs, own_macs = ({mac for query in side for mac in answers[query]} for side in (of_link.vip, of_link.address))
        if not macs and not own_macs:
            left_out.append(link.facts())
            continue
        resolved.append({**link.facts(), "macs": sorted(macs)})
        if not macs:
            devices = " and ".join(query.device.name for query in of_link.vip)
            asked_by = "ARP requests" if link.vip.version == 4 else "neighbour solicitations"
            messages.append(
                f"{link.vip}: {asked_by} on {devices} are answered for {link.address}, but not for the VIP, so that no client"
                f" on this link reaches it: see that the director {link.address} holds it, its settings"
                " (lvs.cluster.preflight), and filters of ARP and neighbour discovery on the director and on the switches"
            )
    facts = {"resolved": resolved, "left_out": left_out}
    if messages:
        raise ProbeFailed("\n".join([f"{len(messages)} of {len(resolved)} VIPs were not answered:", *messages]), facts)
    return facts

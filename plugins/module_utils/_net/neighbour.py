# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""ARP and neighbour discovery: the devices that have neighbours, and the packets that resolve or announce an address.

Packets are sent and received without their Ethernet header (SOCK_DGRAM of packet(7)): an ARP packet begins with C(ar_hrd), an
IPv6 packet with its version. Needs only the standard library.

Sources: RFC 826 and RFC 5227 (ARP), RFC 4861 and RFC 4862 (neighbour discovery), RFC 2464 (its groups on Ethernet);
include/uapi/linux/if_arp.h, rtnetlink.h, if_link.h and if_addr.h of Linux.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Union

from .._core.errors import NotPermitted
from .._core.netlink_messages import NLM_F_DUMP, NLM_F_DUMP_INTR, NLMSG_DONE, attributes, messages, request
from .._core.values import Address
from . import packets

Interface = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]

ETH_P_ARP, ETH_P_IPV6 = 0x0806, 0x86DD
BROADCAST = b"\xff" * 6
ALL_NODES = ipaddress.IPv6Address("ff02::1")
NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT = 135, 136
ND_HOP_LIMIT = 255  # RFC 4861, 7.1: a packet that passed a router has less

_ARP = struct.Struct("!HHBBH6s4s6s4s")  # hardware, protocol, their sizes, operation, sender's MAC and IP, target's
_ARPHRD_ETHER, _ETH_P_IP = 1, 0x0800
_ARPOP_REQUEST = 1
_ND = struct.Struct("!BBHI16s")  # type, code, checksum, flags, target
_ND_OPTION = struct.Struct("!BB6s")  # type, length in units of 8 bytes, MAC
_SOURCE_MAC, _TARGET_MAC = 1, 2
_ROUTER, _OVERRIDE = 0x80000000, 0x20000000

_NETLINK_ROUTE = 0
_RTM_NEWLINK, _RTM_GETLINK, _RTM_NEWADDR, _RTM_GETADDR = 16, 18, 20, 22
_ANYTHING = bytes(16)  # an ifinfomsg or ifaddrmsg of zeros
_IFINFO = struct.Struct("=BxHiII")  # family, type of hardware, index, flags, mask
_IFADDR = struct.Struct("=BBBBi")  # family, length of the prefix, flags, scope, index
_IFLA_ADDRESS, _IFLA_IFNAME, _IFA_ADDRESS, _IFA_LOCAL = 1, 3, 1, 2
_IFF_UP, _IFF_LOOPBACK, _IFF_NOARP = 0x1, 0x8, 0x80
_RT_SCOPE_HOST = 254
_RECEIVE_BYTES = 65536


@dataclass(frozen=True)
class Device:
    """A network device."""

    index: int
    name: str
    mac: bytes
    has_neighbours: bool  # it is up, and an Ethernet device with ARP and neighbour discovery
    interfaces: tuple[Interface, ...]  # its addresses with their connected networks; without host addresses, such as VIPs
    addresses: tuple[Address, ...] = ()  # all of its addresses
    host_scoped: tuple[Address, ...] = ()  # those that are valid on this host only

    def faces(self, address: Address) -> bool:
        """Whether the address is in a connected network, so that its holder is a neighbour."""
        return self.has_neighbours and any(address in interface.network for interface in self.interfaces)


def devices() -> list[Device]:
    """The devices of this network namespace."""
    interfaces: dict[int, list[Interface]] = {}
    addresses: dict[int, list[Address]] = {}
    host_scoped: dict[int, list[Address]] = {}
    for payload in _dump(_RTM_GETADDR, _RTM_NEWADDR):
        _family, length, _flags, scope, index = _IFADDR.unpack_from(payload)
        # IFA_ADDRESS is the other end of a point-to-point link, and the address itself on any other device.
        values = attributes(payload[_IFADDR.size :])
        address = ipaddress.ip_address(values[_IFA_ADDRESS])
        own = ipaddress.ip_address(values.get(_IFA_LOCAL, values[_IFA_ADDRESS]))
        addresses.setdefault(index, []).append(own)
        if scope == _RT_SCOPE_HOST:
            host_scoped.setdefault(index, []).append(own)
        if length < address.max_prefixlen:
            interfaces.setdefault(index, []).append(ipaddress.ip_interface((address, length)))
    links = []
    for payload in _dump(_RTM_GETLINK, _RTM_NEWLINK):
        _family, hardware, index, flags, _mask = _IFINFO.unpack_from(payload)
        values = attributes(payload[_IFINFO.size :])
        has_neighbours = hardware == _ARPHRD_ETHER and flags & (_IFF_UP | _IFF_LOOPBACK | _IFF_NOARP) == _IFF_UP
        name, mac = values[_IFLA_IFNAME].rstrip(b"\0").decode(), values.get(_IFLA_ADDRESS, b"")
        networks, held = tuple(interfaces.get(index, ())), tuple(addresses.get(index, ()))
        links.append(Device(index, name, mac, has_neighbours, networks, held, tuple(host_scoped.get(index, ()))))
    return links


def held_addresses(devices: Iterable[Device]) -> frozenset[Address]:
    """All addresses of these devices."""
    return frozenset(address for device in devices for address in device.addresses)


def holder(address: Address, devices: Iterable[Device]) -> str | None:
    """The first device that has an address; None where none has it."""
    return next((device.name for device in devices if address in device.addresses), None)


def is_own(address: Address, devices: Iterable[Device]) -> bool:
    """Whether packets to an address stay on this host."""
    return address.is_loopback or holder(address, devices) is not None


def _dump(question: int, answer: int) -> list[bytes]:
    """The payload of each message of a dump."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as kernel:
        kernel.settimeout(10)
        while True:
            kernel.send(request(question, _ANYTHING, NLM_F_DUMP))
            payloads, interrupted, ended = [], False, False
            while not ended:
                for kind, flags, _sequence, payload in messages(kernel.recv(_RECEIVE_BYTES)):
                    interrupted = interrupted or bool(flags & NLM_F_DUMP_INTR)
                    ended = ended or kind == NLMSG_DONE
                    if kind == answer:
                        payloads.append(payload)
            if not interrupted:
                return payloads


def written(mac: bytes) -> str:
    """A MAC address as ip(8) writes it."""
    return mac.hex(":")


def arp_request(sender_mac: bytes, sender: Address, target: Address) -> bytes:
    """An ARP request: a probe if the sender is 0.0.0.0, an announcement if the sender is the target (RFC 5227)."""
    addresses = (sender_mac, sender.packed, bytes(6), target.packed)
    return _ARP.pack(_ARPHRD_ETHER, _ETH_P_IP, 6, 4, _ARPOP_REQUEST, *addresses)


def arp_sender(packet: bytes) -> tuple[bytes, Address] | None:
    """MAC and address of the sender of an ARP request or reply; None where it is not ARP for IPv4 on Ethernet."""
    if len(packet) < _ARP.size:
        return None
    hardware, protocol, mac_size, ip_size, _operation, mac, address, _target_mac, _target = _ARP.unpack_from(packet)
    if (hardware, protocol, mac_size, ip_size) != (_ARPHRD_ETHER, _ETH_P_IP, 6, 4):
        return None
    return mac, ipaddress.IPv4Address(address)


def solicited_node(target: Address) -> ipaddress.IPv6Address:
    """The solicited-node multicast address of an address (RFC 4291, 2.7.1)."""
    return ipaddress.IPv6Address(bytes.fromhex("ff0200000000000000000001ff") + target.packed[-3:])


def multicast_mac(group: Address) -> bytes:
    """The MAC address of an IPv6 multicast address (RFC 2464, 7)."""
    return b"\x33\x33" + group.packed[-4:]


def solicitation(mac: bytes, source: Address, target: Address) -> bytes:
    """A neighbour solicitation: for duplicate address detection if the source is :: (RFC 4862, 5.4.2)."""
    # RFC 4861, 4.3: without a source address, it must not have the MAC address of the sender.
    option = b"" if source.is_unspecified else _ND_OPTION.pack(_SOURCE_MAC, 1, mac)
    message = _ND.pack(NEIGHBOUR_SOLICITATION, 0, 0, 0, target.packed) + option
    return packets.icmpv6(source, solicited_node(target), message, ND_HOP_LIMIT)


def advertisement(mac: bytes, target: Address, router: bool) -> bytes:
    """An unsolicited neighbour advertisement to all nodes (RFC 4861, 7.2.6)."""
    flags = _OVERRIDE | (_ROUTER if router else 0)
    message = _ND.pack(NEIGHBOUR_ADVERTISEMENT, 0, 0, flags, target.packed) + _ND_OPTION.pack(_TARGET_MAC, 1, mac)
    return packets.icmpv6(target, ALL_NODES, message, ND_HOP_LIMIT)


def advertised(message: bytes) -> tuple[bytes, Address] | None:
    """MAC and target of a neighbour advertisement without its IPv6 header; None where it does not have both."""
    if len(message) < _ND.size:
        return None
    kind, code, _sum, _flags, target = _ND.unpack_from(message)
    if (kind, code) != (NEIGHBOUR_ADVERTISEMENT, 0):
        return None
    for option, payload in _nd_options(message[_ND.size :]):
        if option == _TARGET_MAC and len(payload) == 6:
            return payload, ipaddress.IPv6Address(target)
    return None


def _nd_options(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 2 and data[1] > 0:  # RFC 4861, 4.6: an option of length zero is invalid
        yield data[0], data[2 : data[1] * 8]
        data = data[data[1] * 8 :]


class Sender:
    """Sends packets out of devices; a context manager."""

    def __enter__(self) -> Sender:
        try:
            # Protocol 0: it receives nothing.
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        except PermissionError as error:
            raise NotPermitted("sending to neighbours") from error
        return self

    def __exit__(self, *_exception: object) -> None:
        self._socket.close()

    def solicit(self, device: Device, source: Address, target: Address) -> None:
        """Ask for the MAC address of the target; with an unspecified source, neighbours learn nothing from the question."""
        if target.version == 4:
            self.send(device, ETH_P_ARP, BROADCAST, arp_request(device.mac, source, target))
        else:
            mac = multicast_mac(solicited_node(target))
            self.send(device, ETH_P_IPV6, mac, solicitation(device.mac, source, target))

    def announce(self, device: Device, address: Address, router: bool) -> None:
        """Announce that this host has the address."""
        if address.version == 4:
            self.send(device, ETH_P_ARP, BROADCAST, arp_request(device.mac, address, address))
        else:
            self.send(device, ETH_P_IPV6, multicast_mac(ALL_NODES), advertisement(device.mac, address, router))

    def send(self, device: Device, protocol: int, mac: bytes, packet: bytes) -> None:
        """Send a packet, starting with its network header, to a MAC address."""
        with contextlib.suppress(OSError):  # a device that just went down, or a full queue: like a lost packet
            self._socket.sendto(packet, (device.name, protocol, 0, 0, mac))

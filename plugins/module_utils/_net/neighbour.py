# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The neighbours of this host: devices that have some, and what is said there to find them. Needs the standard library alone.

Packets are functions from values to bytes and back. They are sent and received without their Ethernet header (SOCK_DGRAM of
packet(7)), so an ARP packet begins with C(ar_hrd), an IPv6 packet with its version.

Sources: RFC 826 and RFC 5227 (ARP), RFC 4861 and RFC 4862 (neighbour discovery), RFC 2464 (its groups on Ethernet);
include/uapi/linux/if_arp.h, rtnetlink.h, if_link.h and if_addr.h of Linux.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Union

from .._core.errors import NotPermitted
from .._core.netlink import NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, attributes, messages
from .._core.values import Address
from . import packets

Interface = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]

ETH_P_ARP, ETH_P_IPV6 = 0x0806, 0x86DD
BROADCAST = b"\xff" * 6
ALL_NODES = ipaddress.IPv6Address("ff02::1")
NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT = 135, 136
ND_HOP_LIMIT = 255  # RFC 4861, 7.1: what came through a router has less, and is no neighbour's

_ARP = struct.Struct("!HHBBH6s4s6s4s")  # hardware, protocol, their sizes, operation, sender's MAC and IP, target's
_ARPHRD_ETHER, _ETH_P_IP = 1, 0x0800
_ARPOP_REQUEST = 1
_ND = struct.Struct("!BBHI16s")  # type, code, checksum, flags, target
_ND_OPTION = struct.Struct("!BB6s")  # type, length in units of 8 bytes, MAC
_SOURCE_MAC, _TARGET_MAC = 1, 2
_ROUTER, _OVERRIDE = 0x80000000, 0x20000000

_NETLINK_ROUTE = 0
_RTM_NEWLINK, _RTM_GETLINK, _RTM_NEWADDR, _RTM_GETADDR = 16, 18, 20, 22
_DUMP = struct.Struct("=IHHII16x")  # nlmsghdr, and an ifinfomsg or ifaddrmsg of zeros
_IFINFO = struct.Struct("=BxHiII")  # family, type of hardware, index, flags, mask
_IFADDR = struct.Struct("=BBBBi")  # family, length of the prefix, flags, scope, index
_IFLA_ADDRESS, _IFLA_IFNAME, _IFA_ADDRESS, _IFA_LOCAL = 1, 3, 1, 2
_IFF_UP, _IFF_LOOPBACK, _IFF_NOARP = 0x1, 0x8, 0x80
_RECEIVE_BYTES = 65536


@dataclass(frozen=True)
class Device:
    """A network device."""

    index: int
    name: str
    mac: bytes
    has_neighbours: bool  # it is up, and on an Ethernet whose hosts are found by ARP and neighbour discovery
    interfaces: tuple[Interface, ...]  # its addresses with their connected networks; a host address, as a VIP's, is none
    addresses: tuple[Address, ...] = ()  # all that it holds

    def faces(self, address: Address) -> bool:
        """Whether the address, were a host to hold it, would be a neighbour's."""
        return self.has_neighbours and any(address in one.network for one in self.interfaces)


def devices() -> list[Device]:
    """The devices of this network namespace."""
    interfaces: dict[int, list[Interface]] = {}
    addresses: dict[int, list[Address]] = {}
    for payload in _dump(_RTM_GETADDR, _RTM_NEWADDR):
        _family, length, _flags, _scope, index = _IFADDR.unpack_from(payload)
        # Of the two ends of a link, IFA_ADDRESS is the other; elsewhere it is the address itself.
        about = attributes(payload[_IFADDR.size :])
        address = ipaddress.ip_address(about[_IFA_ADDRESS])
        addresses.setdefault(index, []).append(ipaddress.ip_address(about.get(_IFA_LOCAL, about[_IFA_ADDRESS])))
        if length < address.max_prefixlen:
            interfaces.setdefault(index, []).append(ipaddress.ip_interface((address, length)))
    found = []
    for payload in _dump(_RTM_GETLINK, _RTM_NEWLINK):
        _family, hardware, index, flags, _mask = _IFINFO.unpack_from(payload)
        about = attributes(payload[_IFINFO.size :])
        usable = hardware == _ARPHRD_ETHER and flags & (_IFF_UP | _IFF_LOOPBACK | _IFF_NOARP) == _IFF_UP
        name = about[_IFLA_IFNAME].rstrip(b"\0").decode()
        connected, held = tuple(interfaces.get(index, ())), tuple(addresses.get(index, ()))
        found.append(Device(index, name, about.get(_IFLA_ADDRESS, b""), usable, connected, held))
    return found


def _dump(request: int, answer: int) -> list[bytes]:
    """What the kernel has of one kind: the payload of each message."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as kernel:
        kernel.settimeout(10)
        while True:
            kernel.send(_DUMP.pack(_DUMP.size, request, NLM_F_REQUEST | NLM_F_DUMP, 0, 0))
            found, interrupted, ended = [], False, False
            while not ended:
                for kind, flags, _sequence, payload in messages(kernel.recv(_RECEIVE_BYTES)):
                    interrupted = interrupted or bool(flags & NLM_F_DUMP_INTR)
                    ended = ended or kind == NLMSG_DONE
                    if kind == answer:
                        found.append(payload)
            if not interrupted:
                return found


def written(mac: bytes) -> str:
    """A MAC address as ip(8) writes it."""
    return mac.hex(":")


def arp_request(sender_mac: bytes, sender: Address, target: Address) -> bytes:
    """Who has the target? An ARP probe where the sender is 0.0.0.0, an announcement where it is the target (RFC 5227)."""
    speaker, asked = (sender_mac, sender.packed), (bytes(6), target.packed)
    return _ARP.pack(_ARPHRD_ETHER, _ETH_P_IP, 6, 4, _ARPOP_REQUEST, *speaker, *asked)


def arp_sender(packet: bytes) -> tuple[bytes, Address] | None:
    """Who speaks in an ARP packet, a request or a reply: MAC and address; None where it is no ARP of IPv4 on Ethernet."""
    if len(packet) < _ARP.size:
        return None
    hardware, protocol, mac_size, ip_size, _operation, mac, address, _target_mac, _target = _ARP.unpack_from(packet)
    if (hardware, protocol, mac_size, ip_size) != (_ARPHRD_ETHER, _ETH_P_IP, 6, 4):
        return None
    return mac, ipaddress.IPv4Address(address)


def solicited_node(target: Address) -> ipaddress.IPv6Address:
    """The group in which the holder of an address listens (RFC 4291, 2.7.1)."""
    return ipaddress.IPv6Address(bytes.fromhex("ff0200000000000000000001ff") + target.packed[-3:])


def multicast_mac(group: Address) -> bytes:
    """The Ethernet address of an IPv6 group (RFC 2464, 7)."""
    return b"\x33\x33" + group.packed[-4:]


def solicitation(mac: bytes, source: Address, target: Address) -> bytes:
    """Who has the target? As for duplicate address detection where the source is :: (RFC 4862, 5.4.2)."""
    # RFC 4861, 4.3: who has no address yet must not say its MAC.
    option = b"" if source.is_unspecified else _ND_OPTION.pack(_SOURCE_MAC, 1, mac)
    message = _ND.pack(NEIGHBOUR_SOLICITATION, 0, 0, 0, target.packed) + option
    return packets.icmpv6(source, solicited_node(target), message, ND_HOP_LIMIT)


def advertisement(mac: bytes, target: Address, router: bool) -> bytes:
    """To all: the target is here now (RFC 4861, 7.2.6)."""
    flags = _OVERRIDE | (_ROUTER if router else 0)
    message = _ND.pack(NEIGHBOUR_ADVERTISEMENT, 0, 0, flags, target.packed) + _ND_OPTION.pack(_TARGET_MAC, 1, mac)
    return packets.icmpv6(target, ALL_NODES, message, ND_HOP_LIMIT)


def advertised(message: bytes) -> tuple[bytes, Address] | None:
    """Who speaks in a neighbour advertisement, without its IPv6 header: MAC and address; None where it does not say both."""
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
    while len(data) >= 2 and data[1] > 0:  # RFC 4861, 4.6: a length of zero ends all
        yield data[0], data[2 : data[1] * 8]
        data = data[data[1] * 8 :]


class Sender:
    """Sends packets out of devices; a context manager."""

    def __enter__(self) -> Sender:
        try:
            # Of no protocol: it receives nothing.
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        except PermissionError as error:
            raise NotPermitted("sending to neighbours") from error
        return self

    def __exit__(self, *_exception: object) -> None:
        self._socket.close()

    def ask(self, device: Device, source: Address, target: Address) -> None:
        """Ask who has the target; nobody learns anything from an unspecified source."""
        if target.version == 4:
            self.send(device, ETH_P_ARP, BROADCAST, arp_request(device.mac, source, target))
        else:
            mac = multicast_mac(solicited_node(target))
            self.send(device, ETH_P_IPV6, mac, solicitation(device.mac, source, target))

    def tell(self, device: Device, address: Address, router: bool) -> None:
        """Say that the address is here."""
        if address.version == 4:
            self.send(device, ETH_P_ARP, BROADCAST, arp_request(device.mac, address, address))
        else:
            self.send(device, ETH_P_IPV6, multicast_mac(ALL_NODES), advertisement(device.mac, address, router))

    def send(self, device: Device, protocol: int, mac: bytes, packet: bytes) -> None:
        """Send a packet, from its network header on, to the holder of a MAC address."""
        with contextlib.suppress(OSError):  # a device that went down just now, or a full queue: as lost on the way
            self._socket.sendto(packet, (device.name, protocol, 0, 0, mac))

# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The services of keepalived.conf as C(--diff) shows them. Pure.

Services and real servers are rules of ipvsadm(8), and each check is a line that names its real server, while a line of the
file, such as C(weight 3), does not say whose it is. What IPVS does not know follows C(#), in keepalived's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .._ipvs.keepalived_table import real_servers, services, weight_file_name
from .._ipvs.model import Destination, DestinationKey, Service, ServiceKey
from . import quorum

_FORWARDS = {"TUN": "tunnel", "DR": "route", "NAT": "masquerade"}
_CHECKSUMS = {"csum": "checksum", "remcsum": "remote_checksum"}
_FLAG = re.compile(r"(?:mh|sh)-(?:port|fallback)|flag-[123]")
_BLOCK = re.compile(r"^( *)(\S[^\n]*) \{\n(.*?)^\1\}\n", re.MULTILINE | re.DOTALL)


class _Body(NamedTuple):
    """What is between the braces of a block."""

    options: dict[str, str]  # by their first word, the rest of their lines
    blocks: dict[str, str]  # what is in the blocks in it, by their names

    @classmethod
    def of(cls, text: str) -> _Body:
        blocks = {name: body for _indentation, name, body in _BLOCK.findall(text)}
        lines = [line.strip() for line in _BLOCK.sub("", text).splitlines()]
        return cls({word: rest for word, _blank, rest in (line.partition(" ") for line in lines)}, blocks)

    def number(self, option: str) -> int:
        """The value of an option, which is taken; 0: it is not there."""
        return int(self.options.pop(option, 0))


def common_part(text: str) -> str:
    """What a configuration has for all services together.

    :param text: the part of the services
    """
    of_services = ("virtual_server ", "track_file ")  # files with weights follow from the destinations
    return "\n".join(found[0] for found in _BLOCK.finditer(text) if not found[2].startswith(of_services))


def service_rules(text: str) -> list[str]:
    """The rules of all services of a configuration, also of those that checks go through.

    :param text: the part of the services
    """
    return [rule for key, block in services(text) for rule in _rules(key, block)]


def _rules(key: ServiceKey, block: str) -> Iterator[str]:
    servers = list(real_servers(block))
    body = _Body.of(block)
    options = body.options
    for name in ("protocol", "ip_family"):
        options.pop(name, None)
    for line in quorum.commands(key):  # the file of the virtual router tells of them
        options.pop(line.partition(" ")[0], None)
    service = Service(
        key,
        options.pop("lb_algo", ""),
        persistence_timeout=body.number("persistence_timeout"),
        persistence_netmask=options.pop("persistence_granularity", ""),
        persistence_engine=options.pop("persistence_engine", ""),
        one_packet=options.pop("ops", None) is not None,
    )
    flags = [name for name in options if _FLAG.fullmatch(name)]
    others = {name: value for name, value in options.items() if name not in flags}
    yield service.rule() + (f" -b {','.join(flags)}" if flags else "") + _comment(others)
    for rip, port, lines in servers:
        yield from _destination_rules(DestinationKey(key, rip, port), _Body.of(lines))


def _destination_rules(key: DestinationKey, body: _Body) -> Iterator[str]:
    method, *details = body.options.pop("lvs_method", "TUN").split()
    tunnel = dict(zip(details[::2], details[1::2]))
    destination = Destination(
        key,
        _FORWARDS[method],
        int(body.options.pop("weight", 1)),
        upper_threshold=body.number("uthreshold"),
        lower_threshold=body.number("lthreshold"),
        tunnel_type=tunnel.get("type", "ipip"),
        tunnel_port=int(tunnel.get("port", 0)),
        tunnel_checksum=next((_CHECKSUMS[word] for word in details if word in _CHECKSUMS), "none"),
    )
    yield destination.rule() + _comment(body.options)
    for name, check in body.blocks.items():
        if weight_file_name(key) not in check.split():  # which has the weights that are set ad hoc
            yield f"# {name} {key}: {', '.join(_flat(check))}"


def _comment(options: dict[str, str]) -> str:
    return f"  # {', '.join(f'{name} {value}'.strip() for name, value in options.items())}" if options else ""


def _flat(text: str) -> Iterator[str]:
    """The lines of a block, and those of the blocks in it."""
    return (line for line in map(str.strip, text.splitlines()) if line != "}" and not line.endswith(" {"))

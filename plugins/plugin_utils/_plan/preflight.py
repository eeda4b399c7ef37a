# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What the director checks before anything is changed: options of M(lvs.cluster.preflight). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from ...module_utils._core.options import Facts
from ...module_utils._core.values import Address
from .description import ServiceDescription


@dataclass
class _Path:
    """A path from the director to a real server, which several services may share."""

    name: str
    rip: str
    forward: str
    tunnel_type: str
    tunnel_checksum: str
    inner: list[int] = field(default_factory=list)  # the families of the VIPs
    port: int | None = None  # of a TCP program on the real server
    mtu: int | None = None  # bytes

    def options(self) -> Facts:
        """The row of the option paths."""
        return {option: value for option, value in asdict(self).items() if value is not None}


def preflight_options(
    services: Iterable[ServiceDescription],
    dips: Sequence[Address],
    path_mtus: Mapping[str, int | None],
    director_vips: Sequence[Facts],
) -> Facts:
    """The options of the module.

    :param dips: the directors' own addresses, from which tunnels come
    :param path_mtus: the largest packet, in bytes, to each real server of the inventory
    :param director_vips: the VIPs that the director holds: rows of M(lvs.cluster.tunl_vip)
    """
    vips: list[str] = []
    paths: dict[tuple[str, str, str, str], _Path] = {}
    for service in services:
        # How clients reach the VIP of an adopted service, such as by a route, is not known here.
        if service.present and service.network_vip is not None and not service.adopted:
            vips.append(str(service.network_vip))
        for real_server in service.present_real_servers:
            destination = real_server.destination
            if destination.forward == "local" or not real_server.can_be_probed:
                continue
            key = (str(real_server.rip), destination.forward, destination.tunnel_type, destination.tunnel_checksum)
            path = paths.setdefault(key, _Path(real_server.name, *key))
            if service.key.family not in path.inner:
                path.inner.append(service.key.family)
            if path.port is None and real_server.rport and service.key.protocol == "tcp":
                path.port = real_server.rport
            if real_server.host is not None:
                path.mtu = path_mtus[real_server.host]
    return {
        "vips": list(dict.fromkeys(vips)),
        "paths": [path.options() for path in paths.values()],
        "sources": [str(dip) for dip in dips],
        "devices": list(director_vips),
    }

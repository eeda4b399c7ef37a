#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Timeouts of idle connections."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_timeouts
short_description: Manage how long IPVS remembers idle connections
version_added: 0.1.0
description:
  - Sets the timeouts that C(ipvsadm --set) sets. A timeout left out stays as it is.
  - New connections get the new timeouts. Those that there are keep theirs until their next packet.
  - The timeouts are the host's, and gone after a reboot.
options:
  tcp:
    description:
      - For TCP connections, in seconds, V(1) to V(2678400) (31 days). The kernel begins with V(900).
      - A kernel that ticks 1000 times a second counts up to V(2147483) only, and refuses more.
    type: int
  tcp_fin:
    description: For TCP connections that one side has closed, in seconds, with the same bounds. The kernel begins with V(120).
    type: int
  udp:
    description: For UDP, in seconds, with the same bounds. The kernel begins with V(300).
    type: int
seealso:
  - module: lvs.cluster.ipvs_service
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.ipvs
"""

EXAMPLES = r"""
- name: Idle TCP connections for an hour
  lvs.cluster.ipvs_timeouts:
    tcp: 3600
"""

RETURN = r"""
timeouts:
  description: The timeouts as they are now, in seconds.
  returned: success
  type: dict
  sample: {tcp: 3600, tcp_fin: 120, udp: 300}
commands:
  description: What was changed (in check mode, what would be), as arguments of C(ipvsadm(8)).
  returned: success
  type: list
  elements: str
  sample: ["--set 3600 120 300"]
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import named, run
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_timeouts import wanted_timeouts
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.kernel import IpvsTimeouts


def main() -> None:
    """Run the module."""
    run(
        argument_spec={"tcp": {"type": "int"}, "tcp_fin": {"type": "int"}, "udp": {"type": "int"}},
        wanted_of=wanted_timeouts,
        room_of=lambda options: IpvsTimeouts(),
        report=named("timeouts"),
    )


if __name__ == "__main__":
    main()

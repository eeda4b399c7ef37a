#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The timeouts of idle connections."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_timeouts
short_description: Manage how long IPVS remembers idle connections
version_added: 0.1.0
description:
  - Sets the same timeouts as C(ipvsadm --set). A timeout that is omitted is not changed.
  - New connections get the new timeouts. Existing connections keep theirs until their next packet.
  - The timeouts apply to the whole host and do not survive a reboot. See M(lvs.cluster.boot).
options:
  tcp:
    description:
      - The timeout of TCP connections, in seconds, V(1) to V(2678400) (31 days). The kernel's default is V(900).
      - A kernel with a tick rate of 1000 Hz supports values up to V(2147483) only, and refuses larger ones.
    type: int
  tcp_fin:
    description: The timeout of TCP connections that one side has closed, in seconds, V(1) to V(2678400). The kernel's default is V(120).
    type: int
  udp:
    description: The timeout for UDP, in seconds, V(1) to V(2678400). The kernel's default is V(300).
    type: int
seealso:
  - module: lvs.cluster.ipvs_service
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.ipvs
"""

EXAMPLES = r"""
- name: Remember idle TCP connections for one hour
  lvs.cluster.ipvs_timeouts:
    tcp: 3600
"""

RETURN = r"""
timeouts:
  description: The timeouts after the task, in seconds.
  returned: success
  type: dict
  sample: {tcp: 3600, tcp_fin: 120, udp: 300}
commands:
  description:
    - The changes as commands, in the order in which they were made. In check mode, those that would be made.
  returned: success
  type: list
  elements: str
  sample: ["ipvsadm --set 3600 120 300"]
changes:
  description: The same changes as data. RV(commands) has the lines of RV(changes[].command).
  returned: success
  type: list
  elements: dict
  contains:
    action:
      description: The action, V(add), V(set) or V(remove).
      returned: success
      type: str
      sample: set
    kind:
      description: The kind of object that changed, V(timeouts).
      returned: success
      type: str
      sample: timeouts
    key:
      description: The values that identify the object.
      returned: success
      type: dict
      sample: {}
    command:
      description: The command that makes the change. Several lines if it takes several commands.
      returned: success
      type: str
      sample: ipvsadm --set 3600 120 300
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_timeouts import ARGUMENT_SPEC, IpvsTimeouts


def main() -> None:
    """Run the module."""
    run(ARGUMENT_SPEC, IpvsTimeouts())


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemons that share connections between directors."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_sync_daemon
short_description: Manage the daemons that share connections between directors
version_added: 0.1.0
description:
  - Starts and stops a sync daemon, as C(ipvsadm --start-daemon) and C(--stop-daemon) do. A master tells of its connections, and a
    backup listens, so that connections survive when another director takes over. Both may run on one host.
  - The kernel cannot change a daemon that runs. A daemon whose options differ is stopped and started, and misses what happens in between.
    If it does not start, it is started as it was.
  - The daemons are gone after a reboot.
options:
  role:
    description: Which of the two daemons.
    type: str
    choices: [master, backup]
    required: true
  interface:
    description: The device that reaches the other directors. O(state=present) needs it.
    type: str
  sync_id:
    description:
      - Tells groups of directors apart, V(0) to V(255). A backup with another one than V(0) takes only messages with its own.
      - Left out, a new daemon gets V(0).
    type: int
  sync_maxlen:
    description:
      - The length of a message, in bytes, V(1) to V(65507). The kernel makes less than V(1024) of a backup's to that, and more
        than V(65487) with an IPv6 group.
      - Left out, a new daemon gets what fits into 1500 bytes, a backup what fits into its device's MTU if that is more.
    type: int
  group:
    description: The multicast address of the messages, an IPv4 or an IPv6 one. Left out, a new daemon gets V(224.0.0.81).
    type: str
  port:
    description: The UDP port of the messages, V(1) to V(65535). Left out, a new daemon gets V(8848).
    type: int
  ttl:
    description: The number of routers, plus one, that a message passes, V(1) to V(255). Left out, a new daemon gets V(1).
    type: int
seealso:
  - module: lvs.cluster.ipvs_info
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.ipvs
  - lvs.cluster.state
"""

EXAMPLES = r"""
- name: Tell the other director
  lvs.cluster.ipvs_sync_daemon:
    role: master
    interface: eth0
    sync_id: 1

- name: And listen to it
  lvs.cluster.ipvs_sync_daemon:
    role: backup
    interface: eth0
    sync_id: 1

- name: No more
  lvs.cluster.ipvs_sync_daemon:
    role: backup
    state: absent
"""

RETURN = r"""
sync_daemon:
  description: The daemon as it is now, empty where it does not run. C(sync_maxlen) is null where the kernel has just chosen it.
  returned: success
  type: dict
  sample: {role: master, interface: eth0, sync_id: 1, sync_maxlen: 1472, group: 224.0.0.81, port: 8848, ttl: 1}
commands:
  description: What was changed (in check mode, what would be), as arguments of C(ipvsadm(8)).
  returned: success
  type: list
  elements: str
  sample: ["--start-daemon master --mcast-interface eth0 --syncid 1 --mcast-group 224.0.0.81 --mcast-port 8848 --mcast-ttl 1"]
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.argument_spec import STATE
from ansible_collections.lvs.cluster.plugins.module_utils._core.module import named, run
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_sync_daemon import wanted_daemon
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.kernel import SyncDaemons


def main() -> None:
    """Run the module."""
    run(
        argument_spec={
            "role": {"type": "str", "choices": ["master", "backup"], "required": True},
            "interface": {"type": "str"},
            "sync_id": {"type": "int"},
            "sync_maxlen": {"type": "int"},
            "group": {"type": "str"},
            "port": {"type": "int"},
            "ttl": {"type": "int"},
            **STATE,
        },
        wanted_of=wanted_daemon,
        room_of=lambda options: SyncDaemons(),
        report=named("sync_daemon"),
    )


if __name__ == "__main__":
    main()

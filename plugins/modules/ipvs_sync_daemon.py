#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IPVS connection synchronization daemons."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_sync_daemon
short_description: Manage the daemons that synchronize connections between directors
version_added: 0.1.0
description:
  - Starts and stops a sync daemon, like C(ipvsadm --start-daemon) and C(--stop-daemon). A master sends its connections, and a backup
    receives them, so that connections survive when another director takes over. Both may run on the same host.
  - The kernel cannot change a running daemon. To change options, the module stops the daemon and starts it again, and the daemon misses
    messages in between. If the daemon does not start, the module starts it again with its former options.
  - The daemons do not survive a reboot. See M(lvs.cluster.boot).
options:
  role:
    description: The role of the daemon.
    type: str
    choices: [master, backup]
    required: true
  interface:
    description:
      - The device that reaches the other directors. Required for O(state=present), unless O(dip) names it by its address.
      - The device of a master that is started or changed has to be up and, for an IPv6 O(group), needs an IPv6 address.
    type: str
  dip:
    description: An address of the device that reaches the other directors, such as the DIP of this one. Instead of O(interface).
    type: str
  sync_id:
    description:
      - The ID of a group of directors, V(0) to V(255). A backup with an ID other than V(0) accepts only messages with its own ID.
      - A new daemon gets V(0) by default.
    type: int
  sync_maxlen:
    description:
      - The maximum length of a message, in bytes, V(1) to V(65507). The kernel raises values below V(1024) to that for a backup, and
        lowers values above V(65487) to that with an IPv6 group.
      - By default, a new daemon gets the length that fits into 1500 bytes, or, for a backup, into the MTU of its device if that is larger.
    type: int
  group:
    description: The multicast address of the messages, IPv4 or IPv6. A new daemon gets V(224.0.0.81) by default.
    type: str
  port:
    description: The UDP port of the messages, V(1) to V(65535). A new daemon gets V(8848) by default.
    type: int
  ttl:
    description: The TTL of the messages, V(1) to V(255). A new daemon gets V(1) by default.
    type: int
  state:
    description: Whether the daemon should run.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: lvs.cluster.ipvs_info
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.ipvs
"""

EXAMPLES = r"""
- name: Send connections to the other director
  lvs.cluster.ipvs_sync_daemon:
    role: master
    interface: eth0
    sync_id: 1

- name: Receive connections from the other director on the device that has the DIP
  lvs.cluster.ipvs_sync_daemon:
    role: backup
    dip: 192.168.56.181
    sync_id: 1

- name: Stop receiving connections
  lvs.cluster.ipvs_sync_daemon:
    role: backup
    state: absent
"""

RETURN = r"""
sync_daemon:
  description:
    - The daemon after the task. Empty if it does not run.
    - C(sync_maxlen) is V(null) if the kernel has only just chosen it.
  returned: success
  type: dict
  sample: {role: master, interface: eth0, sync_id: 1, sync_maxlen: 1472, group: 224.0.0.81, port: 8848, ttl: 1}
commands:
  description:
    - The changes as commands, in the order in which they were made. In check mode, those that would be made.
  returned: success
  type: list
  elements: str
  sample:
    - ipvsadm --start-daemon master --mcast-interface eth0 --syncid 1 --mcast-group 224.0.0.81 --mcast-port 8848 --mcast-ttl 1
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
      sample: add
    kind:
      description: The kind of object that changed, V(sync_daemon).
      returned: success
      type: str
      sample: sync_daemon
    key:
      description: The values that identify the object.
      returned: success
      type: dict
      sample: {role: master}
    command:
      description: The command that makes the change. Several lines if it takes several commands.
      returned: success
      type: str
      sample: ipvsadm --start-daemon master --mcast-interface eth0 --syncid 1 --mcast-group 224.0.0.81 --mcast-port 8848 --mcast-ttl 1
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_sync_daemon import ARGUMENT_SPEC, IpvsSyncDaemon


def main() -> None:
    """Run the module."""
    run(ARGUMENT_SPEC, IpvsSyncDaemon())


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration that is restored when the host boots."""

from __future__ import annotations

DOCUMENTATION = r"""
module: boot
short_description: Restore what this collection set up when the host boots
version_added: 0.1.0
description:
  - Stores what the other modules of this collection set up on this host in C(/var/lib/lvs.cluster/boot), as input for ip(8),
    nft(8) and ipvsadm(8). It includes connection thresholds, which C(ipvsadm --save) leaves out. Two systemd units load these
    files when the host boots.
  - The order is kernel modules (C(modules-load.d)), sysctls (C(sysctl.d), where the modules store them), devices, nftables, virtual
    services and real servers, timeouts, sync daemons, and finally the VIPs, which have a unit of their own. A host that has a VIP
    without the service behind it would answer clients with resets.
  - From then on, every change that a module of this collection makes on the host is stored at once. This includes ad-hoc weights and
    drains. Changes made by other programs are stored with the next such change, but only for the services in O(services) and for
    objects that this collection created.
  - Each file is replaced atomically and ends with a checksum. If a file is damaged, nothing is loaded and no VIP is added. The units
    accept objects that already exist, so they can be started at any time.
  - The units are enabled, but not started. If they changed, systemd reads its units again, as with C(systemctl daemon-reload).
options:
  services:
    description:
      - The virtual services to restore with their destinations, as the kernel has them at each change. Leave it empty on a real server.
      - Takes the same list as O(lvs.cluster.ipvs_table#module:services). Only the fields that identify a service are read, and services
        with C(state=absent) are skipped.
      - A service that was stored before stays stored as long as it exists.
      - Do not list services that another program manages, such as keepalived.
    type: list
    elements: dict
    default: []
  vips_after:
    description:
      - The systemd units that have to be started before the VIPs are added. On a real server, the unit of the program that serves
        clients, or V(multi-user.target) to wait for all units.
      - Leave it empty on a director.
    type: list
    elements: str
    default: []
  state:
    description:
      - Whether the files and units should exist.
      - V(absent) removes them. The running configuration is not changed.
    type: str
    choices: [present, absent]
    default: present
requirements:
  - at boot, systemd and C(ip) (package C(iproute2) or C(iproute)), and C(nft) (C(nftables)) and C(ipvsadm) if there is something for them to load
  - pyroute2 (package C(python3-pyroute2))
  - root on the managed host
notes:
  - C(ipvsadm) has no option for O(lvs.cluster.ipvs_dest#module:forward=local). Such a destination is restored with V(route), which has the
    same effect for an address of the director itself.
seealso:
  - module: lvs.cluster.ipvs_table
  - module: lvs.cluster.tunl_vip
extends_documentation_fragment:
  - lvs.cluster.common
"""

EXAMPLES = r"""
- name: Restore this service when the director boots
  lvs.cluster.boot:
    services:
      - {vip: 192.168.56.185, port: 80}

- name: On a real server, add the VIPs after the web server has started
  lvs.cluster.boot:
    vips_after: [nginx.service]

- name: Restore nothing at boot
  lvs.cluster.boot:
    state: absent
"""

RETURN = r"""
commands:
  description:
    - The changes as commands, in the order in which they were made. In check mode, those that would be made.
  returned: success
  type: list
  elements: str
  sample: ["echo 'ip address add 192.168.56.185/32 dev tunl0' > /var/lib/lvs.cluster/boot/vips"]
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
      description: The kind of object that changed, V(file) or V(link).
      returned: success
      type: str
      sample: file
    key:
      description: The values that identify the object.
      returned: success
      type: dict
      sample: {path: /var/lib/lvs.cluster/boot/vips}
    command:
      description: The command that makes the change. Several lines if it takes several commands.
      returned: success
      type: str
      sample: "echo 'ip address add 192.168.56.185/32 dev tunl0' > /var/lib/lvs.cluster/boot/vips"
"""

from ansible_collections.lvs.cluster.plugins.module_utils._boot.boot import ARGUMENT_SPEC, Boot
from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run


def main() -> None:
    """Run the module."""
    run(ARGUMENT_SPEC, Boot())


if __name__ == "__main__":
    main()

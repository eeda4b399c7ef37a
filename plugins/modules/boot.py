#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back when the host starts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: boot
short_description: Bring back after a reboot what was set up here
version_added: 0.1.0
description:
  - Keeps what the other modules of this collection made on this host in C(/var/lib/lvs.cluster/boot), in the words of C(ip(8)), C(nft(8)) and
    C(ipvsadm(8)), thresholds included, which C(ipvsadm --save) leaves out. Two units of systemd load it when the host starts.
  - The order is kernel modules (C(modules-load.d)), settings (C(sysctl.d), where the modules keep them), devices, nftables, services and real
    servers, timeouts, sync daemons, and, in a unit of its own, the VIPs. A host that has a VIP and nothing behind it would answer clients with resets.
  - From then on each change that a module of this collection makes on the host is kept at once, an ad-hoc weight and a drain, too. What other
    programs change is kept with the next change, in the services of O(services) and what was made here alone.
  - Each file is written whole, replaced in one step, and ends with a checksum. If one is damaged, nothing is loaded and no VIP comes up.
    What is there already when the units start is used as it is, so that they can be started at any time.
  - The units are enabled, not started. Have systemd know of new ones with C(systemctl daemon-reload).
options:
  services:
    description:
      - The virtual services to keep, with their destinations, as the kernel has them at each change. None on a real server.
      - Rows as O(lvs.cluster.ipvs_table#module:services) takes them. What names a service is read of them, and those that are to be absent are
        left out.
      - One that was kept before stays so while it is there.
      - Services that another program sets up itself, such as keepalived, do not belong here.
    type: list
    elements: dict
    default: []
  vips_after:
    description:
      - Units of systemd that the VIPs wait for. On a real server, that of the program that answers, or V(multi-user.target) for all of them.
      - None on a director.
    type: list
    elements: str
    default: []
  state:
    description: V(absent) takes the files and units away, and nothing of what is set up.
    type: str
    choices: [present, absent]
    default: present
requirements:
  - systemd and C(ip) (Debian package C(iproute2)) when the host starts, and C(nft) (C(nftables)) and C(ipvsadm) where there is something for them
  - pyroute2 (Debian package C(python3-pyroute2))
  - root on the managed host
notes:
  - ipvsadm has no word for O(lvs.cluster.ipvs_dest#module:forward=local). Such a destination comes back as V(route), which to an address of the director
    does the same.
seealso:
  - module: lvs.cluster.ipvs_table
  - module: lvs.cluster.tunl_vip
extends_documentation_fragment:
  - lvs.cluster.common
"""

EXAMPLES = r"""
- name: A director comes back with this service
  lvs.cluster.boot:
    services:
      - {vip: 192.168.56.185, port: 80}

- name: A real server comes back, its VIPs when the web server answers
  lvs.cluster.boot:
    vips_after: [nginx.service]

- name: It does not come back
  lvs.cluster.boot:
    state: absent
"""

RETURN = r"""
commands:
  description: What was changed (in check mode, what would be), as lines of files behind the file's name.
  returned: success
  type: list
  elements: str
  sample: ["/var/lib/lvs.cluster/boot/ipvs: -A -t 192.168.56.185:80 -s wrr"]
"""

from ansible_collections.lvs.cluster.plugins.module_utils._boot.host import BootFiles
from ansible_collections.lvs.cluster.plugins.module_utils._boot.model import wanted_files, with_parts
from ansible_collections.lvs.cluster.plugins.module_utils._core.argument_spec import STATE
from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run


def main() -> None:
    """Run the module."""
    run(
        argument_spec={
            "services": {"type": "list", "elements": "dict", "default": []},
            "vips_after": {"type": "list", "elements": "str", "default": []},
            **STATE,
        },
        wanted_of=wanted_files,
        room_of=BootFiles,
        scope=with_parts,
        report=lambda options, keys, items: {},
    )


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this collection has set up on a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: state_info
short_description: Read what this collection has set up on a host
version_added: 0.1.0
description:
  - The modules of this collection note in C(/var/lib/lvs.cluster/state.json) what they set up on a host, so that they remove only their own
    objects later. This module returns these notes.
  - It also returns which libraries and programs that the collection uses are missing, and what to do about it, so that a play installs packages
    only where it has to.
  - It reads neither the kernel nor the configuration of other programs, except which firewall runs. What another program has removed
    since is still returned.
  - It works without root.
seealso:
  - module: lvs.cluster.tunl_vip
  - module: lvs.cluster.arp_sysctl
  - module: lvs.cluster.ipvs_dest
  - module: lvs.cluster.boot
extends_documentation_fragment:
  - lvs.cluster.common
"""

EXAMPLES = r"""
- name: Read what is set up on this host
  lvs.cluster.state_info:
  register: state

- name: Restore the ARP settings of devices that hold no VIP any more
  lvs.cluster.arp_sysctl:
    device: "{{ item }}"
    state: absent
  loop: "{{ state.arp_silent_devices | difference(state.devices | selectattr('vips') | map(attribute='name')) }}"

- name: Install the packages that have what is missing
  ansible.builtin.package:
    name: "{{ state.missing.packages.values() | unique }}"
    state: present
  when: state.missing.packages | length > 0
"""

RETURN = r"""
devices:
  description: The devices that M(lvs.cluster.tunl_vip) created or changed, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the device.
      returned: success
      type: str
      sample: tunl0
    vips:
      description: The VIPs that M(lvs.cluster.tunl_vip) added to the device.
      returned: success
      type: list
      elements: str
      sample: [192.168.56.185]
arp_silent_devices:
  description: The devices with settings of M(lvs.cluster.arp_sysctl), sorted by name.
  returned: success
  type: list
  elements: str
  sample: [tunl0]
services:
  description:
    - The virtual services that M(lvs.cluster.boot) restores, by the options that identify them.
    - Empty if the configuration is not restored at boot.
  returned: success
  type: list
  elements: dict
  sample: [{vip: 192.168.56.185, port: 80, protocol: tcp}]
drained:
  description: The real servers that M(lvs.cluster.ipvs_dest) has drained, one entry for each virtual service.
  returned: success
  type: list
  elements: dict
  contains:
    vip:
      description: The address of the virtual service.
      returned: success, unless the service has a firewall mark
      type: str
      sample: 192.168.56.185
    port:
      description: The port of the virtual service.
      returned: success, unless the service has a firewall mark
      type: int
      sample: 80
    protocol:
      description: The protocol of the virtual service, V(tcp), V(udp) or V(sctp).
      returned: success, unless the service has a firewall mark
      type: str
      sample: tcp
    fwmark:
      description: The firewall mark of the virtual service.
      returned: success, if the service has a firewall mark
      type: int
      sample: 7
    family:
      description: The address family of a virtual service with a firewall mark, V(ipv4) or V(ipv6).
      returned: success, if the service has a firewall mark
      type: str
      sample: ipv4
    rip:
      description: The address of the real server.
      returned: success
      type: str
      sample: 192.168.56.183
    rport:
      description: The port of the real server. V(0) if the service has a firewall mark.
      returned: success
      type: int
      sample: 80
    weight:
      description: The weight before the drain.
      returned: success
      type: int
      sample: 3
opened:
  description: The ports of VIPs that M(lvs.cluster.firewall) has opened.
  returned: success
  type: list
  elements: dict
  sample: [{vip: 192.168.56.185, port: 80, protocol: tcp}]
firewall:
  description: The firewall that runs on the host, V(firewalld) or V(ufw). Empty if there is none of them.
  returned: success
  type: str
  sample: firewalld
engine:
  description: V(keepalived) if it owns virtual services that M(lvs.cluster.keepalived) configured. Otherwise empty.
  returned: success
  type: str
  sample: ""
vrrp:
  description:
    - Whether the host holds the VIPs that M(lvs.cluster.keepalived) lets move between directors, V(active) or V(standby).
    - V(stopped) if keepalived does not run, so that the host cannot take the VIPs.
    - Empty if that module has not configured the host, or without root.
  returned: success
  type: str
  sample: active
boot:
  description: Whether M(lvs.cluster.boot) stores the configuration of this host, so that it is restored at boot.
  returned: success
  type: bool
  sample: true
empty:
  description: Whether nothing at all is noted.
  returned: success
  type: bool
  sample: false
missing:
  description: What the host lacks of what modules of this collection and the restoration at boot use. Which of it a host needs depends on
    its configuration.
  returned: success
  type: dict
  contains:
    libraries:
      description: The Python libraries, of C(nftables), C(pyroute2) and, if firewalld is installed, C(firewall), that RV(python) does not
        find.
      returned: success
      type: list
      elements: str
      sample: [nftables]
    programs:
      description: The programs, of C(ipvsadm) and C(nft), that are neither in C(PATH) nor in C(/usr/sbin) or C(/sbin).
      returned: success
      type: list
      elements: str
      sample: [ipvsadm]
    packages:
      description:
        - The packages of the host's distribution that have what is missing, by library or program.
        - Without a library that another Python of the host has, for which packages install libraries, and without what no package of the
          distribution is known for.
      returned: success
      type: dict
      sample: {nftables: python3-nftables, ipvsadm: ipvsadm}
    package_manager:
      description: The package manager of the distribution, V(apt), V(dnf) or V(zypper). Empty if nothing is missing, or if the distribution is
        not known.
      returned: success
      type: str
      sample: apt
    advice:
      description: What to do about each library and program that is missing, in words. It names the repository of a package, or another
        Python of the host that has the library.
      returned: success
      type: dict
      sample:
        ipvsadm: dnf install ipvsadm (it is in AppStream)
python:
  description: The path of the Python interpreter that runs the modules.
  returned: success
  type: str
  sample: /usr/bin/python3
"""

from ansible_collections.lvs.cluster.plugins.module_utils._boot.state_info import read
from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run_reading


def main() -> None:
    """Run the module."""
    run_reading({}, read)


if __name__ == "__main__":
    main()

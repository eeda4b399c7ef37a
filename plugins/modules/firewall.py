#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the firewall of a host lets in for the cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall
short_description: Let firewalld or ufw accept what the cluster needs
version_added: 0.1.0
description:
  - firewalld and ufw reject tunnelled packets and the ports of services unless they are told otherwise. This module opens what is listed
    in the firewall that runs on the host, and later closes only what it opened itself. Without such a firewall, there is nothing to do.
  - On a director, packets of services with O(services[].untracked) are exempted from connection tracking. With tunnels and direct routing,
    a director sees one direction of each connection only, and both firewalls drop what is then invalid to connection tracking, such as
    the last packets of a connection. IPVS would count such connections for minutes, and drains would wait for them.
  - In firewalld, the module adds rich rules, both to what is in force and to the permanent configuration. Rules go into the zone that
    packets come to, and move when that changes. For tunnelled packets, that is the zone of their source if it has one, otherwise the zone
    of the device of the route to the source. For services, it is the zone of the device. Zones that are bound to the source addresses of
    clients are not changed.
  - In ufw, the module adds a block to C(/etc/ufw/after.rules) and C(/etc/ufw/after6.rules), whose rules come after those of the C(ufw)
    command. They are shown by C(ufw show after-rules). ufw is not reloaded, only its chains C(ufw-after-input) and C(ufw6-after-input)
    are filled again from these files. If ufw drops all IPv6 (C(IPV6=no) in C(/etc/default/ufw)), the module fails before it opens anything
    for IPv6.
  - The rules that exempt packets are in the chain C(no_tracking) of the nftables table C(inet lvs_cluster).
  - Packets that a director forwards with masquerading pass other chains of the firewall, which this module does not change.
options:
  program:
    description:
      - The firewall.
      - V(auto) is the one that runs, if any. V(firewalld) and V(ufw) fail if it does not run. V(none) closes what this module has opened.
    type: str
    choices: [auto, firewalld, ufw, none]
    default: auto
  sources:
    description:
      - The source addresses of tunnelled packets, those of the directors.
      - Packets for O(services) without O(services[].devices) are expected on the devices of the routes to these addresses.
    type: list
    elements: str
    default: []
  protocols:
    description: The protocol numbers of the tunnels. V(4) is IPv4 in IP, V(41) is IPv6 in IP, V(47) is GRE.
    type: list
    elements: int
    choices: [4, 41, 47]
    default: []
  gue_ports:
    description: The UDP ports on which this host receives Generic UDP Encapsulation (GUE) from O(sources), V(1) to V(65535).
    type: list
    elements: int
    default: []
  directors:
    description:
      - The DIPs of the other directors, on a director whose VIPs move between them. Lets in from these VRRP, protocol V(112), and the
        messages of M(lvs.cluster.ipvs_sync_daemon), UDP port V(8848).
    type: list
    elements: str
    default: []
  services:
    description: The ports of VIPs that clients use.
    type: list
    elements: dict
    default: []
    suboptions:
      vip:
        description: The IPv4 or IPv6 address.
        type: str
        required: true
      port:
        description:
          - The port that packets for O(services[].vip) have on this host, V(1) to V(65535), or V(0) for every port of the protocol.
          - On a real server that maps the port with M(lvs.cluster.port_dnat), this is C(to_port) of the mapping.
        type: int
        required: true
      protocol:
        description: The protocol.
        type: str
        choices: [tcp, udp, sctp]
        default: tcp
      devices:
        description:
          - The devices that packets come in on, for the zones of firewalld.
          - If omitted, the devices of the routes to O(sources). Without O(sources), the devices that are connected to the network of
            O(services[].vip), or those of the default routes if there are none.
        type: list
        elements: str
      untracked:
        description:
          - Whether packets of clients are exempted from connection tracking. If left out, that stays as it is.
          - Only for directors, and only if all destinations are forwarded to by tunnel or direct routing.
        type: bool
  purge:
    description: Whether to close what this module has opened and that is not listed. Not valid with O(state=absent).
    type: bool
    default: false
  state:
    description:
      - Whether the firewall should let in what is listed.
      - V(absent) closes what is listed, as far as this module has opened it, or all of that if nothing is listed.
    type: str
    choices: [present, absent]
    default: present
requirements:
  - for firewalld, its Python library (Debian package C(python3-firewall))
  - for O(services[].untracked), the Python binding of libnftables (Debian package C(python3-nftables))
  - root on the managed host, also in check mode
seealso:
  - module: lvs.cluster.tunnel_guard
  - module: lvs.cluster.ipvs_table
  - module: lvs.cluster.preflight
extends_documentation_fragment:
  - lvs.cluster.common
"""

EXAMPLES = r"""
- name: Let a real server accept the tunnel of two directors, and the service behind it
  lvs.cluster.firewall:
    sources: [192.168.56.181, 192.168.56.182]
    protocols: [4]
    services:
      - {vip: 192.168.56.185, port: 80, devices: [tunl0]}

- name: Let a director accept the service, whose real servers answer clients directly
  lvs.cluster.firewall:
    services:
      - {vip: 192.168.56.185, port: 80, untracked: true}

- name: Let one of two directors hear from the other one
  lvs.cluster.firewall:
    directors: [192.168.56.182]

- name: Close all that was opened
  lvs.cluster.firewall:
    state: absent
"""

RETURN = r"""
program:
  description: The firewall that runs on the host, V(firewalld) or V(ufw). Empty if there is none.
  returned: success
  type: str
  sample: firewalld
rules:
  description: The rules of this module in the firewall after the task.
  returned: success
  type: list
  elements: dict
  contains:
    program:
      description: The firewall.
      returned: success
      type: str
      sample: firewalld
    zone:
      description: The zone of the rule.
      returned: with firewalld
      type: str
      sample: public
    permanent:
      description: Whether the rule is in the permanent configuration. Otherwise it is in force.
      returned: with firewalld
      type: bool
      sample: true
    rule:
      description: The rule in the words of the firewall.
      returned: success
      type: str
      sample: rule family="ipv4" source address="192.168.56.181" protocol value="4" accept
untracked:
  description: The VIPs, protocols and ports that are exempted from connection tracking after the task.
  returned: success
  type: list
  elements: str
  sample: ["192.168.56.185 . tcp . 80"]
commands:
  description:
    - The changes as commands, in the order in which they were made. In check mode, those that would be made.
  returned: success
  type: list
  elements: str
  sample:
    - firewall-cmd --permanent --zone=public --add-rich-rule='rule family="ipv4" source address="192.168.56.181" protocol value="4" accept'
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
      description: The kind of object that changed, V(firewall_rule), V(table), V(set), V(chain) or V(element).
      returned: success
      type: str
      sample: firewall_rule
    key:
      description: The values that identify the object.
      returned: success
      type: dict
      sample:
        program: firewalld
        rule: rule family="ipv4" source address="192.168.56.181" protocol value="4" accept
        zone: public
        permanent: true
    command:
      description: The command that makes the change. Several lines if it takes several commands.
      returned: success
      type: str
      sample: >-
        firewall-cmd --permanent --zone=public
        --add-rich-rule='rule family="ipv4" source address="192.168.56.181" protocol value="4" accept'
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.firewall import ARGUMENT_SPEC, Firewall


def main() -> None:
    """Run the module."""
    run(ARGUMENT_SPEC, Firewall())


if __name__ == "__main__":
    main()

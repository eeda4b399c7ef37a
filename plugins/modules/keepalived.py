#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VIPs that move from one director to another, and services whose real servers are checked."""

from __future__ import annotations

DOCUMENTATION = r"""
module: keepalived
short_description: Let VIPs move between directors, and check real servers, with keepalived
version_added: 0.1.0
description:
  - Configures keepalived on a director, so that one of several directors holds the VIPs of a cluster, and another one takes them over when
    it fails (VRRP, RFC 5798).
  - Writes C(/etc/keepalived/keepalived.conf) as a whole, with mode C(0600). Keepalived checks the new file before it replaces the old one.
    The unit is reloaded if only the configuration changed, and never restarted. It is enabled and started if it does not run. If a run
    ends before the unit is reloaded, the next one reloads it.
  - A drop-in for the unit has systemd start keepalived again when it was killed, and start it after C(lvs-cluster.service), which restores
    the virtual services at boot.
  - One virtual router has all VIPs of both families, so that they are always on the same director. VIPs are added with the whole address as
    prefix, V(/32) or V(/128).
  - The address in the advertisements is not a VIP, but C(169.254.255.ID) on C(lo), which no other host sees. Directors can have different
    VIPs for a while, during a change, and none of them becomes active because of that.
  - After a change, waits until the active director holds the VIPs.
options:
  vrrp:
    description:
      - The virtual router, as this director takes part in it. If omitted, the one of the configuration stays as it is.
    type: dict
    suboptions:
      id:
        description: The virtual router identifier, V(1) to V(255), the same on all directors. No other virtual router on the network has it.
        type: int
        required: true
      source:
        description: The address that this director sends advertisements from, its DIP.
        type: str
        required: true
      peers:
        description:
          - The addresses of the other directors, which advertisements are sent to. If empty, they are sent by multicast.
          - All have to be in a network of the device that has O(vrrp.source), as VIPs cannot move to another network.
        type: list
        elements: str
        default: []
      priority:
        description: The priority of this director, V(1) to V(254), different on each director. The highest one becomes active.
        type: int
        default: 100
      version:
        description: The version of VRRP. Version V(2) is for IPv4 only and has whole seconds.
        type: int
        choices: [2, 3]
        default: 3
      advert_interval:
        description:
          - The time between two advertisements in seconds, V(0.01) to V(40.95) in steps of V(0.01), or V(1) to V(255) in whole seconds with
            version V(2). The same on all directors.
          - Another director takes over after slightly more than three times this time without an advertisement.
        type: float
        default: 0.1
      preempt:
        description:
          - Whether a director with a higher priority takes the VIPs from one with a lower priority when it comes back.
          - Each move can end connections, so they stay where they are by default.
        type: bool
        default: false
      track_quorum:
        description:
          - Whether services whose quorum is lost lower the priority of this director, by V(20) each, down to V(1). Those without a check do
            not. Of two directors that hold the VIPs, as after one was cut off, the one with the lower priority gives them up.
          - With O(vrrp.preempt), a director that does not reach the real servers also gives the VIPs to one that does. If all directors
            lose a service, all priorities fall, and the VIPs stay.
          - Give O(services) in the same task.
          - With O(vrrp.preempt), another director takes over when it has had the higher priority for the longest C(delay_loop) and the
            longest C(timeout) of the checks together, rounded up to whole seconds, and one second more (C(preempt_delay) of keepalived).
            As directors check at different times, one of them loses a service earlier than another one. A director that returns takes the
            VIPs back after this time, too. If the active one fails, another one does not wait for it.
          - Keepalived writes the files C(/run/lvs.cluster.quorum.*) with C(/bin/cp).
          - A real server that is drained has no weight. If the rest weighs less than O(services[].quorum), drain it on all directors within
            this time.
          - Only what changes counts. A quorum that was lost before this was set, or that a service with O(services[].alpha) has not gained
            since keepalived started, counts when it is lost again.
        type: bool
        default: false
      device:
        description: The device of the advertisements, and of VIPs without a device. The one that has O(vrrp.source) if omitted.
        type: str
      track_devices:
        description: Further devices that have to be up. A director gives up the VIPs when one of them, or O(vrrp.device), goes down.
        type: list
        elements: str
        default: []
      secret:
        description:
          - The password in advertisements of version V(2), up to 8 bytes. It is sent in clear text (RFC 2338). Version V(3) has none.
        type: str
  vips:
    description: VIPs of the virtual router. Those that are not listed stay as they are, see O(purge).
    type: list
    elements: dict
    default: []
    suboptions:
      vip:
        description: The address, a unicast IPv4 or IPv6 address.
        type: str
        required: true
      device:
        description:
          - The device that faces the clients. That of the virtual router if omitted.
          - The module fails if a VIP is in the network of another device. One that is in no network of the host may be routed to it.
        type: str
      state:
        description: Whether the virtual router should have the VIP.
        type: str
        choices: [present, absent]
        default: present
  purge:
    description: Whether the VIPs are removed that are not listed in O(vips). Without O(vrrp), the virtual router is removed.
    type: bool
    default: false
  services:
    description:
      - The virtual services that keepalived owns, all of them, with checks of their real servers. It takes real servers that fail their check
        out of a service, and puts them back.
      - A service that leaves the list leaves the IPVS table. If omitted, the services of the configuration stay as they are.
      - Other modules of this collection refuse to change these services. M(lvs.cluster.ipvs_dest) changes weights of their
        destinations, and drains and restores them. These weights go at the next run of this module, see O(keep_weights).
    type: list
    elements: dict
    suboptions:
      vip:
        description: See O(lvs.cluster.ipvs_service#module:vip).
        type: str
      port:
        description: See O(lvs.cluster.ipvs_service#module:port).
        type: int
      protocol:
        description: See O(lvs.cluster.ipvs_service#module:protocol).
        type: str
        choices: [tcp, udp, sctp]
        default: tcp
      fwmark:
        description: See O(lvs.cluster.ipvs_service#module:fwmark).
        type: int
      family:
        description: See O(lvs.cluster.ipvs_service#module:family).
        type: str
        choices: [ipv4, ipv6]
      scheduler:
        description: See O(lvs.cluster.ipvs_service#module:scheduler).
        type: str
      scheduler_flags:
        description: See O(lvs.cluster.ipvs_service#module:scheduler_flags).
        type: list
        elements: str
        choices: [fallback, port, flag-1, flag-2, flag-3]
      persistence_timeout:
        description: See O(lvs.cluster.ipvs_service#module:persistence_timeout).
        type: int
      persistence_netmask:
        description: See O(lvs.cluster.ipvs_service#module:persistence_netmask).
        type: str
      persistence_engine:
        description: See O(lvs.cluster.ipvs_service#module:persistence_engine).
        type: str
        choices: [none, sip]
      one_packet:
        description: See O(lvs.cluster.ipvs_service#module:one_packet).
        type: bool
      quorum:
        description:
          - The weight that the real servers that answer have together, at least, for the service to be up, V(1) to V(2147483647).
        type: int
      inhibit_on_failure:
        description: Whether a real server that does not answer stays in the service, with weight V(0).
        type: bool
      alpha:
        description: Whether a real server that is new gets connections only after its first successful check.
        type: bool
      sorry_server:
        description: The server that takes the connections while the service is not up.
        type: dict
        suboptions:
          address:
            description: Its address.
            type: str
            required: true
          port:
            description: Its port, V(1) to V(65535). That of the service if omitted.
            type: int
          forward:
            description: The forwarding method to it. V(route) if omitted.
            type: str
            choices: [tunnel, route, masquerade, local]
      state:
        description: V(absent) is the same as leaving it out.
        type: str
        choices: [present, absent]
        default: present
      destinations:
        description: The real servers of the service. At least one has a weight above V(0).
        type: list
        elements: dict
        suboptions:
          rip:
            description: See O(lvs.cluster.ipvs_dest#module:rip).
            type: str
            required: true
          rport:
            description:
              - See O(lvs.cluster.ipvs_dest#module:rport).
              - If it is omitted with C(forward=masquerade), the port of the service.
            type: int
          forward:
            description: See O(lvs.cluster.ipvs_dest#module:forward).
            type: str
            choices: [tunnel, route, masquerade, local]
          weight:
            description: See O(lvs.cluster.ipvs_dest#module:weight).
            type: int
          upper_threshold:
            description: See O(lvs.cluster.ipvs_dest#module:upper_threshold).
            type: int
          lower_threshold:
            description: See O(lvs.cluster.ipvs_dest#module:lower_threshold).
            type: int
          tunnel_type:
            description: See O(lvs.cluster.ipvs_dest#module:tunnel_type).
            type: str
            choices: [ipip, gue, gre]
          tunnel_port:
            description: See O(lvs.cluster.ipvs_dest#module:tunnel_port).
            type: int
          tunnel_checksum:
            description: See O(lvs.cluster.ipvs_dest#module:tunnel_checksum).
            type: str
            choices: [none, checksum, remote_checksum]
          check:
            description:
              - How the real server is checked. A type, V(tcp), V(http), V(https), V(smtp), V(dns), V(misc) or V(none), or a dictionary with
                C(type) and its options. Not at all if omitted. See the README of the role C(lvs.cluster.lvs).
              - Where packets go through a tunnel or by direct routing to a VIP, so does the check. Others go to the real server's own address.
            type: raw
          state:
            description: V(absent) is the same as leaving it out.
            type: str
            choices: [present, absent]
            default: present
  sources:
    description:
      - The addresses of this director that checks come from, one of each address family, its DIPs. Required where a check goes to a VIP.
    type: list
    elements: str
    default: []
  keep_weights:
    description:
      - Whether existing destinations keep their weights, both those of the configuration that is there, and those that an operator has set
        with M(lvs.cluster.ipvs_dest). Drained destinations stay drained in any case, and a warning names them.
    type: bool
    default: false
  unprepared:
    description:
      - The RIPs of real servers that have not been prepared for a change. A service to which packets would go in a new way to one of them is
        left as it is.
    type: list
    elements: str
    default: []
  takeover:
    description:
      - Whether a C(keepalived.conf) that this collection did not create may be replaced. Its text is kept in
        C(/etc/keepalived/keepalived.conf.before-lvs-cluster).
      - If V(false), the module fails and changes nothing. It also fails if such a copy exists already with another text, or if
        C(keepalived.conf) is a symbolic link.
    type: bool
    default: false
  standby:
    description:
      - V(true) lets this director give up the VIPs at once, so that another one takes them, and keeps it from taking them again. The module
        waits until the VIPs are gone. V(false) lets it take part again. If omitted, that stays as it is.
      - A director that starts again takes part again.
      - Make sure before that another director can take the VIPs.
    type: bool
  state:
    description: Whether keepalived should be configured. V(absent) stops and disables it, if this collection configured it.
    type: str
    choices: [present, absent]
    default: present
requirements:
  - keepalived 2.2.7 or newer
  - systemd
  - root on the managed host
seealso:
  - module: lvs.cluster.tunl_vip
  - module: lvs.cluster.ipvs_table
  - module: lvs.cluster.ipvs_sync_daemon
extends_documentation_fragment:
  - lvs.cluster.common
"""

EXAMPLES = r"""
- name: Take part in the virtual router 51 with another director
  lvs.cluster.keepalived:
    vrrp:
      id: 51
      source: 192.168.56.182
      peers: [192.168.56.181]
      priority: 100
    vips:
      - {vip: 192.168.56.185}

- name: Serve and check two real servers
  lvs.cluster.keepalived:
    sources: [192.168.56.181]
    services:
      - vip: 192.168.56.185
        port: 80
        scheduler: wrr
        destinations:
          - {rip: 192.168.56.183, check: {type: http, path: /health}}
          - {rip: 192.168.56.184, check: {type: http, path: /health}}

- name: Hand the VIPs over to another director
  lvs.cluster.keepalived:
    standby: true

- name: Take part again
  lvs.cluster.keepalived:
    standby: false
"""

RETURN = r"""
version:
  description: The version of keepalived. Empty if O(vrrp) is omitted.
  returned: success
  type: str
  sample: 2.2.7
held_back:
  description: The services that were left as they are, because of O(unprepared).
  returned: success, with O(services)
  type: list
  elements: dict
  sample: []
held_back_vips:
  description: The VIPs of such services that no service has.
  returned: success, with O(services)
  type: list
  elements: str
  sample: []
drained:
  description: The destinations of O(services) that are drained, and stay so.
  returned: success, with O(services)
  type: list
  elements: dict
  sample: []
active:
  description: Whether this director holds the VIPs after the change.
  returned: success, if the configuration changed, and not in check mode
  type: bool
  sample: true
commands:
  description: The changes as commands, in the order in which they were made. In check mode, those that would be made.
  returned: success
  type: list
  elements: str
  sample: ["systemctl enable --now keepalived.service"]
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
      description: The kind of object that changed, V(file) or V(unit); V(reload) if an earlier run ended before keepalived was reloaded.
      returned: success
      type: str
      sample: unit
    key:
      description: The values that identify the object.
      returned: success
      type: dict
      sample: {unit: keepalived.service}
    command:
      description: The command that makes the change. Several lines if it takes several commands.
      returned: success
      type: str
      sample: systemctl enable --now keepalived.service
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.keepalived import ARGUMENT_SPEC, Keepalived


def main() -> None:
    """Run the module."""
    run(ARGUMENT_SPEC, Keepalived())


if __name__ == "__main__":
    main()

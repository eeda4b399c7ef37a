#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several modules of this collection in one process."""

from __future__ import annotations

DOCUMENTATION = r"""
module: batch
short_description: Run several modules of this collection in one process
version_added: 0.1.0
description:
  - Runs modules one after the other, as tasks of their own would. Ansible starts one process instead of one for each, which is most of
    the time of a module that changes nothing.
  - The options of all steps are validated before the first step runs. If any is invalid, all faults are returned, each with its place,
    and nothing is changed.
  - If a step fails, the module fails and later steps do not run. What earlier steps changed remains. Later steps run if the one that
    failed changes nothing, like M(lvs.cluster.preflight), and in check mode.
  - In check mode, each step shows its changes given the host as it is, without the changes of earlier steps.
  - A library that is missing on the managed host fails only the step that needs it.
options:
  steps:
    description:
      - The modules to run, in order. Each entry has one key, the name of the module without C(lvs.cluster), and as its value the options of
        the module.
      - Valid modules are M(lvs.cluster.arp_sysctl), M(lvs.cluster.boot), M(lvs.cluster.check_sysctl), M(lvs.cluster.firewall),
        M(lvs.cluster.ipvs_dest), M(lvs.cluster.ipvs_service), M(lvs.cluster.ipvs_sync_daemon), M(lvs.cluster.ipvs_sysctl), M(lvs.cluster.ipvs_table),
        M(lvs.cluster.ipvs_timeouts), M(lvs.cluster.keepalived), M(lvs.cluster.mss_clamp), M(lvs.cluster.port_dnat),
        M(lvs.cluster.preflight), M(lvs.cluster.state_info), M(lvs.cluster.tunl_vip), M(lvs.cluster.tunnel_guard) and
        M(lvs.cluster.vip_probe).
      - A drain by M(lvs.cluster.ipvs_dest) waits for its connections before the next step runs.
      - C(module_defaults) of these modules have no effect on steps.
    type: list
    elements: dict
    required: true
  preview:
    description:
      - Further steps, which are not carried out. RV(preview) returns what they would change after O(steps).
    type: list
    elements: dict
    default: []
  label:
    description: A text that the result repeats, so that those who read it later can tell what it was for.
    type: str
requirements:
  - the requirements of the modules in O(steps)
seealso:
  - module: lvs.cluster.arp_sysctl
  - module: lvs.cluster.boot
  - module: lvs.cluster.ipvs_table
  - module: lvs.cluster.state_info
  - module: lvs.cluster.tunl_vip
extends_documentation_fragment:
  - lvs.cluster.common
"""

EXAMPLES = r"""
- name: Configure a real server, the VIP last
  lvs.cluster.batch:
    steps:
      - tunnel_guard: {sources: [192.168.56.182]}
      - tunl_vip: {devices: [{device: tunl0}]}
      - arp_sysctl: {device: tunl0, rp_filter: 2, persist: true}
      - tunl_vip: {devices: [{device: tunl0, vips: [192.168.56.185]}]}
      - boot: {vips_after: [nginx.service]}
      - state_info:
  register: batch

- name: Show the devices with VIPs
  ansible.builtin.debug:
    var: batch.results[-1].devices
"""

RETURN = r"""
results:
  description:
    - The results of the steps that ran, in their order.
    - Each has what the module itself returns, except the diff and C(invocation), and RV(results[].module).
  returned: unless an option is invalid
  type: list
  elements: dict
  contains:
    module:
      description: The name of the module.
      returned: always
      type: str
      sample: tunl_vip
    changed:
      description: Whether the step changed something.
      returned: always
      type: bool
      sample: true
    commands:
      description: The changes as commands.
      returned: always
      type: list
      elements: str
      sample: [ip address add 192.168.56.185/32 dev tunl0]
    changes:
      description: The same changes as data, like RV(changes).
      returned: always
      type: list
      elements: dict
    failed:
      description: Whether the step failed.
      returned: if the step failed
      type: bool
      sample: true
    msg:
      description: Why the step failed.
      returned: if the step failed
      type: str
      sample: "device: eth9 does not exist: this host has eth0, lo, tunl0"
label:
  description: The text of O(label).
  returned: success, with O(label)
  type: str
  sample: web servers
preview:
  description: What the steps of O(preview) would change, each like RV(results[]).
  returned: if O(preview) has a step
  type: list
  elements: dict
preview_changed:
  description: Whether one of them would change something.
  returned: if O(preview) has a step
  type: bool
  sample: false
commands:
  description:
    - The changes of all steps as commands, in the order in which they were made. In check mode, those that would be made.
  returned: unless an option is invalid
  type: list
  elements: str
  sample: [ip address add 192.168.56.185/32 dev tunl0]
changes:
  description:
    - The same changes as data. RV(commands) has the lines of RV(changes[].command).
    - Only the first 1000 changes, if there are more.
  returned: unless an option is invalid
  type: list
  elements: dict
  contains:
    action:
      description: The action, V(add), V(set) or V(remove).
      returned: success
      type: str
      sample: add
    kind:
      description: The kind of object that changed.
      returned: success
      type: str
      sample: address
    key:
      description: The values that identify the object.
      returned: success
      type: dict
      sample: {device: tunl0, vip: 192.168.56.185}
    command:
      description: The command that makes the change. Several lines if it takes several commands.
      returned: success
      type: str
      sample: ip address add 192.168.56.185/32 dev tunl0
"""

from ansible_collections.lvs.cluster.plugins.module_utils._batch.batch import ARGUMENT_SPEC, read, secrets
from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run_steps


def main() -> None:
    """Run the module."""
    run_steps(ARGUMENT_SPEC, read, secrets)


if __name__ == "__main__":
    main()

# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the site's last plays find, and a client that counts who answers."""

from __future__ import annotations

import json

from testinfra.host import Host

from tests.nodes import PLAYBOOK, Ansible

MAPPED = "192.168.56.186"


def test_a_client_counts_who_answers(ansible: Ansible) -> None:
    def count(check: bool = True, **shares: int) -> str:
        options = {"vip": MAPPED, "port": 8099, "requests": 9, "tolerance": 0, "shares": shares}
        module = ("ansible", "client", "-m", "lvs.cluster.vip_probe", "-a", json.dumps(options))
        return ansible(*module, check=check).stdout

    assert '"rs1": 6' in count(rs1=2, rs2=1)
    assert "'rs2' answered 3 of 9 requests and is not among rs1" in count(check=False, rs1=1)


def test_the_site_finds_what_answers_directly_alone(ansible: Ansible, client: Host, rs2: Host) -> None:
    """Where a tunnel's device went down, all is well as seen from outside. That nothing else is found, converging shows."""
    rs2.check_output("ip link set tunl0 down")
    try:
        assert client.check_output("curl -sS --max-time 5 http://192.168.56.184/") == "rs2"
        done = ansible("ansible-playbook", str(PLAYBOOK), "--tags=verify", check=False)
    finally:
        rs2.check_output("ip link set tunl0 up; sh /var/lib/lvs.cluster/boot/restore vips")  # its routes went with it
    assert done.returncode != 0
    found = " ".join((done.stdout + done.stderr).split())
    assert "3 of 6 probes of real servers were not answered:" in found, found
    for service in ("192.168.56.185:80", "192.168.56.186:8099", "192.168.56.187:80"):
        line = f"rs2 (192.168.56.184) for {service}: answers directly on 192.168.56.184:80, but not through the IPIP tunnel"
        assert line in found, found

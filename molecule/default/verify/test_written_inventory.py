# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A director that somebody set up by hand is described by an inventory, with which nothing changes there.

It begins with a director on which nothing is set up: test_withdrawal.py has left one.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from testinfra.host import Host

from tests.nodes import LOOK, PLAYBOOK, PROJECT, REACH, TIMEOUT, Ansible

# As a blog has it: addresses with the network's prefix or their own, with and without routes.
BY_HAND = """
ip address add 192.168.56.191/24 dev eth0
ip address add 192.168.56.192/32 dev eth0
ip address add 192.168.56.193/32 dev tunl0; ip route add 192.168.56.193 dev tunl0
ipvsadm -A -t 192.168.56.191:80 -s wrr
ipvsadm -a -t 192.168.56.191:80 -r 192.168.56.183:80 -i -w 3 -x 1000 -y 10
ipvsadm -a -t 192.168.56.191:80 -r 192.168.56.184:8080 -m
sysctl -q -w net.ipv4.ip_forward=1
ipvsadm -A -u 192.168.56.192:53 -s sh -b sh-port -p 60 -M 255.255.255.0
ipvsadm -a -u 192.168.56.192:53 -r 192.168.56.184 -g -w 0
ipvsadm -A -t 192.168.56.193:443 -s mh
ipvsadm -a -t 192.168.56.193:443 -r 192.168.56.183 -i --tun-type gue --tun-port 6080
ipvsadm -A -f 9 -s rr
ipvsadm -a -f 9 -r 192.168.56.183 -i
ipvsadm -a -f 9 -r 192.168.56.184:80 -i
ip address add 192.168.56.194/32 dev lo; ip address add 192.168.56.194/32 dev eth0
ipvsadm -A -t 192.168.56.194:80 -s rr -p 60 -M 0.0.0.0
ipvsadm -a -t 192.168.56.194:80 -r 127.0.0.1 -g -w 0
ipvsadm -a -t 192.168.56.194:80 -r 192.168.56.181 -g -w 70000
ipvsadm -a -t 192.168.56.194:80 -r 192.168.56.192:8080 -m
ipvsadm -A -t 127.0.0.1:8080 -s rr
ipvsadm -a -t 127.0.0.1:8080 -r 192.168.56.183:80 -m
ipvsadm -A -t 192.168.56.181:25 -s rr
ipvsadm -A -t 192.168.56.199:25 -s rr
"""


@pytest.fixture
def by_hand(ds1: Host) -> Iterator[str]:
    """What the director is like when somebody has set it up by hand."""
    ds1.check_output("ip link set tunl0 up")
    ds1.check_output(BY_HAND)
    yield ds1.check_output(LOOK)
    ds1.check_output("ipvsadm -C; ip link set tunl0 down; sysctl -q -w net.ipv4.ip_forward=0")
    for vip in ("191/24 dev eth0", "192/32 dev eth0", "193/32 dev tunl0", "194/32 dev lo", "194/32 dev eth0"):
        ds1.check_output(f"ip address del 192.168.56.{vip}")


def test_nothing_changes(ansible: Ansible, ds1: Host, by_hand: str, tmp_path: Path) -> None:
    adopted = tmp_path / "adopted.yml"
    done = ansible("ansible-playbook", "playbooks/adopt.yml", f"--extra-vars=lvs_adopt_file={adopted}")
    assert "tcp-192.168.56.181-25, tcp-192.168.56.199-25" in " ".join(done.stdout.split())
    described = yaml.safe_load(adopted.read_text())["all"]["vars"]["lvs_services"]
    assert {service["name"] for service in described if service.get("adopted")} == {"fwmark-9", "tcp-127.0.0.1-8080"}
    assert {service["name"]: service.get("director_device") for service in described} == {
        "tcp-192.168.56.191-80": "eth0",
        "tcp-192.168.56.193-443": "tunl0",
        "udp-192.168.56.192-53": "eth0",
        "fwmark-9": None,
        "tcp-127.0.0.1-8080": "lo",
        "tcp-192.168.56.194-80": "eth0",
    }
    # By that inventory alone; how the lab's nodes are reached is the lab's matter.
    alone = (f"--inventory={adopted}", "--extra-vars", json.dumps(REACH))
    done = subprocess.run(
        ["ansible-playbook", *alone, str(PLAYBOOK), "--skip-tags=verify"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed: [" not in done.stdout
    assert ds1.check_output(LOOK) == by_hand

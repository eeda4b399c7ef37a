# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running site.yml again: with nothing to do, with a description that cannot work, and to take things away.

The last tests change the cluster for good: only test_written_inventory.py comes after them.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.nodes import LOOK, PLAYBOOK, Ansible, AsInTheReadme, looked_before, mac, rules
from tests.readme import running

Services = list[dict[str, Any]]


def given(folder: Path, services: Any) -> str:
    """The option that gives a playbook another description."""
    file = folder / "services.json"
    file.write_text(json.dumps({"lvs_services": services}))
    return f"--extra-vars=@{file}"


def test_check_mode_agrees_that_nothing_is_to_do(ansible: Ansible) -> None:
    done = ansible("ansible-playbook", str(PLAYBOOK), "--check", "--diff")
    assert "changed=0" in done.stdout
    assert "changed: [" not in done.stdout


def test_faults_are_named_before_anything_is_changed(
    ansible: Ansible, services: Services, tmp_path: Path, ds1: Host, rs1: Host, rs2: Host
) -> None:
    broken = copy.deepcopy(services)
    broken[0]["vip"] = "192.168.56.300"
    broken[1]["real_servers"][0] = {"host": "rs9"}
    broken[2]["scheduler"] = "wrrr"
    broken.append({**services[0], "name": "web"})
    before = [node.check_output(LOOK) for node in (ds1, rs1, rs2)]
    done = ansible("ansible-playbook", str(PLAYBOOK), given(tmp_path, broken), check=False)
    assert done.returncode != 0
    printed = " ".join((done.stdout + done.stderr).split())
    assert "service 'web', vip: '192.168.56.300' is not an IP address" in printed
    assert "service 'mapped', real_servers[0], host: rs9 is not a host of the inventory" in printed
    assert "service 'plain', scheduler: 'wrrr' is not one of" in printed
    assert [node.check_output(LOOK) for node in (ds1, rs1, rs2)] == before


@pytest.fixture
def stranger(client: Host) -> Iterator[str]:
    """A VIP that a machine has which is no part of the cluster."""
    vip = "192.168.56.189"
    client.check_output("ip address add %s/32 dev eth0", vip)
    yield vip
    client.check_output("ip address del %s/32 dev eth0", vip)


def test_vip_that_somebody_else_has_stops_the_run(
    ansible: Ansible, services: Services, tmp_path: Path, client: Host, ds1: Host, stranger: str
) -> None:
    wanted = [*services, {**services[0], "name": "taken", "vip": stranger}]
    before = ds1.check_output(LOOK)
    done = ansible("ansible-playbook", str(PLAYBOOK), given(tmp_path, wanted), "--check", check=False)
    assert done.returncode != 0
    printed = " ".join((done.stdout + done.stderr).split())
    assert stranger in printed
    assert mac(client) in printed
    assert ds1.check_output(LOOK) == before


@pytest.fixture
def reduced(services: Services) -> Services:
    """rs2 leaves the service web, and the service plain goes altogether."""
    wanted = copy.deepcopy(services)
    wanted[0]["real_servers"] = [{"host": "rs1"}, {"host": "rs2", "state": "absent"}]
    wanted[2]["state"] = "absent"
    return wanted


def test_what_is_absent_leaves_the_director_first(
    ansible: Ansible, reduced: Services, tmp_path: Path, client: Host, ds1: Host, rs1: Host, rs2: Host
) -> None:
    done = ansible("ansible-playbook", str(PLAYBOOK), given(tmp_path, reduced))
    printed = done.stdout
    table = printed.index("Configure IPVS")
    assert table < printed.index("changed: [ds1]", table) < printed.index("Remove what is no longer needed", table)
    left = [line.replace(" --tun-type ipip", "") for line in rules(ds1)]
    assert [line for line in left if ".186:" not in line] == [
        "-A -t 192.168.56.185:80 -s wrr",
        "-a -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 1",
    ]
    assert len([line for line in left if ".186:8099" in line]) == 3
    assert "192.168.56.187" not in ds1.check_output("ip -o address; ip route")
    for node, vips in ((rs1, {"185", "186"}), (rs2, {"186"})):
        held = node.check_output("ip -o -4 address show dev tunl0")
        assert {vip for vip in ("185", "186", "187") if f"192.168.56.{vip}/32" in held} == vips
    assert set(client.check_output("for i in 1 2 3 4; do curl -sS --max-time 5 http://192.168.56.185/; done").split()) == {
        "rs1"
    }
    assert ansible("ansible-playbook", str(PLAYBOOK), given(tmp_path, reduced)).stdout.count("changed: [") == 0


def test_nothing_is_left_of_it(
    ansible: Ansible, as_in_the_readme: AsInTheReadme, reduced: Services, tmp_path: Path, ds1: Host, rs1: Host, rs2: Host
) -> None:
    """lvs_state: absent, or its playbook. What it looked like before, prepare.yml has noted; packages stay."""
    nodes = (ds1, rs1, rs2)
    arguments = (str(PLAYBOOK), given(tmp_path, reduced), "--extra-vars=lvs_state=absent")
    still = [node.check_output(LOOK) for node in nodes]
    predicted = ansible("ansible-playbook", *arguments, "--check", "--diff").stdout
    assert "-ip address add 192.168.56.186/32 dev tunl0" in predicted
    assert [node.check_output(LOOK) for node in nodes] == still
    # The playbook says so itself, whatever the inventory has.
    inventory = tmp_path / "present.yml"
    inventory.write_text("all: {vars: {lvs_state: present}}\n")
    teardown = str(PLAYBOOK.with_name("teardown.yml"))
    refused = ansible("ansible-playbook", f"--inventory={inventory}", teardown, given(tmp_path, reduced), check=False)
    assert refused.returncode != 0
    assert "lvs_confirm=true" in refused.stdout + refused.stderr
    assert [node.check_output(LOOK) for node in nodes] == still
    confirmed = "--extra-vars=lvs_confirm=true"
    ansible("ansible-playbook", f"--inventory={inventory}", teardown, given(tmp_path, reduced), confirmed)
    for node in nodes:
        assert node.check_output(LOOK).strip() == looked_before(node)
    assert "changed: [" not in as_in_the_readme(running("teardown"))

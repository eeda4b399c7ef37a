# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The README's commands on a distribution's own kernel, from untouched hosts to hosts as they were.

Each test begins where the one before it has ended.
"""

from __future__ import annotations

import re
import time

import pytest
import yaml

from .. import readme
from ..nodes import LOOK
from ..recap import recap
from .machines import STARTING
from .site import ADDRESSES, REAL_SERVERS, VIP, Requests, Site, ask_often

CHECK, SITE = (command for command in readme.ON_A_CLUSTER if "lvs.cluster.site" in command)
NONE = dict.fromkeys(ADDRESSES, 0)
GOING_ON = 5  # seconds of requests behind the first answer
# What a kernel has from the loading of a module on, and what a package brings along.
LASTING = re.compile(r"^(?!.*/etc/).*\b(tunl0|ip6tnl0|sit0|gre0|gretap0|erspan0)\b|/vs/|ipvsadm\.service|^Timeout ")


def looked(site: Site) -> dict[str, list[str]]:
    """All that the roles could change, but what a module brings along."""
    return {
        name: sorted(line for line in machine.root(LOOK).splitlines() if not LASTING.search(line))
        for name, machine in site.machines.items()
    }


@pytest.fixture(scope="module")
def before(site: Site) -> dict[str, list[str]]:
    """The untouched hosts, with a page on each web server that says whose it is."""
    for name in REAL_SERVERS:
        site.machines[name].root(f"echo {name} >/var/www/html/index.html")
    return looked(site)


def test_check_mode_shows_what_untouched_hosts_lack(site: Site, before: dict[str, list[str]]) -> None:
    done = site.run(CHECK)
    assert "apt-get install" in done.stdout
    assert f"-A -t {VIP}:80 -s wrr" in done.stdout
    assert looked(site) == before


def test_site(site: Site) -> None:
    started = time.monotonic()
    done = site.run(SITE)
    site.note(f"first run of site: {time.monotonic() - started:.0f} s")
    assert recap(done.stdout, "failed") == NONE
    assert set(ask_often(4)) == set(ask_often(6, vip="192.168.56.186", port=8099)) == REAL_SERVERS


def test_second_run_changes_nothing(site: Site) -> None:
    started = time.monotonic()
    done = site.run(SITE)
    site.note(f"second run of site: {time.monotonic() - started:.0f} s")
    assert recap(done.stdout, "changed") == NONE


def test_a_weight_ad_hoc(site: Site) -> None:
    site.run(readme.running("ipvs_dest"))
    answers = ask_often(9)
    assert (answers.count("rs1"), answers.count("rs2")) == (6, 3)


def test_status(site: Site) -> None:
    assert VIP in site.run(readme.running("status")).stdout


def test_drain_and_restore_lose_nothing(site: Site) -> None:
    with Requests() as requests:
        site.run(readme.running("drain"))
        assert set(ask_often(4)) == {"rs1"}
        site.run(readme.running("restore"))
    assert set(ask_often(6)) == REAL_SERVERS
    site.note(f"drain and restore: {len(requests.lost())} of {len(requests.made)} requests lost")
    assert not requests.lost()


def restart(site: Site, name: str) -> None:
    """Start a host anew: who is answered once is answered from then on, and nothing worries an administrator."""
    machine = site.machines[name]
    answering = {name} & REAL_SERVERS or REAL_SERVERS
    with Requests() as requests:
        earlier = machine.reboot()
        machine.wait_started(before=earlier)
        kernel_started = time.time() - float(machine.ssh("cut -d' ' -f1 /proc/uptime").stdout)
        end = time.monotonic() + STARTING
        while (first := requests.first_answer(kernel_started, answering)) is None:
            assert time.monotonic() < end, machine.root("systemctl status lvs-cluster lvs-cluster-vips || :")
            time.sleep(1)
        time.sleep(GOING_ON)
    late = [request for request in requests.made if request.sent >= first]
    lost = requests.lost(since=first)
    site.note(
        f"reboot of {name}: first answer {first - kernel_started:.0f} s after the start of its kernel,"
        f" then {len(lost)} of {len(late)} requests lost"
    )
    assert not lost
    assert machine.root("systemctl is-failed lvs-cluster lvs-cluster-vips || :").split() == ["active", "active"]
    units = "--unit=systemd-sysctl --unit=systemd-modules-load --unit=lvs-cluster --unit=lvs-cluster-vips"
    assert not machine.root(f"journalctl --boot --priority=warning --quiet {units} || :")


@pytest.mark.parametrize("name", ["ds1", "rs1", "rs2"])
def test_reboot(site: Site, name: str) -> None:
    restart(site, name)


def test_after_the_reboots_nothing_is_to_be_changed(site: Site) -> None:
    done = site.run(SITE, lvs_keep_weights=True)  # of the test above
    assert recap(done.stdout, "changed") == NONE


def test_a_tunnel_whose_module_nothing_loads_by_itself(site: Site) -> None:
    """The kernel's module fou has no alias: IPVS and generic netlink do not ask for it."""
    web, *others = yaml.safe_load(readme.INVENTORY)["all"]["vars"]["lvs_services"]
    web["real_servers"] = [{"host": "rs1", "tunnel_type": "gue", "tunnel_port": 6080}, {"host": "rs2"}]
    site.run(SITE, lvs_services=[web, *others])
    assert set(ask_often(4)) == REAL_SERVERS
    restart(site, "rs1")


def test_teardown_leaves_the_hosts_as_they_were(site: Site, before: dict[str, list[str]]) -> None:
    site.run(readme.running("teardown"))
    after = looked(site)
    differing = {name: {line for line in after[name] if line not in before[name]} for name in after}
    assert differing == {name: set() for name in after}
    assert after == before

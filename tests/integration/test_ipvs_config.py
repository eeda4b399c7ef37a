# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What IPVS has beside its table: information, timeouts, sync daemons, settings."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
import yaml

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.inventory import Host, Inventory
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.plan import make_plan

from .namespaces import Namespace

HAND_MADE = """
-A -t 192.168.56.185:80 -s wrr
-a -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 1
-a -t 192.168.56.185:80 -r 192.168.56.184:80 -i -w 2 -x 100 -y 50
-A -t 192.168.56.187:443 -s sh -p 300 -M 255.255.255.0 -b sh-port
-a -t 192.168.56.187:443 -r 192.168.56.183:8443 -m -w 1
-a -t 192.168.56.187:443 -r 192.168.56.184:8443 -m -w 1
-a -t 192.168.56.187:443 -r 192.168.56.190:443 -g -w 0
-A -u 192.168.56.187:53 -s rr -o
-a -u 192.168.56.187:53 -r 192.168.56.183:53 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum
-A -f 7 -s rr
-a -f 7 -r 192.168.56.183:0 -g -w 1
"""


@pytest.fixture
def director(host: Namespace) -> Namespace:
    """A host with a device to speak on."""
    host.sh("ip link add eth0 type dummy; ip address add 192.168.56.181/24 dev eth0; ip link set eth0 multicast on up")
    return host


# ----- information


def test_info_of_an_empty_director(director: Namespace) -> None:
    found = director.module("ipvs_info").ok()
    assert (found["services"], found["lvs_services"], found["sync_daemons"]) == ([], [], [])
    first = director.sh("ipvsadm -Ln").splitlines()[0]  # IP Virtual Server version 1.2.1 (size=4096)
    assert first.endswith(f"version {found['version']} (size={found['connection_table_size']})")
    assert found["kernel"] == director.sh("uname -r").strip()


def test_hand_made_director_is_adopted(director: Namespace) -> None:
    """What ipvs_info describes, the roles' plan takes, and then there is nothing to do."""
    director.run("ipvsadm", "--restore", input=HAND_MADE.lstrip())
    before = director.snapshot()
    found = director.module("ipvs_info").ok()
    assert json.dumps(found["lvs_services"][0]["real_servers"]) == json.dumps(
        [
            {"address": "192.168.56.183", "weight": 1},
            {"address": "192.168.56.184", "weight": 2, "upper_threshold": 100, "lower_threshold": 50},
        ]
    )
    inventory = Inventory({"ds1": Host("192.168.56.181")}, directors=["ds1"], real_servers=[])
    services = make_plan(found["lvs_services"], inventory).services
    director.module("ipvs_table", services=services, purge="services").ok()
    assert director.snapshot() == before

    director.sh("ipvsadm -C")
    director.module("ipvs_table", services=services).changed()
    assert director.snapshot() == before


def test_services_of_info_are_options_again(director: Namespace) -> None:
    """A table can be carried from one director to another as it is, without its counters and what is drained for now."""
    director.run("ipvsadm", "--restore", input=HAND_MADE.lstrip())
    services = director.module("ipvs_info").ok()["services"]
    for service in services:
        del service["statistics"]
        for destination in service["destinations"]:
            del destination["statistics"], destination["connections"], destination["drained"]
    director.module("ipvs_table", services=services, purge="services").ok()


# ----- timeouts


def test_timeouts(director: Namespace) -> None:
    """The ones that are named, and the others as they are."""
    changed = director.module("ipvs_timeouts", tcp=3600, udp=60).changed()
    assert changed["timeouts"] == {"tcp": 3600, "tcp_fin": 120, "udp": 60}
    assert changed["diff"] == {"before": "--set 900 120 300\n", "after": "--set 3600 120 60\n"}
    assert director.sh("ipvsadm -L --timeout").strip() == "Timeout (tcp tcpfin udp): 3600 120 60"
    director.module("ipvs_timeouts", tcp=3600, udp=60).ok()
    predicted = director.module("ipvs_timeouts", check_mode=True, tcp_fin=5).changed()
    assert director.sh("ipvsadm -L --timeout").strip().endswith("3600 120 60")
    assert director.module("ipvs_timeouts", tcp_fin=5).changed()["commands"] == predicted["commands"]


# ----- sync daemons


def daemons(director: Namespace) -> list[str]:
    """Those that run, from ipvsadm."""
    return sorted(" ".join(line.split()) for line in director.sh("ipvsadm -Ln --daemon").splitlines())


def test_both_daemons_at_once(director: Namespace) -> None:
    master: dict[str, Any] = {"role": "master", "interface": "eth0", "sync_id": 7}
    backup: dict[str, Any] = {**master, "role": "backup", "sync_maxlen": 500, "group": "ff02::81", "port": 9000, "ttl": 3}
    made = director.module("ipvs_sync_daemon", **master).changed()
    assert made["commands"] == [
        (
            "ipvsadm --start-daemon master --mcast-interface eth0 --syncid 7"
            " --mcast-group 224.0.0.81 --mcast-port 8848 --mcast-ttl 1"
        )
    ]
    kept = director.module("ipvs_sync_daemon", **backup).changed()["sync_daemon"]
    assert kept["sync_maxlen"] == 1024  # the kernel's least for a backup
    assert daemons(director) == [
        "backup sync daemon (mcast=eth0, syncid=7, maxlen=1024, group=ff02::81, port=9000, ttl=3)",
        "master sync daemon (mcast=eth0, syncid=7, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)",
    ]
    for options in (master, backup):
        director.module("ipvs_sync_daemon", **options).ok()
    found = {daemon["role"]: daemon for daemon in director.module("ipvs_info").ok()["sync_daemons"]}
    assert found["backup"] == kept
    assert found["master"]["sync_maxlen"] == 1472

    director.sh("ip address add 192.168.59.1/24 dev eth0")
    for options in (master, backup):
        director.module("ipvs_sync_daemon", **{**options, "interface": None}, dip="192.168.59.1").ok()
    unknown = director.module("ipvs_sync_daemon", role="master", dip="192.168.59.2").failed()
    assert "dip: 192.168.59.2 is on no device of this host" in unknown

    predicted = director.module("ipvs_sync_daemon", check_mode=True, role="master", interface="eth0", ttl=2).changed()
    changed = director.module("ipvs_sync_daemon", role="master", interface="eth0", ttl=2).changed()
    assert predicted["commands"] == changed["commands"]
    assert [command.split()[1] for command in changed["commands"]] == ["--stop-daemon", "--start-daemon"]
    assert "master sync daemon (mcast=eth0, syncid=7, maxlen=1472, group=224.0.0.81, port=8848, ttl=2)" in daemons(director)

    for role in ("master", "backup"):
        assert director.module("ipvs_sync_daemon", role=role, state="absent").changed()["sync_daemon"] == {}
        director.module("ipvs_sync_daemon", role=role, state="absent").ok()
    assert daemons(director) == []


def test_longest_message_depends_on_the_group(director: Namespace) -> None:
    """What the kernel makes of it is what is compared."""
    options: dict[str, Any] = {"role": "master", "interface": "eth0", "sync_maxlen": 65507}
    director.module("ipvs_sync_daemon", **options).changed()
    director.module("ipvs_sync_daemon", **options).ok()
    shorter = director.module("ipvs_sync_daemon", **options, group="ff02::81").changed()
    assert shorter["sync_daemon"]["sync_maxlen"] == 65487
    director.module("ipvs_sync_daemon", **options, group="ff02::81").ok()


def test_daemon_that_does_not_start_again_is_as_it_was(director: Namespace) -> None:
    """A port that is taken is not known beforehand."""
    director.module("ipvs_sync_daemon", role="backup", interface="eth0", sync_id=7).changed()
    before = director.snapshot()
    with director.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("224.0.0.81", 9000))
        result = director.module("ipvs_sync_daemon", role="backup", interface="eth0", port=9000)
    assert "--start-daemon backup --mcast-interface eth0" in result.failed()
    assert director.snapshot() == before


V4, V6 = "224.0.0.81", "ff02::81"
DEVICES = """
for device in down0 four0 six0; do ip link add $device type dummy; done
ip address add 192.168.57.1/24 dev down0
ip address add 192.168.58.1/24 dev four0; sysctl -qw net.ipv6.conf.four0.disable_ipv6=1; ip link set four0 up
ip address add 2001:db8:59::1/64 dev six0 nodad; ip link set six0 up
"""


def test_device_that_does_not_reach_the_group(director: Namespace) -> None:
    """Before anything is stopped or started, in check mode, too; the same with the daemon's own device and group."""
    director.sh(DEVICES)
    cannot = "could not send to"
    for running in (False, True):
        if running:
            director.module("ipvs_sync_daemon", role="master", interface="eth0", sync_id=7).changed()
        before = director.snapshot()
        for device, group, message in (
            ("down0", V4, f"interface: down0 is down, and a master {cannot} {V4}: set it up first"),
            ("down0", V6, f"interface: down0 is down, and a master {cannot} {V6}: set it up first"),
            ("four0", V6, f"interface: four0 has no IPv6 address to send to {V6} from: give it one, or choose an IPv4 group"),
            ("lo", V6, f"interface: lo has no IPv6 address to send to {V6} from"),
        ):
            options: dict[str, Any] = {"role": "master", "interface": device, "group": group}
            for check_mode in (True, False):
                assert message in director.module("ipvs_sync_daemon", check_mode=check_mode, **options).failed()
            director.module("ipvs_sync_daemon", check_mode=True, **{**options, "role": "backup"}).changed()
        assert director.snapshot() == before


def test_device_that_reaches_the_group(director: Namespace) -> None:
    """One that goes down later does not matter to the daemon that runs on it, unless that is to change."""
    director.sh(DEVICES)
    for device, group in (("four0", V4), ("six0", V4), ("six0", V6), ("eth0", V4)):
        director.module("ipvs_sync_daemon", role="master", interface=device, group=group).changed()
    director.sh("ip link set eth0 down")
    director.module("ipvs_sync_daemon", role="master", interface="eth0").ok()
    assert "interface: eth0 is down" in director.module("ipvs_sync_daemon", role="master", interface="eth0", ttl=2).failed()
    director.module("ipvs_sync_daemon", role="master", state="absent").changed()
    director.module("ipvs_sync_daemon", role="backup", interface="down0").changed()


def test_mixed_families_and_a_daemon_exclude_each_other(director: Namespace) -> None:
    """The kernel says no more than EINVAL; the message says what is in the way."""
    director.module("ipvs_service", vip="192.168.56.185", port=80).changed()
    six: dict[str, Any] = {"vip": "192.168.56.185", "port": 80, "rip": "2001:db8::3"}
    director.module("ipvs_sync_daemon", role="backup", interface="eth0").changed()
    before = director.snapshot()
    assert "cannot be while a sync daemon runs" in director.module("ipvs_dest", **six).failed()
    assert director.snapshot() == before
    director.module("ipvs_sync_daemon", role="backup", state="absent").changed()
    director.module("ipvs_dest", **six).changed()
    director.module("ipvs_dest", **six).ok()
    message = director.module("ipvs_sync_daemon", role="backup", interface="eth0").failed()
    assert "while a destination is of another family than its service" in message


# ----- settings


FILES = ("/etc/sysctl.d/90-lvs_ipvs.conf", "/etc/modules-load.d/lvs-ipvs.conf")


def setting(director: Namespace, name: str) -> str:
    """A setting, from sysctl."""
    return " ".join(director.sh(f"sysctl -n net.ipv4.vs.{name}").split())


def test_settings_come_and_go(director: Namespace) -> None:
    """With their files; what is no longer named goes back to what it was, and what never was named stays."""
    director.sh("sysctl -qw net.ipv4.vs.expire_nodest_conn=0 net.ipv4.vs.cache_bypass=1")
    settings = {"expire_nodest_conn": True, "sync_threshold": "5  60"}
    made = director.module("ipvs_sysctl", settings=settings, persist=True).changed()
    assert made["commands"][:2] == [
        "sysctl -w net.ipv4.vs.expire_nodest_conn=1",
        "sysctl -w 'net.ipv4.vs.sync_threshold=5 60'",
    ]
    assert (setting(director, "expire_nodest_conn"), setting(director, "sync_threshold")) == ("1", "5 60")
    kept, modules = (director.path(path).read_text() for path in FILES)
    assert "net.ipv4.vs.expire_nodest_conn = 1\nnet.ipv4.vs.sync_threshold = 5 60\n" in kept
    assert modules.splitlines()[-1] == "ip_vs"
    director.module("ipvs_sysctl", settings=settings, persist=True).ok()

    predicted = director.module("ipvs_sysctl", check_mode=True, settings={"expire_nodest_conn": 1}, persist=True).changed()
    fewer = director.module("ipvs_sysctl", settings={"expire_nodest_conn": 1}, persist=True).changed()
    assert fewer["commands"] == predicted["commands"]
    assert "sysctl -w 'net.ipv4.vs.sync_threshold=3 50'" in fewer["commands"]
    assert (setting(director, "expire_nodest_conn"), setting(director, "sync_threshold")) == ("1", "3 50")
    director.module("ipvs_sysctl", settings={"expire_nodest_conn": 1}, persist=True).ok()

    director.module("ipvs_sysctl", settings={}, persist=False).changed()
    assert (setting(director, "expire_nodest_conn"), setting(director, "cache_bypass")) == ("0", "1")
    assert not any(director.path(path).exists() for path in FILES)
    assert not director.path("/var/lib/lvs.cluster/state.json").exists()
    director.module("ipvs_sysctl", settings={}, persist=False).ok()


def shown_settings(director: Namespace) -> dict[str, str]:
    """All settings, as procfs shows them."""
    lines = director.sh("cd /proc/sys/net/ipv4/vs && grep -s '' *; for name in *; do echo $name:; done").splitlines()
    shown: dict[str, str] = {}
    for line in lines:
        name, _colon, value = line.partition(":")
        shown.setdefault(name, value)
    return shown


def test_each_setting_takes_what_it_shows(director: Namespace) -> None:
    """As a string, and as YAML reads it, where a tab would have to be quoted."""
    shown = shown_settings(director)
    assert {"conntrack": "0", "sync_threshold": "3\t50", "est_nice": "0"}.items() <= shown.items()
    for given in (shown, {name: yaml.safe_load(value.replace("\t", " ")) for name, value in shown.items()}):
        assert director.module("ipvs_sysctl", settings=given).ok()["commands"] == []
    written = director.module("ipvs_sysctl", settings={}).changed()["commands"]  # each is given back to the kernel
    assert len(written) == len(shown)
    assert shown_settings(director) == shown


@pytest.mark.parametrize("cpus", ["0", "0-0", "", "all", "0,0", "0-0:1/1"])
def test_list_of_cpus(director: Namespace, cpus: str) -> None:
    before = shown_settings(director)["est_cpulist"]
    director.module("ipvs_sysctl", settings={"est_cpulist": cpus})
    kept = shown_settings(director)["est_cpulist"]
    assert kept == {"": "", "all": before}.get(cpus, "0")
    director.module("ipvs_sysctl", settings={"est_cpulist": cpus}, persist=True)
    director.module("ipvs_sysctl", settings={"est_cpulist": cpus}, persist=True).ok()
    director.module("ipvs_sysctl", settings={"est_cpulist": kept}).ok()
    director.module("ipvs_sysctl", settings={}, persist=False)
    assert shown_settings(director)["est_cpulist"] == before
    message = director.module("ipvs_sysctl", settings={"est_cpulist": "0,8191"}).failed()
    assert "settings, est_cpulist: 0,8191 has CPUs that this host does not have: it has 0" in message


def test_refused_setting_takes_the_others_back(director: Namespace) -> None:
    """The kernel alone knows which values a setting takes."""
    before = director.snapshot()
    message = director.module("ipvs_sysctl", settings={"expire_nodest_conn": 1, "sync_ports": 3}, persist=True).failed()
    assert "net.ipv4.vs.sync_ports = 3: Invalid argument" in message
    assert director.snapshot() == before


def test_files_of_others_are_left_alone(director: Namespace) -> None:
    """An administrator's own file of that name is neither removed nor written over."""
    modules = director.path(FILES[1])
    modules.write_text("ip_vs\n")
    director.module("ipvs_sysctl", settings={}, persist=True).ok()
    assert modules.read_text() == "ip_vs\n"
    before = director.snapshot()
    message = director.module("ipvs_sysctl", settings={"conntrack": 1}, persist=True).failed()
    assert f"{FILES[1]} is there and was not made by this collection: move it away" in message
    assert director.snapshot() == before

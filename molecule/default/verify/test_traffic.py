# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client sees."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from testinfra.host import Host

from tests.nodes import Ansible, AsInTheReadme, answers, mac
from tests.readme import running

WEB, MAPPED, PLAIN = "192.168.56.185", "192.168.56.186", "192.168.56.187"
DIRECTOR = "192.168.56.181"
CLIENT = "192.168.56.180"
CAPTURE_SECONDS = 10


def test_equal_weights_alternate_strictly(client: Host) -> None:
    seen = answers(client, f"http://{WEB}/", 12)
    assert len(seen) == 12
    assert set(seen[0::2]) | set(seen[1::2]) == {"rs1", "rs2"}
    assert len(set(seen[0::2])) == len(set(seen[1::2])) == 1, seen


@pytest.fixture
def doubled(as_in_the_readme: AsInTheReadme) -> Iterator[str]:
    """The weight of rs1 in the service web is 2, set ad hoc."""
    ad_hoc = running("ipvs_dest")
    yield as_in_the_readme(ad_hoc)
    as_in_the_readme(ad_hoc.replace("weight=2", "weight=1"))


def test_weight_changed_ad_hoc(client: Host, doubled: str) -> None:
    assert "-e -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 2" in doubled
    assert Counter(answers(client, f"http://{WEB}/", 18)) == {"rs1": 12, "rs2": 6}


def test_mapped_port(client: Host) -> None:
    assert Counter(answers(client, f"http://{MAPPED}:8099/", 12)) == {"rs1": 8, "rs2": 4}


def test_mapped_port_needs_the_mapping(client: Host, rs1: Host, rs2: Host, ansible: Ansible) -> None:
    for node in (rs1, rs2):
        node.check_output("nft flush map inet lvs_cluster port_dnat")
    try:
        refused = client.run("curl -sS --max-time 5 http://%s:8099/", MAPPED)
        assert refused.rc == 7, refused  # could not connect
        assert "refused" in refused.stderr or "Couldn't connect" in refused.stderr
    finally:
        ansible("ansible", "realservers", "-m", "lvs.cluster.port_dnat", "-a", f"vip={MAPPED} port=8099 to_port=80")
    assert Counter(answers(client, f"http://{MAPPED}:8099/", 6)) == {"rs1": 4, "rs2": 2}


def test_vip_on_an_ordinary_device(client: Host) -> None:
    assert Counter(answers(client, f"http://{PLAIN}/", 12)) == {"rs1": 4, "rs2": 8}


@pytest.mark.parametrize("vip", [WEB, MAPPED, PLAIN])
def test_only_the_director_answers_arp(client: Host, ds1: Host, vip: str) -> None:
    client.check_output("ip neigh flush all")
    # One packet makes the client ask; whether it is answered does not matter here.
    client.run("curl -sS --max-time 5 http://%s/", vip)
    assert f"lladdr {mac(ds1)} " in client.check_output("ip neigh show %s", vip)
    replies = client.check_output("arping -c 3 -w 5 -I eth0 %s", vip)
    assert set(re.findall(r"\[([0-9A-F:]{17})\]", replies)) == {mac(ds1).upper()}, replies


def reply_sources(client: Host) -> set[str]:
    """The hardware addresses that packets from the VIP come from."""
    capture = (
        f"timeout {CAPTURE_SECONDS} tcpdump -enlq -i eth0 -c 12 'tcp and src host {WEB} and src port 80'"
        " >/tmp/capture 2>/tmp/capture.log &"
        " for i in $(seq 50); do grep -q 'listening on' /tmp/capture.log && break; sleep 0.1; done;"
        f" for i in 1 2 3 4; do curl -s --max-time 3 http://{WEB}/ >/dev/null; done;"
        " wait; cat /tmp/capture"
    )
    return set(re.findall(r"^\S+ ([0-9a-f:]{17}) > ", str(client.run(capture).stdout), re.MULTILINE))


def assert_replies_bypass(client: Host, *real_servers: Host) -> None:
    """Every reply comes from a real server, and from each of them."""
    assert reply_sources(client) == {mac(node) for node in real_servers}


def test_replies_bypass_the_director(client: Host, rs1: Host, rs2: Host) -> None:
    assert_replies_bypass(client, rs1, rs2)


@pytest.fixture
def replies_through_the_director(ds1: Host, rs1: Host, rs2: Host) -> Iterator[None]:
    """Real servers that answer by way of the director, and a director that lets its own address pass."""
    for node in (rs1, rs2):
        node.check_output("ip route add %s via %s", CLIENT, DIRECTOR)
    settings = ("net.ipv4.ip_forward=1", "net.ipv4.conf.all.accept_local=1", "net.ipv4.conf.all.send_redirects=0")
    before = [ds1.check_output("sysctl %s", setting.partition("=")[0]).replace(" ", "") for setting in settings]
    ds1.check_output("sysctl -q -w {}".format(" ".join(settings)))
    yield
    ds1.check_output("sysctl -q -w {}".format(" ".join(before)))
    for node in (rs1, rs2):
        node.check_output("ip route del %s via %s", CLIENT, DIRECTOR)


@pytest.mark.usefixtures("replies_through_the_director")
def test_a_reply_through_the_director_is_noticed(client: Host, ds1: Host, rs1: Host, rs2: Host) -> None:
    assert mac(ds1) in reply_sources(client)
    with pytest.raises(AssertionError):
        assert_replies_bypass(client, rs1, rs2)

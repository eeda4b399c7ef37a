# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks: their options, and that no value leaves its place in keepalived.conf."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import Invalid
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.checker import (
    OF_PROTOCOL,
    TYPES,
    Aim,
    Check,
    check_protocol,
    escaped,
    quoted,
    read_check,
)

from .parser import parsed

VIP, RIP, DIP = map(ip_address, ("192.0.2.1", "192.168.56.183", "192.168.56.181"))
AIM = Aim(VIP, 80, DIP, 7, VIP, RIP)


def test_type_alone_is_a_check() -> None:
    assert read_check("tcp") == read_check({"type": "tcp"}) == Check("tcp")


def test_tcp_goes_to_the_vip_with_the_mark() -> None:
    check = read_check({"type": "tcp", "delay_loop": 0.5, "timeout": 2, "retries": 1, "delay_before_retry": 3})
    assert check.lines(AIM) == [
        "TCP_CHECK {",
        "connect_ip 192.0.2.1",
        "connect_port 80",
        "connect_timeout 2",
        "bindto 192.168.56.181",
        "fwmark 7",
        "delay_loop 0.5",
        "retry 1",
        "delay_before_retry 3",
        "}",
    ]


def test_without_a_mark_the_kernel_chooses_the_source() -> None:
    (block,) = parsed("\n".join(Check("tcp").lines(Aim(RIP, 8080))))
    names = {line[0] for line in block[-1]}
    assert {"connect_ip", "connect_port"} <= names
    assert names.isdisjoint({"bindto", "fwmark"})


def test_http() -> None:
    options = {
        "type": "https",
        "path": "/a?b=c#d!",
        "status": [200, "301-302"],
        "host": "www.example.org",
        "match": 'ok "$1" {',
    }
    (block,) = parsed("\n".join(read_check(options).lines(AIM)))
    assert block[0] == "SSL_GET"
    assert ["virtualhost", "www.example.org"] in block[-1]
    assert ["enable_sni"] in block[-1]
    (url,) = [line[-1] for line in block[-1] if line[0] == "url"]
    assert url == [["path", "/a?b=c#d!"], ["status_code", "200", "301-302"], ["regex", 'ok "$1" {']]


def test_sni_is_sent_only_where_it_is_wanted() -> None:
    for options in ({"type": "http", "host": "a.example"}, {"type": "https", "host": "a.example", "sni": False}, "https"):
        assert "enable_sni" not in read_check(options).lines(AIM)


def test_dns() -> None:
    options = {"type": "dns", "name": "example.org", "record_type": "AAAA"}
    assert {"type AAAA", 'name "example.org"'} <= set(read_check(options).lines(AIM))
    assert not [line for line in read_check("dns").lines(AIM) if line.startswith("name")]


def test_misc_knows_the_real_server() -> None:
    options = {"type": "misc", "command": "/bin/check {rip} 'a b' {vip}:{port}", "timeout": 4, "user": "nobody"}
    (block,) = parsed("\n".join(read_check(options).lines(AIM)))
    assert ["misc_path", "/bin/check", "192.168.56.183", "a b", "192.0.2.1:80"] in block[-1]
    assert ["misc_timeout", "4"] in block[-1]
    assert ["user", "nobody"] in block[-1]
    assert not [line for line in block[-1] if line[0].startswith("connect")]


def test_a_real_server_has_the_options_of_its_service() -> None:
    common = read_check({"type": "http", "path": "/health", "retries": 5})
    assert read_check({"retries": 1}, common) == Check("http", path="/health", retries=1)
    assert read_check({"type": "http", "port": 81}, common) == Check("http", 81, path="/health", retries=5)
    assert read_check("tcp", common) == Check("tcp")


FAULTS: list[tuple[Any, str]] = [
    (7, "check: 7 is neither a type"),
    ({}, "type: is missing"),
    ("ping", "type: 'ping' is not one of tcp, http"),
    ({"type": "tcp", "pathh": "/"}, "pathh: '/' is an unknown option"),
    ({"type": "tcp", "path": "/"}, "path: '/' is not for type tcp, but for http, https"),
    ({"type": "http", "path": "x"}, "path: 'x' is not the path of a URL"),
    ({"type": "http", "path": '/"'}, "is not the path of a URL"),
    ({"type": "http", "path": "/$_PWD"}, "is not the path of a URL"),
    ({"type": "http", "path": "/" + "a" * 2000}, "path: 2001 characters are more than 960"),
    ({"type": "http", "status": 99}, "status: 99 is no status code"),
    ({"type": "http", "status": "300-200"}, "is no status code"),
    ({"type": "http", "status": []}, "status: [] is empty"),
    ({"type": "http", "digest": "0"}, "digest: '0' is not an MD5 digest"),
    ({"type": "http", "digest": "0" * 32, "match": "x"}, "match: 'x' cannot go with digest"),
    ({"type": "http", "match": ""}, "match: '' is not a text"),
    ({"type": "http", "match": "ä" * 200}, "match: 200 characters are too many"),
    ({"type": "https", "sni": True}, "host: is missing"),
    ({"type": "http", "host": "a b"}, "host: 'a b' is not the name of a web site"),
    ({"type": "dns", "name": "a..b"}, "name: 'a..b' is not a name"),
    ({"type": "dns", "record_type": "SRV"}, "record_type: 'SRV' is not one of A, NS"),
    ({"type": "misc"}, "command: is missing"),
    ({"type": "misc", "command": "check"}, "command: 'check' does not begin with the path"),
    ({"type": "misc", "command": "/check 'a"}, "is not a program with arguments: No closing quotation"),
    ({"type": "misc", "command": ["/check", {"a": 1}]}, "is not a program with arguments: write one line"),
    ({"typ": "tcp"}, "typ: 'tcp' is an unknown option"),
    ({"type": "misc", "command": "/c", "timeout": 1.5}, "timeout: 1.5 is not in whole seconds"),
    ({"type": "misc", "command": "/c", "user": "a b"}, "user: 'a b' is not the name of a user"),
    ({"type": "tcp", "delay_loop": 0}, "delay_loop: 0 is not in 0.1..86400 seconds"),
    ({"type": "tcp", "retries": -1}, "retries: -1 is not in 0..100"),
    ({"type": "tcp", "port": 0}, "port: 0 is not in 1..65535"),
    ({"type": "none", "port": 1}, "port: 1 is not for type none"),
]


@pytest.mark.parametrize(("given_check", "message"), FAULTS, ids=str)
def test_faults_name_their_option(given_check: Any, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_check(given_check)
    assert message in str(caught.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        read_check({"type": "http", "path": "x", "retries": -1, "command": "/c"})
    assert {fault.option for fault in caught.value.faults} == {"path", "retries", "command"}


@pytest.mark.parametrize("protocol", [*OF_PROTOCOL, None])
def test_checks_of_a_protocol(protocol: str | None) -> None:
    for kind in TYPES:
        if protocol is None or kind in OF_PROTOCOL[protocol]:
            check_protocol(Check(kind), protocol)
        else:
            with pytest.raises(Invalid, match=f"check: {kind} cannot check a service whose protocol is {protocol}"):
                check_protocol(Check(kind), protocol)


def test_quotes_take_no_value_that_means_something_in_them() -> None:
    assert quoted("a # b ! {c}") == '"a # b ! {c}"'
    for value in ('"', "$A", "\\", "\n", "\x7f"):
        with pytest.raises(ValueError, match=r".?"):
            quoted(value)


anything = st.text() | st.text(alphabet="\"'\\${}#!@~ \n\tx/a7=[]")


@given(anything.filter(lambda value: len(escaped(value)) < 1000))
def test_escaped_text_is_read_as_it_was(value: str) -> None:
    assert parsed(f'regex "{escaped(value)}"') == [["regex", value]]


numbers = st.integers(-2, 200) | st.floats(0, 10)
rows = st.fixed_dictionaries(
    {"type": st.sampled_from([kind for kind in TYPES if kind != "none"])},
    optional={
        "path": anything | anything.map(lambda text: f"/{text}"),
        "status": st.lists(st.integers(90, 610) | st.sampled_from(["200-299", "2", "1-2 }"])) | anything,
        "digest": anything | st.just("0" * 32),
        "match": anything,
        "host": anything,
        "sni": st.booleans(),
        "name": anything,
        "record_type": st.sampled_from(["A", "SOA", "A }"]),
        "command": anything.map(lambda text: ["/bin/x", text]) | anything | anything.map(lambda text: f"/bin/x {text}"),
        "user": anything,
        "delay_loop": numbers,
        "timeout": numbers,
        "retries": numbers | anything,
        "port": numbers | anything,
    },
)
KEYWORDS = {
    *("connect_ip", "connect_port", "connect_timeout", "bindto", "fwmark", "delay_loop", "retry", "delay_before_retry"),
    *("virtualhost", "enable_sni", "url", "type", "name", "misc_path", "misc_timeout", "user"),
}


@given(rows)
def test_no_value_leaves_its_place(row: dict[str, Any]) -> None:
    """What is read has one block with its keywords, each once, and the values that were given."""
    try:
        check = read_check({name: value for name, value in row.items() if name == "type" or _is_for(row["type"], name)})
    except Invalid:
        return
    blocks = parsed("\n".join([*check.lines(AIM), "the_end"]))
    assert blocks[1:] == [["the_end"]]
    name, lines = blocks[0]
    assert name == TYPES[check.type]
    keywords = [line[0] for line in lines]
    assert len(set(keywords)) == len(keywords)
    assert set(keywords) <= KEYWORDS
    found = {line[0]: line[1:] for line in lines}
    if check.type == "misc":
        assert found["misc_path"] == list(check.command)
    if check.type in ("http", "https"):
        url = {line[0]: line[1:] for line in found["url"][0]}
        assert url["path"] == [check.path]
        assert url.get("regex", [""]) == [check.match]
        assert found.get("virtualhost", [""]) == [check.host]


def _is_for(kind: str, name: str) -> bool:
    """Whether the option is one of the type: others would be refused."""
    try:
        read_check({"type": kind, name: object()})
    except Invalid as error:
        return not any("is not for type" in str(fault) for fault in error.faults)
    return True


@given(rows)
def test_facts_are_read_again(row: dict[str, Any]) -> None:
    try:
        check = read_check(row)
    except Invalid:
        return
    assert read_check(check.facts()) == check

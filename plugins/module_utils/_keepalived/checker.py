# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""A check of a real server: its options, and the block of keepalived.conf. Pure.

Sources: keepalived.conf(5) and lib/parser.c of keepalived 2.2.7.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from ipaddress import IPv6Address
from typing import Any, NamedTuple

from .._core.errors import InvalidValue, MissingValue
from .._core.options import Facts, Faults, Option, boolean, check_fields, choice, integer, number, text
from .._core.values import Address

NONE = "none"
# The types, with keepalived's name of each.
TYPES = {
    "tcp": "TCP_CHECK",
    "http": "HTTP_GET",
    "https": "SSL_GET",
    "smtp": "SMTP_CHECK",
    "dns": "DNS_CHECK",
    "misc": "MISC_CHECK",
    NONE: "",
}
# What services of each protocol can have: a check speaks the protocol of the program, over TCP or UDP.
OF_PROTOCOL: Mapping[str, Sequence[str]] = {
    "tcp": ("tcp", "http", "https", "smtp", "misc", NONE),
    "udp": ("dns", "misc", NONE),
    "sctp": ("misc", NONE),
}
RECORD_TYPES = ("A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY")
# A line is cut at MAXBUF, 1024 bytes, in lib/parser.h; it has an indentation, and the option's name, too.
_LONGEST = 960  # bytes of a value as it is written
_DAY = 86400.0  # seconds
_PLACES = ("{rip}", "{vip}", "{port}")  # in the arguments of a program

# None of them has double quotes, backslashes or $, which mean something within quotes, too, nor control characters.
_PATH = re.compile(r"/[A-Za-z0-9/._~%!&'()*+,;=:@?\[\]#|-]*")
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]{1,253}")
_DNS_NAME = re.compile(r"\.|(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")
_DIGEST = re.compile(r"[0-9a-fA-F]{32}")
_STATUS = re.compile(r"([0-9]{3})(?:-([0-9]{3}))?")
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 /._:=,+@%^&*()[]|?<>;-")


def _pattern(option: str, value: object, pattern: re.Pattern[str], reason: str) -> str:
    if not isinstance(value, (str, int)) or isinstance(value, bool) or not pattern.fullmatch(str(value)):
        raise InvalidValue(option, repr(value), reason)
    if len(str(value).encode()) > _LONGEST:
        raise InvalidValue(option, f"{len(str(value))} characters", f"are more than {_LONGEST}")
    return str(value)


def _path(option: str, value: object) -> str:
    reason = "is not the path of a URL: begin with /, and write other characters than letters and digits as %20"
    return _pattern(option, value, _PATH, reason)


def _host(option: str, value: object) -> str:
    return _pattern(option, value, _HOST, "is not the name of a web site: letters, digits, dots and hyphens")


def _dns_name(option: str, value: object) -> str:
    return _pattern(option, value, _DNS_NAME, "is not a name that a DNS server can be asked for")


def _user(option: str, value: object) -> str:
    return _pattern(option, value, _USER, "is not the name of a user")


def _digest(option: str, value: object) -> str:
    reason = "is not an MD5 digest: 32 hexadecimal digits, as genhash(1) prints them"
    return _pattern(option, value, _DIGEST, reason).lower()


def _status(option: str, value: object) -> tuple[str, ...]:
    """Status codes, and ranges of them, such as C(200) and C(301-302)."""
    given = value if isinstance(value, (list, tuple)) else [value]
    codes = tuple(str(code).replace(" ", "") for code in given)
    for code in codes:
        found = _STATUS.fullmatch(code)
        low, high = (int(part or found[1]) for part in found.groups()) if found else (0, 0)
        if not 100 <= low <= high <= 599:
            raise InvalidValue(option, repr(value), "is no status code, 100 to 599, or a range such as 200-299")
    if not codes:
        raise InvalidValue(option, "[]", "is empty: leave it out, and any code from 200 to 299 will do")
    return codes


def _escapable(option: str, value: object) -> str:
    """A text that is written with escapes."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise InvalidValue(option, repr(value), "is not a text")
    if len(escaped(value)) > _LONGEST:
        raise InvalidValue(option, f"{len(value)} characters", f"are too many: no more than {_LONGEST} fit into a line")
    return value


def _command(option: str, value: object) -> tuple[str, ...]:
    """A program with its arguments, which no shell reads."""
    try:
        given = shlex.split(value) if isinstance(value, str) else value
    except ValueError as error:
        raise InvalidValue(option, repr(value), f"is not a program with arguments: {error}") from None
    if not isinstance(given, (list, tuple)) or not all(isinstance(word, (str, int, float)) for word in given):
        raise InvalidValue(option, repr(value), "is not a program with arguments: write one line, or a list of words")
    words = tuple(map(str, given))
    if not words or not words[0].startswith("/"):
        reason = "does not begin with the path of a program: write one like /usr/local/bin/check"
        raise InvalidValue(option, repr(value), reason)
    if any("\0" in word for word in words):
        raise InvalidValue(option, repr(value), "has a NUL")
    longest = dict.fromkeys(_PLACES, "x" * len(str(IPv6Address(2**128 - 1))))
    if len(_command_line(_replaced(word, longest) for word in words)) > _LONGEST:
        raise InvalidValue(option, f"{len(words)} words", f"are too long: no more than {_LONGEST} characters fit into a line")
    return words


_TIMES: tuple[Option[Any], ...] = (
    number("delay_loop", 0.1, _DAY, " seconds", default=5.0),
    number("timeout", 0.1, 3600, " seconds", default=3.0),
    integer("retries", 0, 100, default=2),
    number("delay_before_retry", 0.1, 3600, " seconds", default=1.0),
)
_PORT = integer("port", 1, 65535)
_HTTP: tuple[Option[Any], ...] = (
    text("path", _path, default="/"),
    text("status", _status, type="list", elements="str"),
    text("digest", _digest),
    text("match", _escapable),
    text("host", _host),
)
_OF_TYPE: Mapping[str, tuple[Option[Any], ...]] = {
    "tcp": (_PORT, *_TIMES),
    "http": (_PORT, *_TIMES, *_HTTP),
    "https": (_PORT, *_TIMES, *_HTTP, boolean("sni")),
    "smtp": (_PORT, *_TIMES),
    "dns": (
        _PORT,
        *_TIMES,
        text("name", _dns_name, default="."),
        choice("record_type", RECORD_TYPES, default="SOA"),
    ),
    "misc": (*_TIMES, text("command", _command, type="list", elements="str"), text("user", _user, default="root")),
    NONE: (),
}
_TYPE = choice("type", tuple(TYPES), required=True)
# Of all types, each once.
OPTIONS: tuple[Option[Any], ...] = (
    _TYPE,
    *{option.name: option for options in _OF_TYPE.values() for option in options}.values(),
)


class Aim(NamedTuple):
    """Where the connection of a check goes, and how."""

    address: Address
    port: int
    source: Address | None = None  # the director's own; None: as the kernel chooses it
    mark: int = 0  # of the service that sends it into the tunnel; 0: it goes straight to the real server
    vip: Address | None = None  # of the service
    rip: Address | None = None  # of the real server


@dataclass(frozen=True)
class Check:
    """A check of a real server."""

    type: str
    port: int | None = None  # None: that of the service
    delay_loop: float = 5.0  # seconds
    timeout: float = 3.0  # seconds
    retries: int = 2
    delay_before_retry: float = 1.0  # seconds
    path: str = "/"
    status: tuple[str, ...] = ()
    digest: str = ""
    match: str = ""
    host: str = ""
    sni: bool | None = None  # None: where there is a host
    name: str = "."
    record_type: str = "SOA"
    command: tuple[str, ...] = ()
    user: str = "root"

    @property
    def runs(self) -> bool:
        """Whether anything is checked."""
        return self.type != NONE

    @property
    def connects(self) -> bool:
        """Whether keepalived itself connects to the real server."""
        return self.type not in (NONE, "misc")

    def facts(self) -> Facts:
        """The options that are not the defaults, as they can be read again."""
        found: Facts = {"type": self.type}
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            if value != field.default:
                found[field.name] = list(value) if isinstance(value, tuple) else value
        return found

    def lines(self, aim: Aim) -> list[str]:
        """The block, without indentation."""
        own: list[str] = []
        if self.type in ("http", "https"):
            own = self._http()
        elif self.type == "dns":
            own = self._dns()
        elif self.type == "misc":
            own = self._misc(aim)
        return [
            f"{TYPES[self.type]} {{",
            *(self._connection(aim) if self.connects else ()),
            f"delay_loop {self.delay_loop:g}",
            f"retry {self.retries}",
            f"delay_before_retry {self.delay_before_retry:g}",
            *own,
            "}",
        ]

    def _connection(self, aim: Aim) -> list[str]:
        lines = [f"connect_ip {aim.address}", f"connect_port {aim.port}", f"connect_timeout {self.timeout:g}"]
        lines += [f"bindto {aim.source}"] if aim.source is not None else []
        return lines + ([f"fwmark {aim.mark}"] if aim.mark else [])

    def _http(self) -> list[str]:
        lines = []
        if self.host:
            lines.append(f"virtualhost {quoted(self.host)}")
        if self.type == "https" and (self.sni if self.sni is not None else self.host):
            lines.append("enable_sni")
        url = [f"path {quoted(self.path)}"]
        url += [f"status_code {' '.join(self.status)}"] if self.status else []
        url += [f"digest {self.digest}"] if self.digest else []
        url += [f'regex "{escaped(self.match)}"'] if self.match else []
        return [*lines, "url {", *url, "}"]

    def _dns(self) -> list[str]:
        # The root has no name that keepalived could be told.
        return [f"type {self.record_type}", *([f"name {quoted(self.name)}"] if self.name != "." else [])]

    def _misc(self, aim: Aim) -> list[str]:
        known = dict(zip(_PLACES, (aim.rip, aim.vip or "", aim.port)))
        words = [_replaced(word, known) for word in self.command]
        return [f'misc_path "{_command_line(words)}"', f"misc_timeout {int(self.timeout)}", f"user {self.user}"]


def _command_line(words: Iterable[str]) -> str:
    """A program with its arguments: one word with escapes, which keepalived reads once more (set_script_params_array())."""
    return escaped(" ".join(f'"{escaped(word)}"' for word in words))


def _replaced(word: str, known: Mapping[str, object]) -> str:
    for name, value in known.items():
        word = word.replace(name, str(value))
    return word


def quoted(value: str) -> str:
    """A value in double quotes, within which C(!), C(#) and braces mean nothing.

    :raises ValueError: it has a character that means something there: no option can have one
    """
    if re.search(r'["\\$\x00-\x1f\x7f]', value):
        raise ValueError(value)
    return f'"{value}"'


def escaped(value: str) -> str:
    """A text for options that know escapes, alloc_strvec_quoted_escaped() in lib/parser.c: all but plain bytes in octal."""
    return "".join(chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in value.encode("utf-8", "surrogateescape"))


def read_check(given: object, common: Check | None = None) -> Check:
    """The option C(check): a type, or a dictionary.

    :param common: that of the service, whose options a check of the same type has, too
    :raises Invalid: all that is wrong with it
    """
    row = {"type": given} if isinstance(given, str) else given
    if not isinstance(row, Mapping):
        raise InvalidValue("check", repr(given), f"is neither a type ({', '.join(TYPES)}) nor a dictionary with a type")
    row = {name: value for name, value in row.items() if value is not None}
    if common is not None and row.get("type", common.type) == common.type:
        row = {**common.facts(), **row}
    faults = Faults()
    faults.collect(check_fields, dict(row), [option.name for option in OPTIONS])
    if "type" not in row:
        faults.add(MissingValue("type", f"name what is checked: {', '.join(TYPES)}"))
        faults.raise_all()
    kind = _TYPE.read(row["type"])
    readers = {option.name: option.read for option in _OF_TYPE[kind]}
    for option in OPTIONS[1:]:
        if option.name in row and option.name not in readers:
            of_types = ", ".join(name for name, options in _OF_TYPE.items() if option in options)
            faults.add(InvalidValue(option.name, repr(row[option.name]), f"is not for type {kind}, but for {of_types}"))
    found = {name: faults.read(read, row[name]) for name, read in readers.items() if name in row}
    faults.raise_all()
    check = Check(kind, **{name: value.value for name, value in found.items()})
    _check(check)
    return check


def _check(check: Check) -> None:
    """Refuse options that cannot go together."""
    faults = Faults()
    if check.digest and check.match:
        faults.add(InvalidValue("match", repr(check.match), "cannot go with digest: the answer is compared with one of them"))
    if check.sni and not check.host:
        faults.add(MissingValue("host", "sni sends the name of the web site: name it"))
    if check.type == "misc":
        if not check.command:
            faults.add(MissingValue("command", "name the program that checks a real server"))
        if check.timeout != int(check.timeout) or check.timeout < 1:
            faults.add(InvalidValue("timeout", f"{check.timeout:g}", "is not in whole seconds, as type misc needs it"))
    faults.raise_all()


def check_protocol(check: Check, protocol: str | None, option: str = "check") -> None:
    """Refuse a check that the program behind a service cannot answer.

    :param protocol: of the service; C(None) for a firewall mark, which may be of any
    """
    possible = OF_PROTOCOL.get(protocol or "", tuple(TYPES))
    if check.type not in possible:
        kinds = ", ".join(possible)
        raise InvalidValue(option, check.type, f"cannot check a service whose protocol is {protocol}: choose one of {kinds}")

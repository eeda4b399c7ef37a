# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules as processes of their own, and the server that saves the other tests their starts: it makes no difference."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from . import managed_host
from .namespaces import Namespace, result

MODULES = Path(__file__).parents[2] / "plugins/modules"
VIP = "192.168.56.185"
SERVICE = {"vip": VIP, "port": 80}
# Each module, in an order in which one finds what another has made.
CALLS: dict[str, dict[str, Any]] = {
    "arp_sysctl": {},
    "check_sysctl": {"state": "absent"},
    "tunl_vip": {"vip": VIP},
    "tunnel_guard": {"sources": ["192.168.56.181"]},
    "mss_clamp": {"tunnels": [{"vip": VIP, "director": "192.168.56.181"}]},
    "port_dnat": {**SERVICE, "to_port": 8080},
    "firewall": {"services": [SERVICE]},
    "keepalived": {"state": "absent"},
    "ipvs_sysctl": {"settings": {"conntrack": 1}},
    "ipvs_timeouts": {"tcp": 800},
    "ipvs_sync_daemon": {"role": "master", "interface": "eth0"},
    "ipvs_service": SERVICE,
    "ipvs_dest": {**SERVICE, "rip": "192.168.56.183"},
    "ipvs_table": {"services": [{**SERVICE, "destinations": [{"rip": "192.168.56.184"}]}]},
    "ipvs_info": {},
    "boot": {"services": [SERVICE]},
    "batch": {"steps": [{"arp_sysctl": {"device": "lo"}}, {"tunl_vip": {"vip": "192.168.56.186"}}, {"boot": {}}]},
    "state_info": {},
    "preflight": {"vips": ["192.168.56.187"], "timeout": 0.1},
    "vip_probe": {"probes": [{"vip": VIP, "port": 81, "expect": ["nobody"], "timeout": 0.1}]},
}
# A module that does what its option names.
FAULTY = """
import gc, json, os, resource, signal, sys, threading, time

def handlers():
    return {number.name: str(signal.getsignal(number)) for number in signal.Signals}

def look():
    os.umask(umask := os.umask(0))
    files = sorted(name for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}"))
    spaces = {kind: os.stat(f"/proc/self/ns/{kind}").st_ino for kind in ("net", "pid", "user", "uts", "ipc")}
    json.dump({
        "argv": sys.argv, "directory": os.getcwd(), "path": sys.path, "environment": dict(os.environ), "umask": umask,
        "files": files, "namespaces": spaces, "threads": threading.active_count(), "signals": handlers(),
        "blocked": str(signal.pthread_sigmask(signal.SIG_BLOCK, ())), "collects": gc.isenabled(), "flags": list(sys.flags),
        "main": [__name__, __file__, __spec__.name], "limit": resource.getrlimit(resource.RLIMIT_NOFILE),
        "tuned": hasattr(json, "tuned"), "collected": gc.get_threshold(), "writes": not sys.dont_write_bytecode,
        "isatty": sys.stdin.isatty(), "encoding": sys.stdout.encoding, "buffering": sys.stdout.line_buffering,
    }, sys.stdout)

def change():
    gc.disable(); os.umask(0o77); os.chdir("/"); os.environ["CHANGED"] = "yes"; json.tuned = True
    sys.path.insert(0, "/changed"); sys.argv.append("changed"); signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("{}")

def thread():
    threading.Thread(target=lambda: (time.sleep(0.5), print('{"late": true}'))).start()

def write_and_end():
    os.write(1, b"written"); os.write(2, b"complained"); os._exit(3)

def crash():
    os.write(1, b"written"); os.kill(os.getpid(), signal.SIGSEGV)

def garbage():
    os.write(1, bytes([255, 254])); os.system("echo by a child; echo to the errors >&2")

def end_with_text():
    sys.exit("the end")

def fail():
    raise RuntimeError("out of order")

def hang():
    time.sleep(600)

def main():
    globals()[json.load(sys.stdin)["ANSIBLE_MODULE_ARGS"]["work"]]()

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def faulty(host: Namespace) -> Iterator[Namespace]:
    """A host with one more module."""
    file = host._modules.folder / "ansible_collections/lvs/cluster/plugins/modules/faulty.py"
    file.write_text(FAULTY)
    try:
        yield host
    finally:
        file.unlink()


@pytest.fixture(scope="module")
def twins(new_lasting_namespace: Callable[[], Namespace]) -> tuple[Namespace, Namespace]:
    """Two hosts that are the same."""
    hosts = new_lasting_namespace(), new_lasting_namespace()
    for host in hosts:
        host.sh("ip link add eth0 address 02:00:00:00:00:01 type dummy; ip link set eth0 up")
        host.sh("ip address add 192.168.56.181/24 dev eth0")
    return hosts


def test_every_module_is_here() -> None:
    assert set(CALLS) == {file.stem for file in MODULES.glob("*.py") if "\ndef main(" in file.read_text()}


@pytest.mark.parametrize("module", CALLS)
def test_process_and_server_return_the_same(twins: tuple[Namespace, Namespace], module: str) -> None:
    host, twin = twins
    returned = result(host.start(module, **CALLS[module]))
    assert returned.get("failed", False) == (module == "vip_probe"), returned
    assert twin.module(module, **CALLS[module]) == returned


def test_module_finds_a_fresh_process(faulty: Namespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    faulty.module("faulty", work="change")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LVS_TEST", "two  words")
    monkeypatch.delenv("HOME", raising=False)
    assert faulty.module("faulty", work="look") == result(faulty.start("faulty", work="look"))


def test_threads_are_waited_for(faulty: Namespace) -> None:
    assert faulty.module("faulty", work="thread") == result(faulty.start("faulty", work="thread")) == {"late": True}


def complaint(run: Callable[[], object]) -> str:
    """What is said of a module that returns nothing."""
    with pytest.raises(AssertionError, match="the module printed no JSON:") as complained:
        run()
    return str(complained.value)


@pytest.mark.parametrize(
    ("work", "output"),
    [
        ("write_and_end", "written\ncomplained"),
        ("crash", "written\n"),
        ("end_with_text", "the end\n"),
        ("fail", "RuntimeError: out of order\n"),
    ],
)
def test_failure_is_reported_with_its_output(faulty: Namespace, work: str, output: str) -> None:
    by_server = complaint(lambda: faulty.module("faulty", work=work))
    by_process = complaint(lambda: result(faulty.start("faulty", work=work)))
    assert by_server.endswith(output)
    assert by_server.splitlines()[-2:] == by_process.splitlines()[-2:]
    assert ("Traceback" in by_server) == ("Traceback" in by_process) == (work == "fail")
    assert faulty.module("faulty", work="change") == {}


def test_garbage_is_reported_as_it_is(faulty: Namespace) -> None:
    said = complaint(lambda: faulty.module("faulty", work="garbage"))
    assert "\\xff\\xfeby a child\n" in said
    assert said.endswith("to the errors\n")


def test_module_that_hangs_is_ended(faulty: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(managed_host, "TIMEOUT", 1)
    with pytest.raises(subprocess.TimeoutExpired):
        faulty.module("faulty", work="hang")
    children = ["pgrep", "--parent", str(faulty._modules._server.pid)]
    until = time.monotonic() + 5
    while subprocess.run(children, check=False, stdout=subprocess.DEVNULL).returncode == 0:
        assert time.monotonic() < until
    assert faulty.module("faulty", work="change") == {}


def test_missing_module(host: Namespace) -> None:
    with pytest.raises(AssertionError, match=r"No module named .*[.]nosuch"):
        host.module("nosuch")

# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""lab/run: output, exit status, the path in place, interruption, and a machine left as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

RUN = str(Path(__file__).parents[2] / "lab/run")
TIMEOUT = 120


def lab(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([RUN, *command], capture_output=True, text=True, timeout=TIMEOUT, check=False)


def look() -> str:
    """The machine's own network, as the lab must leave it."""
    script = "ip -o link; ip -o address; ip route show table all; ip netns; sysctl -a 2>/dev/null | grep -E '^net[.]ipv[46][.]conf'"
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=TIMEOUT, check=True).stdout


@pytest.fixture(autouse=True)
def machine_stays_as_it_was() -> Iterator[None]:
    before, rundirs = look(), set(Path("/tmp").glob("lvs-lab.*"))
    yield
    assert look() == before
    assert set(Path("/tmp").glob("lvs-lab.*")) <= rundirs


def test_output_and_exit_status() -> None:
    done = lab("sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 7)


def test_kernel_has_ipvs_and_an_empty_network() -> None:
    done = lab("sh", "-ec", "ipvsadm -A -t 192.0.2.1:80 -s wrr; ipvsadm -Sn; ip -br -4 address; ip route")
    assert done.stdout.splitlines() == ["-A -t 192.0.2.1:80 -s wrr", "lo               UNKNOWN        127.0.0.1/8 "]


def test_environment_and_folder_are_the_callers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_TEST", "two  words")
    monkeypatch.chdir(tmp_path)
    assert lab("sh", "-c", 'echo "$LAB_TEST"; pwd').stdout.splitlines() == ["two  words", str(tmp_path)]


def test_output_comes_while_the_command_runs() -> None:
    with subprocess.Popen([RUN, "sh", "-c", "echo first; sleep 3; echo second"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "first\n"
        first = time.monotonic()
        assert process.stdout.readline() == "second\n"
        assert time.monotonic() - first > 1


def test_in_place_on_a_kernel_that_has_ipvs() -> None:
    inner = "ipvsadm -A -t 192.0.2.1:80 -s wrr; uname -r; echo err >&2; exit 7"
    script = f"uname -r; {RUN} sh -ec '{inner}'; echo $?; ipvsadm -Sn | wc -l; ls /run/lvs-lab"
    done = lab("sh", "-c", script)
    outer_kernel, inner_kernel, status, rules_left = done.stdout.split()[:4]
    assert outer_kernel == inner_kernel
    assert (status, rules_left, done.stderr) == ("7", "0", "err\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_stays_behind_when_interrupted(number: signal.Signals) -> None:
    marker = f"lab-test-{os.getpid()}-{number}"
    process = subprocess.Popen(
        [RUN, "sh", "-c", f"echo up; exec -a {marker} sleep 60 || sleep 60"], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    guests = descendants(process.pid)
    assert guests
    process.send_signal(number)
    process.wait(timeout=30)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(Path(f"/proc/{pid}").exists() for pid in guests):
        time.sleep(0.1)
    assert [pid for pid in guests if Path(f"/proc/{pid}").exists()] == []
    if number == signal.SIGKILL:  # nobody was left to remove its folder of scripts
        for folder in Path("/tmp").glob("lvs-lab.*"):
            subprocess.run(["rm", "-r", str(folder)], check=True, timeout=TIMEOUT)


def descendants(pid: int) -> list[int]:
    """The processes below a process."""
    found = []
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for child in map(int, children):
        found += [child, *descendants(child)]
    return found

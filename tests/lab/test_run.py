# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""lab/run: output, exit status, the path in place, interruption, and a machine left as it was."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
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
    script = (
        "{ ip -o link; ip -o address; ip route show table all; ip netns; nft list ruleset;"
        " sysctl -a | grep -E '^net[.]ipv[46][.]conf'; }"
        " 2>/dev/null | sed -E 's/(valid_lft|preferred_lft|expires) [0-9]+sec//g'"
    )
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=TIMEOUT, check=True).stdout


@pytest.fixture(autouse=True)
def machine_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that lab/run has for its own: empty afterwards."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = look()
    yield tmp_path
    assert look() == before
    assert list(tmp_path.glob("lvs-lab.*")) == []


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
    with subprocess.Popen(
        [RUN, "sh", "-c", "echo first; sleep 3; echo second"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "first\n"
        first = time.monotonic()
        assert process.stdout.readline() == "second\n"
        assert time.monotonic() - first > 1


def test_output_that_others_share_stays_blocking() -> None:
    reader, writer = os.pipe()
    with subprocess.Popen([RUN, "sh", "-c", "echo up; sleep 1"], stdout=writer, stderr=writer) as process:
        assert os.read(reader, 3) == b"up\n"
        assert os.get_blocking(writer)
    assert (process.returncode, os.get_blocking(writer)) == (0, True)
    os.close(reader)
    os.close(writer)


def test_in_place_on_a_kernel_that_has_ipvs() -> None:
    inner = "ipvsadm -A -t 192.0.2.1:80 -s wrr; uname -r; echo err >&2; exit 7"
    script = f"uname -r; {RUN} sh -ec '{inner}'; echo $?; ipvsadm -Sn | wc -l; ls /run/lvs-lab"
    done = lab("sh", "-c", script)
    outer_kernel, inner_kernel, status, rules_left = done.stdout.split()[:4]
    assert outer_kernel == inner_kernel
    assert (status, rules_left, done.stderr) == ("7", "0", "err\n")


def test_nothing_stays_behind_when_interrupted_in_place() -> None:
    done = lab(sys.executable, __file__)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_nothing_stays_behind_when_interrupted(number: signal.Signals, machine_stays_as_it_was: Path) -> None:
    left = interrupted([RUN], number)
    assert left == []
    if number == signal.SIGKILL:  # nobody was left to remove its folder
        (folder,) = machine_stays_as_it_was.glob("lvs-lab.*")
        shutil.rmtree(folder)


def interrupted(run: list[str], number: signal.Signals) -> list[int]:
    """Start a command, send lab/run a signal, and say which processes are still there a little later."""
    process = subprocess.Popen(
        [*run, "sh", "-c", "echo up; sleep 60; true"], stdout=subprocess.PIPE, text=True, start_new_session=True
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
    return [pid for pid in guests if Path(f"/proc/{pid}").exists()]


def descendants(pid: int) -> list[int]:
    """The processes below a process."""
    table = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, timeout=TIMEOUT, check=True).stdout
    parents = {int(child): int(parent) for child, parent in map(str.split, table.splitlines())}
    below = {pid}
    while found := {child for child, parent in parents.items() if parent in below} - below:
        below |= found
    return sorted(below - {pid})


if __name__ == "__main__":  # inside the lab, for the test of the path in place
    print(
        [int(number) for number in signal.Signals if number in (signal.SIGTERM, signal.SIGINT) and interrupted([RUN], number)]
    )

# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as a user gets it: built, installed from the tarball without a network, documented."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
MODULES = ("arp_sysctl", "cluster_plan", "ipvs_dest", "ipvs_service", "port_dnat", "tunl_vip")
NO_NETWORK = ("unshare", "--net")
TIMEOUT = 120


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of collections with this one, from a tarball."""
    built, folder = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("collections")
    build = ("ansible-galaxy", "collection", "build", "--output-path", str(built))
    subprocess.run([*NO_NETWORK, *build], cwd=PROJECT, check=True, capture_output=True, timeout=TIMEOUT)
    (tarball,) = built.glob("lvs-cluster-*.tar.gz")
    install = ("ansible-galaxy", "collection", "install", str(tarball), "--offline", "--collections-path", str(folder))
    subprocess.run([*NO_NETWORK, *install], cwd=folder, check=True, capture_output=True, timeout=TIMEOUT)
    return folder


def run(installed: Path, *command: str) -> str:
    """What a command prints, away from the checkout and its ansible.cfg."""
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(installed)}
    done = subprocess.run(
        command, cwd=installed, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_holds_what_a_user_needs_and_no_more(installed: Path) -> None:
    found = {path.name for path in (installed / "ansible_collections/lvs/cluster").iterdir()}
    assert found >= {"plugins", "roles", "playbooks", "meta", "README.md", "LICENSE"}
    assert not found & {"lab", "molecule", "Makefile", ".collections", "ansible.cfg", ".ci"}


@pytest.mark.parametrize("module", MODULES)
def test_module_is_documented(installed: Path, module: str) -> None:
    text = run(installed, "ansible-doc", "--type", "module", f"lvs.cluster.{module}")
    assert "EXAMPLES:" in text
    assert "RETURN VALUES:" in text


@pytest.mark.parametrize("role", ["lvs", "director", "realserver"])
def test_role_is_documented(installed: Path, role: str) -> None:
    assert f"lvs.cluster.{role}" in run(installed, "ansible-doc", "--type", "role", f"lvs.cluster.{role}")


def test_playbook_is_found_by_its_name(installed: Path) -> None:
    # No host matches, so nothing is done: but the playbook and its roles have been read.
    run(installed, "ansible-playbook", "--inventory", "localhost,", "--syntax-check", "lvs.cluster.site")


def kernel_has_ipvs() -> bool:
    """Whether IPVS is there or can be loaded; asked in a namespace that vanishes."""
    return subprocess.run([*NO_NETWORK, "ipvsadm", "-ln"], capture_output=True, timeout=TIMEOUT, check=False).returncode == 0


@pytest.mark.skipif(kernel_has_ipvs(), reason="this machine's kernel has IPVS")
def test_kernel_without_ipvs(installed: Path) -> None:
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(installed)}
    options = "vip=192.168.56.185 port=80 scheduler=wrr"
    done = subprocess.run(
        [*NO_NETWORK, "ansible", "localhost", "-m", "lvs.cluster.ipvs_service", "-a", options],
        cwd=installed, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "this kernel has no IPVS: load it with 'modprobe ip_vs'" in done.stdout + done.stderr

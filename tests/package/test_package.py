# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as a user gets it: built, installed and documented with the README's own commands."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import checkout
from tests.package.galaxy import galaxy
from tests.readme import BUILD, COMMANDS, DOCUMENTATION, FROM_GALAXY, FROM_TARBALL, MAKE, ON_A_CLUSTER

MODULES = (
    *("arp_sysctl", "boot", "cluster_plan", "cluster_status", "ipvs_dest", "ipvs_service"),
    *("port_dnat", "tunl_vip", "vip_probe"),
)
NO_NETWORK = ("unshare", "--net")
TIMEOUT = 120


def run(command: str, folder: Path, *, within: tuple[str, ...] = (), **environment: str) -> str:
    """What a command prints that a user types in a folder, with a home of their own."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    home = {**own, "HOME": str(folder.parent), **environment}
    done = subprocess.run(
        [*within, *shlex.split(command)], cwd=folder, env=home, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def collection(home: Path) -> Path:
    """Where a collection is that was installed without a word about where."""
    return home / ".ansible/collections/ansible_collections/lvs/cluster"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in a home in which the collection was built and installed, without a network."""
    folder = tmp_path_factory.mktemp("home") / "checkout"
    checkout.copy_to(folder)
    for command in (BUILD, FROM_TARBALL):
        run(command, folder, within=NO_NETWORK)
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    shutil.move(str(folder / FROM_TARBALL.split()[-1]), elsewhere)
    return elsewhere


def test_every_command_of_the_readme_is_run_by_a_test() -> None:
    assert sorted(COMMANDS) == sorted([*MAKE, FROM_GALAXY, BUILD, FROM_TARBALL, *ON_A_CLUSTER, *DOCUMENTATION])


def test_holds_what_a_user_needs_and_no_more(installed: Path) -> None:
    found = {path.name for path in collection(installed.parent).iterdir()}
    made = {"MANIFEST.json", "FILES.json"}
    assert found - made == {
        *("CHANGELOG.md", "LICENSE", "LICENSES", "README.md", "REUSE.toml"),
        *("changelogs", "docs", "meta", "playbooks", "plugins", "roles"),
    }


def test_installs_from_galaxy(installed: Path, tmp_path: Path) -> None:
    (tarball,) = installed.glob("*.tar.gz")
    (tmp_path / "work").mkdir()
    with galaxy(tarball) as server:
        run(FROM_GALAXY, tmp_path / "work", ANSIBLE_GALAXY_SERVER=server)
    from_galaxy, from_tarball = (collection(home) / "MANIFEST.json" for home in (tmp_path, installed.parent))
    assert from_galaxy.read_bytes() == from_tarball.read_bytes()


@pytest.mark.parametrize("command", DOCUMENTATION)
def test_documentation_is_at_hand(installed: Path, command: str) -> None:
    assert command.split()[-1] in run(command, installed)


@pytest.mark.parametrize("module", MODULES)
def test_module_is_documented(installed: Path, module: str) -> None:
    text = run(f"ansible-doc --type module lvs.cluster.{module}", installed)
    assert "EXAMPLES:" in text
    assert "RETURN VALUES:" in text


@pytest.mark.parametrize("role", ["lvs", "director", "realserver"])
def test_role_is_documented(installed: Path, role: str) -> None:
    assert f"lvs.cluster.{role}" in run(f"ansible-doc --type role lvs.cluster.{role}", installed)


PLAYBOOKS = ("site", "status", "drain", "restore", "rolling_update", "adopt", "teardown")


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_playbook_is_found_by_its_name(installed: Path, playbook: str) -> None:
    # No host matches, so nothing is done: but the playbook and its roles have been read.
    run(f"ansible-playbook --inventory localhost, --syntax-check lvs.cluster.{playbook}", installed)


def kernel_has_ipvs() -> bool:
    """Whether IPVS is there or can be loaded; asked in a namespace that vanishes."""
    return subprocess.run([*NO_NETWORK, "ipvsadm", "-ln"], capture_output=True, timeout=TIMEOUT, check=False).returncode == 0


@pytest.mark.skipif(kernel_has_ipvs(), reason="this machine's kernel has IPVS")
def test_kernel_without_ipvs(installed: Path) -> None:
    options = "'vip=192.168.56.185 port=80 scheduler=wrr'"
    with pytest.raises(AssertionError, match="this kernel has no IPVS: load it with 'modprobe ip_vs'"):
        run(f"ansible localhost -m lvs.cluster.ipvs_service -a {options}", installed, within=NO_NETWORK)

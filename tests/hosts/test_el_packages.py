# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package step on hosts that say they are EL: dnf, and a repository of stand-ins with EL's names of packages.

The packages have what Debian's have. So it is tested which ones are asked for, and what is said and done; not an EL system.
"""

from __future__ import annotations

import pytest

from ..recap import recap
from .conftest import VIP, Site

PYROUTE2 = "python3-pyroute2"
REPOSITORY = "/srv/el"
# What the image has installed is taken away, so that it is missing, into a package of the name that it has on EL.
PACKAGES = {
    PYROUTE2: "/srv/packages/python3-pyroute2*.deb /srv/packages/python3-psutil*.deb",
    "python3-nftables": "/srv/packages/python3-nftables*.deb",
    "ipvsadm": "/usr/sbin/ipvsadm",
    "nftables": "/usr/sbin/nft",
}
SPEC = """\
%global __os_install_post %{{nil}}
Name: {name}
Version: 1
Release: 1
Summary: Stand-in
License: none
AutoReqProv: no
%description
Stand-in.
%install
mkdir -p %{{buildroot}}/usr
for source in {source}; do
    case $source in
    *.deb) dpkg-deb -x $source tree && cp -a tree/usr/lib %{{buildroot}}/usr/ && rm -r tree ;;
    *) mkdir -p %{{buildroot}}/usr/sbin && cp $source %{{buildroot}}/usr/sbin/ && rm $source ;;
    esac
done
%files
/usr/*
"""
REPO = f"[el]\nname=Stand-ins\nbaseurl=file://{REPOSITORY}\ngpgcheck=0\nmetadata_expire=1\n"
RELEASE = 'PRETTY_NAME="Rocky Linux {0}"\nNAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="{0}"\n'
OTHER_PYTHON = "/opt/python/bin/python"


def put(site: Site, name: str, path: str, text: str) -> None:
    """Write a file on a host."""
    site.host(name).check_output("mkdir -p $(dirname %s); rm -f %s; printf %%s %s > %s", path, path, text, path)


def become(site: Site, version: str) -> None:
    """Have the hosts say that they are Rocky Linux of a version."""
    for name in ("ds1", "rs1"):
        put(site, name, "/etc/os-release", RELEASE.format(version))
        put(site, name, "/etc/redhat-release", f"Rocky Linux release {version}\n")


def offer(site: Site, *packages: str) -> None:
    """Have the repository of each host hold these packages."""
    for name in ("ds1", "rs1"):
        files = " ".join(f"/srv/built/*/{package}-1-1.*.rpm" for package in packages)
        site.host(name).check_output(
            f"rm -rf {REPOSITORY}; mkdir {REPOSITORY}; cp {files} {REPOSITORY}; createrepo_c -q {REPOSITORY}"
        )


def installed(site: Site, name: str) -> set[str]:
    """The packages that dnf has installed on a host."""
    return set(site.host(name).check_output("rpm -qa --queryformat '%{NAME}\\n'").split())


@pytest.fixture(scope="module")
def el(site: Site) -> Site:
    """A director and a real server of EL 9, without anything that the roles install."""
    for name in ("ds1", "rs1"):
        site.install(name, "dnf", "rpm", "createrepo-c")
        host = site.host(name)
        for package, source in PACKAGES.items():
            put(site, name, f"/srv/{package}.spec", SPEC.format(name=package, source=source))
            host.check_output("cd /srv && rpmbuild -bb --define '_rpmdir /srv/built' %s.spec", package)
        put(site, name, "/etc/yum.repos.d/el.repo", REPO)
    become(site, "9.6")
    return site


def test_repository_that_lacks_a_package(el: Site) -> None:
    """The repository to enable is named, and what to do without it."""
    offer(el, *(package for package in PACKAGES if package != PYROUTE2))
    done = el.playbook("site", check=False)
    assert done.returncode
    assert f"rs1: nftables, python3-nftables, {PYROUTE2} could not be installed: " in done.stdout
    assert f"No package {PYROUTE2} available" in done.stdout
    assert f"dnf install {PYROUTE2} (it is in EPEL: install epel-release, see " in done.stdout
    assert "set lvs_install_packages to false; libraries have to be there for /usr/bin/python3" in done.stdout
    assert not installed(el, "rs1")


def test_check_mode(el: Site) -> None:
    done = el.playbook("site", "--check")
    assert f"dnf install ipvsadm {PYROUTE2}" in done.stdout
    assert f"dnf install nftables python3-nftables {PYROUTE2}" in done.stdout
    assert not installed(el, "ds1") | installed(el, "rs1")


def test_packages_for_another_python(el: Site) -> None:
    """They are installed, and what runs the modules does not find their libraries: this run says so, and the next one."""
    offer(el, *PACKAGES)
    el.host("rs1").check_output("python3 -m venv --without-pip /opt/python")
    way_out = f"/usr/bin/python3 has pyroute2, and {OTHER_PYTHON}, which runs the modules, has not: set ansible_python_inter"
    for found in (set(), {PYROUTE2, "python3-nftables", "nftables"}):
        assert installed(el, "rs1") == found
        done = el.playbook("site", "--limit", "rs1", check=False, ansible_python_interpreter=OTHER_PYTHON)
        assert done.returncode
        assert way_out in done.stdout
        assert VIP not in el.host("rs1").check_output("ip address")


def test_packages_are_installed(el: Site) -> None:
    """With what they have, the cluster works, and a second run finds nothing to do."""
    offer(el, *PACKAGES)
    el.playbook("site")
    assert installed(el, "ds1") == {PYROUTE2, "ipvsadm"}
    assert installed(el, "rs1") == {PYROUTE2, "python3-nftables", "nftables"}
    assert set(el.answers()) == {"rs1"}
    again = el.playbook("site")
    assert set(recap(again.stdout, "changed").values()) == {0}
    assert VIP in el.host("ds1").check_output("ipvsadm -Ln")

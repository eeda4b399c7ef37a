# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces for every test; see lab/run for the kernel under them."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ..shared_files import pytest_runtest_protocol
from .forwarding import Cluster, standing
from .managed_host import PYTHON, Modules
from .namespaces import Namespace, namespaces

__all__ = ["pytest_runtest_protocol"]


def pytest_report_header() -> str:
    """Which Python and which pyroute2 the modules run with."""
    ask = "import importlib.metadata, platform; print(platform.python_version(), importlib.metadata.version('pyroute2'))"
    version, pyroute2 = subprocess.check_output([PYTHON, "-c", ask], text=True).split()
    return f"managed host: {PYTHON}, Python {version}, pyroute2 {pyroute2}"


@pytest.fixture(scope="session")
def modules() -> Iterator[Modules]:
    """What Ansible sends to a managed host, and what runs it there."""
    # Not one of pytest's own folders: only their owner can read those.
    with tempfile.TemporaryDirectory() as folder, closing(Modules(Path(folder))) as made:
        yield made


@pytest.fixture
def new_namespace(tmp_path: Path, modules: Modules) -> Iterator[Callable[[], Namespace]]:
    """Makes namespaces that go with the test."""
    with namespaces(tmp_path, modules) as make:
        yield make


@pytest.fixture(scope="module")
def new_lasting_namespace(tmp_path_factory: pytest.TempPathFactory, modules: Modules) -> Iterator[Callable[[], Namespace]]:
    """Makes namespaces that go with the module's last test."""
    with namespaces(tmp_path_factory.mktemp("hosts"), modules) as make:
        yield make


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, modules: Modules) -> Iterator[Cluster]:
    """Every way of forwarding; its tests leave it as they found it."""
    with namespaces(tmp_path_factory.mktemp("hosts"), modules) as make, standing(make) as made:
        yield made


@pytest.fixture
def host(new_namespace: Callable[[], Namespace]) -> Namespace:
    """One host."""
    return new_namespace()


@pytest.fixture
def without_fallback_devices(new_namespace: Callable[[], Namespace]) -> Namespace:
    """A host whose tunl0 and its like are not there yet, as before their modules are loaded."""
    setting = Path("/proc/sys/net/core/fb_tunnels_only_for_init_net")
    former = setting.read_text()
    setting.write_text("2")  # in no namespace
    try:
        return new_namespace()
    finally:
        setting.write_text(former)

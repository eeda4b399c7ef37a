# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces for every test; see lab/run for the kernel under them."""

from __future__ import annotations

import itertools
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .forwarding import Cluster, standing
from .namespaces import PYTHON, Namespace, managed_python

_numbers = itertools.count(1)


def pytest_report_header() -> str:
    """Which Python and which pyroute2 the modules run with."""
    ask = "import importlib.metadata, platform; print(platform.python_version(), importlib.metadata.version('pyroute2'))"
    version, pyroute2 = subprocess.check_output([PYTHON, "-c", ask], text=True).split()
    return f"managed host: {PYTHON}, Python {version}, pyroute2 {pyroute2}"


@pytest.fixture(scope="session")
def modules() -> Iterator[Path]:
    """Where a managed host's Python finds ansible-core and this collection."""
    # Not one of pytest's own folders: only their owner can read those.
    with tempfile.TemporaryDirectory() as folder:
        yield managed_python(Path(folder))


@contextmanager
def _namespaces(folder: Path, modules: Path) -> Iterator[Callable[[], Namespace]]:
    made: list[Namespace] = []

    def make() -> Namespace:
        number = next(_numbers)
        made.append(Namespace(f"lvs{number}", folder / f"host{number}", modules))
        return made[-1]

    try:
        yield make
    finally:
        for namespace in made:
            namespace.remove()


@pytest.fixture
def new_namespace(tmp_path: Path, modules: Path) -> Iterator[Callable[[], Namespace]]:
    """Makes namespaces that go with the test."""
    with _namespaces(tmp_path, modules) as make:
        yield make


@pytest.fixture(scope="module")
def new_lasting_namespace(tmp_path_factory: pytest.TempPathFactory, modules: Path) -> Iterator[Callable[[], Namespace]]:
    """Makes namespaces that go with the module's last test."""
    with _namespaces(tmp_path_factory.mktemp("hosts"), modules) as make:
        yield make


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, modules: Path) -> Iterator[Cluster]:
    """Every way of forwarding; its tests leave it as they found it."""
    with _namespaces(tmp_path_factory.mktemp("hosts"), modules) as make, standing(make) as made:
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

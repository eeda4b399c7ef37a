# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The message on a host whose Python is too old."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import oldest_python, options


def test_python_that_is_too_old(capsys: pytest.CaptureFixture[str]) -> None:
    """What Ansible reads as the result of a module."""
    with pytest.raises(SystemExit) as caught:
        oldest_python.check((3, 8, 20), "/usr/bin/python3.8")
    assert caught.value.code == 1
    result = json.loads(capsys.readouterr().out)
    assert result.pop("failed") is True
    message = "lvs.cluster needs Python 3.9 or newer on its hosts, and this is 3.8.20 (/usr/bin/python3.8): set ansible_"
    assert result.pop("msg").startswith(message)
    assert not result


@pytest.mark.parametrize("running", [(3, 9, 0), (3, 10), (3, 14, 2), (4,)])
def test_python_that_is_new_enough(running: tuple[int, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """It has nothing to say."""
    oldest_python.check(running, "python")
    assert capsys.readouterr().out == ""


def test_it_comes_first() -> None:
    """Every module gets to options.py before it gets to anything that Python 3.8 cannot import; and it can read this file."""
    ast.parse(Path(str(oldest_python.__file__)).read_text(), feature_version=(3, 7))
    imported = [node for node in ast.parse(Path(str(options.__file__)).read_text()).body if isinstance(node, ast.ImportFrom)]
    assert next(node.names[0].name for node in imported if node.level) == "oldest_python"

# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What a run works out once: kept in files of Ansible's temporary folder, which all processes of the run share."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible import constants

_ENCODING = "utf-8"


def digest(value: object) -> str:
    """A name for a value: the same for equal values."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode(_ENCODING)).hexdigest()[:32]


class RunStore:
    """Values by key, in parts: whoever needs one part does not read the others."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(constants.DEFAULT_LOCAL_TMP, "lvs.cluster")

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """One process at a time: the others wait for what it works out."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w", encoding=_ENCODING) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def read(self, key: str, part: str) -> Any:
        """A part; C(None) where there is none."""
        try:
            return json.loads(self._file(key, part).read_text(encoding=_ENCODING))
        except FileNotFoundError:
            return None

    def write(self, key: str, parts: Mapping[str, object]) -> None:
        """Write parts, each at once."""
        for part, value in parts.items():
            file = self._file(key, part)
            file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False, encoding=_ENCODING) as text:
                text.write(json.dumps(value))  # several times as fast as dump
            Path(text.name).replace(file)

    def _file(self, key: str, part: str) -> Path:
        return self._folder / key / digest(part)

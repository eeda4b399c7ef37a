# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run works out once, in files that its processes share."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.run_store import RunStore, digest

names = st.text(max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(names, values, max_size=5))
def test_equal_values_have_one_digest(value: dict[str, object]) -> None:
    """Whatever the order in which they were put together."""
    assert digest(value) == digest(dict(reversed(value.items())))


@given(values, values)
def test_different_values_have_different_digests(first: object, second: object) -> None:
    """Ten is not the text of it, and an empty list is not nothing."""
    if repr(first) != repr(second) and first != second:
        assert digest(first) != digest(second)


def test_digest_of_what_is_no_plain_data() -> None:
    """Has one, too, as it may be in a description that is refused later."""
    assert digest({"path": Path("a")}) != digest({"path": Path("b")})


@pytest.mark.parametrize(
    "part", ["host rs1", "host a/../../b", "host .", "host Ünïcode ☃", "host with spaces", "", "x" * 300]
)
def test_part_is_read_as_it_was_written(part: str, run_folder: Path) -> None:
    """Whatever the host is called; nothing is written outside of the folder."""
    store = RunStore()
    assert store.read("key", part) is None
    store.write("key", {part: {"weight": 1, "names": ["ü", None, True]}, "other": []})
    assert RunStore().read("key", part) == {"weight": 1, "names": ["ü", None, True]}
    assert store.read("key", "other") == []
    assert store.read("another key", part) is None
    written = [path for path in run_folder.parent.rglob("*") if path.is_file()]
    assert {path.parent for path in written} == {run_folder / "key"}
    assert len(written) == 2  # no temporary file is left


def test_part_is_replaced() -> None:
    """By a later one, as a whole."""
    store = RunStore()
    store.write("key", {"part": ["a long value", *range(100)], "other": 1})
    store.write("key", {"part": None})
    assert store.read("key", "part") is None
    assert store.read("key", "other") == 1


def test_folder_of_ones_own(tmp_path: Path, run_folder: Path) -> None:
    store = RunStore(tmp_path / "mine")
    with store.lock():
        store.write("key", {"part": 1})
    assert store.read("key", "part") == 1
    assert not run_folder.exists()


def _work(folder: Path) -> None:
    store = RunStore(folder)
    with store.lock():
        if store.read("key", "made") is None:
            time.sleep(0.3)  # for the others to come meanwhile
            with (folder / "log").open("a", encoding="utf-8") as log:
                log.write("made\n")
            store.write("key", {"made": True})


def test_one_process_works_and_the_others_wait(tmp_path: Path) -> None:
    """As many as there are forks."""
    processes = [multiprocessing.get_context("fork").Process(target=_work, args=(tmp_path,)) for _process in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0] * 4
    assert (tmp_path / "log").read_text(encoding="utf-8") == "made\n"


def _leave_with_an_error() -> None:
    with RunStore().lock():
        raise LookupError


def test_lock_is_given_back_after_an_error() -> None:
    with pytest.raises(LookupError):
        _leave_with_an_error()
    with RunStore().lock():
        pass

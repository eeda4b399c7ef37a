# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of CPUs, as the kernel takes them and as it shows them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.cpulist import parse, written


@pytest.mark.parametrize(
    ("text", "kernel"),
    [
        ("", ""),
        ("0", "0"),
        ("1,0", "0-1"),
        ("0-0", "0"),
        ("0-1", "0-1"),
        ("0,2-4,3,6", "0,2-4,6"),
        (" 1 , 3\t5,", "1,3,5"),
        ("0-3:1/2", "0,2"),
        ("0-9:2/4", "0-1,4-5,8-9"),
        ("2-3:0/2", ""),
        ("007", "7"),
        ("8191", "8191"),
    ],
)
def test_list(text: str, kernel: str) -> None:
    assert written(parse(text)) == kernel


@pytest.mark.parametrize(
    "text", ["-1", "1-", "3-1", "0:1/2", "0-3:1", "0-3:3/2", "0-3:1/0", "a", "0x1", "all", "8192", "0.1", "[0]"]
)
def test_no_list(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text is the message
        parse(text)


@given(st.frozensets(st.integers(0, 200)))
def test_written_lists_are_read(cpus: frozenset[int]) -> None:
    assert parse(written(cpus)) == cpus

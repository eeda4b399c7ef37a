# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What lowers the priority of a director whose services are below their quorum, in keepalived.conf. Pure.

Keepalived's checkers know of quorums, its VRRP of priorities, and they are two processes. So each service with checks has a
file, which the checkers have C(cp) write whenever its quorum is lost or gained, and VRRP adds its number to the priority.

Sources: keepalived.conf(5), keepalived/trackers/track_file.c, check/ipwrapper.c and vrrp/vrrp.c of keepalived 2.2.7.
"""

from __future__ import annotations

import math
import re

from .._ipvs.keepalived_table import service_name
from .._ipvs.model import ServiceKey

# Of a service below its quorum. Priorities of directors are consecutive numbers unless the user has others.
LOWERS = 20
# In /run itself: a boot empties it, and keepalived creates files, but no folders.
_PATH = "/run/lvs.cluster.quorum."
_TRACKED = "lvs_quorum_"
# What is copied, by keepalived's name of the command; keepalived creates these files, too.
_NUMBERS = {"up": 0, "down": -LOWERS}
_LONGEST_DELAY = 1000  # seconds of preempt_delay

_COMMAND = re.compile(rf'^ +quorum_down "/bin/cp \S+ {re.escape(_PATH)}(\S+)"$', re.MULTILINE)
_INTERVAL = re.compile(r"^ +delay_loop (\S+)$", re.MULTILINE)
_TIMEOUT = re.compile(r"^ +(?:connect|misc)_timeout (\S+)$", re.MULTILINE)
_BLOCKS = re.compile(rf"^track_file {_TRACKED}\S+ \{{\n.*?^\}}\n\n", re.MULTILINE | re.DOTALL)
_LINES = re.compile(rf"^ +(?:{_TRACKED}\S+|preempt_delay \S+)\n", re.MULTILINE)
_INSTANCE = re.compile(r"^(?=vrrp_instance )", re.MULTILINE)
_PREEMPTS = re.compile(r"^ +state BACKUP\n(?! +nopreempt$)", re.MULTILINE)
_LIST = re.compile(r"^    track_file \{\n", re.MULTILINE)


def commands(key: ServiceKey) -> list[str]:
    """The lines of a service that have its file written. No shell runs, and none is needed."""
    return [f'quorum_{name} "/bin/cp {_PATH}{name} {_PATH}{service_name(key)}"' for name in _NUMBERS]


def is_tracked(router: str) -> bool:
    """Whether the part of the virtual router tracks quorums; it may have none to track."""
    return _BLOCKS.search(router) is not None


def without(router: str) -> str:
    """The part of the virtual router that tracks no quorums."""
    return _LINES.sub("", _BLOCKS.sub("", router))


def tracking(router: str, services: str) -> str:
    """The part of the virtual router that tracks the quorums of services.

    :param router: the part, which tracks other ones, or none
    :param services: the part of the services, whose commands write the files
    """
    names = _COMMAND.findall(services)
    # A file that is there keeps its number: VRRP that was killed alone starts with what the checkers have found out. Checkers
    # that start have the file written as soon as the quorum is there, so that what a former one left behind does not stay.
    blocks = [_block(name, number) for name, number in _NUMBERS.items()] + [_block(name, 0) for name in names]
    lines = "".join(f"        {_TRACKED}{name}\n" for name in names)
    text = _INSTANCE.sub(lambda _found: "".join(blocks), without(router), count=1)
    text = _PREEMPTS.sub(lambda found: f"{found[0]}    preempt_delay {_delay(services)}\n", text, count=1)
    return _LIST.sub(lambda found: f"{found[0]}{lines}", text, count=1)


def _block(name: str, number: int) -> str:
    lines = [f'    file "{_PATH}{name}"', "    weight 1", f"    init_file {number}"]
    return "\n".join([f"track_file {_TRACKED}{name} {{", *lines, "}\n\n"])


def _delay(services: str) -> int:
    """Seconds for which another director has to be worse off before this one takes the VIPs from it.

    Directors check at different times. What all of them lose, each loses up to an interval of its checks after another one,
    and finds that out up to a timeout later.
    """
    longest = sum(max(map(float, pattern.findall(services)), default=0.0) for pattern in (_INTERVAL, _TIMEOUT))
    return min(math.ceil(longest) + 1, _LONGEST_DELAY)

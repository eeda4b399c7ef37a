# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Whether a host's Python is new enough, said when this file is imported: before anything that an older one cannot read.

ansible-core 2.19 runs modules on Python 3.8, and newer ones say themselves that they do not.
"""

from __future__ import annotations

import json
import sys

OLDEST = (3, 9)


def check(running: tuple[int, ...], program: str) -> None:
    """End the module with a message where its Python is too old."""
    if running >= OLDEST:
        return
    needed, found = (".".join(map(str, version)) for version in (OLDEST, running))
    message = (
        f"lvs.cluster needs Python {needed} or newer on its hosts, and this is {found} ({program}): set"
        " ansible_python_interpreter to a newer one that has the libraries pyroute2 and nftables"
    )
    # As AnsibleModule does, which does not exist yet.
    print(json.dumps({"failed": True, "msg": message}))  # pylint: disable=ansible-bad-function
    sys.exit(1)  # pylint: disable=ansible-bad-function


check(sys.version_info[:3], sys.executable)

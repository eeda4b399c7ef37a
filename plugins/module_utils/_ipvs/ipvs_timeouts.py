# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The timeouts of idle connections."""

from __future__ import annotations

from .._core import values
from .._core.errors import MissingValue
from .._core.options import Facts, Options, argument_spec
from .._core.reconcile import Seen, Wanted
from .._core.resource import Desired, Resource, facts_of
from .kernel import TimeoutsBackend
from .model import Timeouts
from .options import kernel_number

TIMEOUTS = tuple(kernel_number(name, 1, values.MAX_TIMEOUT) for name in ("tcp", "tcp_fin", "udp"))
ARGUMENT_SPEC = argument_spec(*TIMEOUTS)

DesiredTimeouts = Desired[str, Timeouts]


class IpvsTimeouts(Resource[DesiredTimeouts, str, Timeouts, None, TimeoutsBackend]):
    """All three timeouts; those that are left out stay as they are."""

    def parse(self, options: Options) -> DesiredTimeouts:
        """Read the options."""
        given = {
            option.name: option.read(options[option.name]) for option in TIMEOUTS if options.get(option.name) is not None
        }
        names = [option.name for option in TIMEOUTS]
        if not given:
            raise MissingValue("tcp", f"name at least one of {', '.join(names)}")
        # They always exist, and 0 is the kernel's own word for "leave it".
        new = Timeouts(**{**dict.fromkeys(names, 0), **given})
        return Desired([Wanted(Timeouts.KEY, new, given)])

    def open(self, desired: DesiredTimeouts) -> TimeoutsBackend:
        """Connect to IPVS."""
        return TimeoutsBackend()

    def result(self, desired: DesiredTimeouts, seen: Seen[str, Timeouts, None]) -> Facts:
        """The timeouts as they are now."""
        return {"timeouts": facts_of(desired, seen)}

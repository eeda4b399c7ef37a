# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""One virtual service."""

from __future__ import annotations

from .._core.options import STATE, Facts, Options, argument_spec
from .._core.reconcile import Seen
from .._core.resource import Desired, Resource, facts_of
from .kernel import ServicesBackend
from .model import Service, ServiceKey
from .options import SERVICE, SERVICE_KEY, service_of

ARGUMENT_SPEC = argument_spec(*SERVICE_KEY, *SERVICE, STATE)

Services = Desired[ServiceKey, Service]


class IpvsService(Resource[Services, ServiceKey, Service, None, ServicesBackend]):
    """A virtual service, without its destinations."""

    def parse(self, options: Options) -> Services:
        """Read the options."""
        return Desired([service_of(options)])

    def open(self, desired: Services) -> ServicesBackend:
        """Connect to IPVS."""
        return ServicesBackend()

    def result(self, desired: Services, seen: Seen[ServiceKey, Service, None]) -> Facts:
        """The service as it is now."""
        return {"service": facts_of(desired, seen)}

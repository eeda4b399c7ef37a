# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes."""

from __future__ import annotations

from tests.nodes import ansible, client, ds1, ds2, rs1, rs2, rs3, services

__all__ = ["ansible", "client", "ds1", "ds2", "rs1", "rs2", "rs3", "services"]

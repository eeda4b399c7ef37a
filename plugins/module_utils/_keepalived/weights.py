# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The weights that destinations have beside the configuration: those that were set ad hoc, and drains."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from .._core import files
from .._ipvs.drain_notes import Notes
from .._ipvs.keepalived_table import DRAINED, Owned, OwnedDestination, number_in, weight_file
from .._ipvs.model import Destination
from .model import WeightFile


class Weights(NamedTuple):
    """The files of destinations whose number is not 0."""

    ad_hoc: tuple[WeightFile, ...] = ()
    drained: tuple[Destination, ...] = ()  # those whose former weight is known


def read_weights(destinations: Iterable[Destination], former: Owned) -> Weights:
    """What the files of these destinations say.

    :param former: the configuration that is there
    """
    ad_hoc: list[WeightFile] = []
    drained: list[Destination] = []
    for destination in destinations:
        key = destination.key
        path = weight_file(key)
        text = files.read_text(path)
        number = number_in(text)
        if number == DRAINED:
            drained.append(replace(destination, weight=0))
        elif text is not None and number:
            entry = former.get(key.service, {}).get(key) or OwnedDestination(destination.weight, "", path)
            ad_hoc.append(WeightFile(path, text, replace(destination, weight=entry.weight_with(number))))
    notes = Notes()
    noted = (notes.with_note(destination) for destination in drained)
    return Weights(tuple(ad_hoc), tuple(destination for destination in noted if destination.former_weight is not None))

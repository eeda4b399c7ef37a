# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of a director that exists: who owns its table, and what follows from that."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from .standins import RS1, VIP, Answer, Player

NAME = f"tcp-{VIP}-80"
SERVICE: dict[str, Any] = {
    "name": NAME, "vip": VIP, "port": 80, "protocol": "tcp", "scheduler": "wrr", "director_device": "tunl0",
    "forward": "tunnel", "real_servers": [{"address": RS1, "weight": 1}],
}  # fmt: skip
CONFIG = "/etc/keepalived/keepalived.conf"


def adopted(play: Player, **info: Any) -> tuple[str, dict[str, Any]]:
    """The file, and the variables in it."""
    answer = Answer("ipvs_info", {"lvs_services": [SERVICE], "engine": "", "foreign_keepalived": {}, **info})
    play("adopt", results=[answer]).succeeded()
    text = (play.folder / "adopted.yml").read_text()
    return text, yaml.safe_load(text)["all"]["vars"]


@pytest.mark.parametrize(("engine", "described"), [("", "netlink"), ("keepalived", "keepalived")])
def test_engine(play: Player, engine: str, described: str) -> None:
    """What checks the services had is not in the table."""
    text, variables = adopted(play, engine=engine)
    assert (variables["lvs_engine"], variables["lvs_services"]) == (described, [SERVICE])
    assert ("copy them from the inventory that it was set up with" in text) == bool(engine)
    assert "WARNING" not in text


def test_services_of_a_keepalived_of_somebody_else(play: Player) -> None:
    """The file says whose they are, what may be missing, and both ways out."""
    foreign = {"config": CONFIG, "services": [NAME], "unread": ["include other.conf"]}
    text, variables = adopted(play, foreign_keepalived=foreign)
    assert variables["lvs_engine"] == "netlink"
    comments = " ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))
    ways_out = ("lvs_keepalived_takeover: true", "disable and stop keepalived")
    for part in (CONFIG, NAME, "include other.conf", "are missing here", *ways_out):
        assert part in comments


def test_keepalived_of_somebody_else_is_told_by_the_run(play: Player) -> None:
    foreign = {"config": CONFIG, "services": [NAME], "unread": []}
    answer = Answer("ipvs_info", {"lvs_services": [SERVICE], "engine": "", "foreign_keepalived": foreign})
    run = play("adopt", results=[answer]).succeeded()
    assert f"WARNING: keepalived runs on ds1 with {CONFIG}" in run.output

"""Cancel in mid-run: everything that the agent started is gone in time, and its work is on the branch."""

from __future__ import annotations

import contextlib

import psutil
import pytest

from acceptance.house import House
from support.files import below
from support.history import git

GONE_S = 12.0
"""What the issue allows, from the command to the last process."""

STUBBORN = (
    "echo 'half done' > work.txt; "
    "setsid sh -c 'trap \"\" TERM INT HUP; touch up; while :; do sleep 0.2; done' {name} & "
    "until [ -e up ]; do sleep 0.05; done; rm up; touch {name}; sleep 1000"
)
"""Leaves a grandchild in a session of its own that no polite signal ends, then takes long."""


def running(name: str) -> list[psutil.Process]:
    """The processes that carry this name on their command line."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(name in word for word in process.cmdline()):
                found.append(process)
    return found


@pytest.mark.claude
@pytest.mark.parametrize("agent", ["claude", "script"])
def test_a_cancelled_agent_leaves_its_work_and_no_process(house: House, agent: str) -> None:
    repo, name = f"cancel-{agent}", f"stubborn-{agent}"
    house.repository(repo)
    command = STUBBORN.format(name=name)
    if agent == "claude":
        card = house.claude(repo, "Take long", scenario="slow-tool", wait=command)
    else:
        card = house.script(repo, "Take long", command)
    board = house.board
    board.command(card, "start")
    board.explained(card, lambda: running_tree(house, name), "the agent is at its long command")
    doomed = running(name)
    assert doomed

    assert board.command(card, "cancel")["stopping"]
    refused = board.try_post(f"/api/cards/{card}/start")
    assert refused.status_code == 409
    board.explained(card, lambda: not running(name), "its processes are gone", seconds=GONE_S)

    done = board.wait_for(card, "todo")
    assert done["failure"] is None
    assert board.job(card)["stop_reason"] == "cancelled"
    assert git(house.internal(repo), "show", f"{done['branch_name']}:work.txt") == "half done"


def running_tree(house: House, marker: str) -> bool:
    """Whether the agent has left this file in some work tree."""
    return any(p.name == marker for p in below(house.server.data_dir / "work" / "trees"))


def test_a_queued_card_is_cancelled_at_once(house: House) -> None:
    house.repository("cancel-queued")
    board = house.board
    board.patch("/api/settings", {"claims_paused": True})
    try:
        card = house.script("cancel-queued", "Wait", "true")
        board.command(card, "start")

        assert board.command(card, "cancel")["status"] == "todo"
        assert board.job(card)["status"] == "cancelled"
    finally:
        board.patch("/api/settings", {"claims_paused": False})

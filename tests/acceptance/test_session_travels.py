"""A runner is killed and its machine is gone: on another one the agent remembers what it said."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from acceptance.house import KEY, House, environment
from support.history import git
from support.waiting import until

HASTE: Final = {
    "LAZYAF_LEASE": "6",
    "LAZYAF_LONG_POLL": "1",
    "LAZYAF_HEARTBEAT": "1",
    "LAZYAF_CHECKPOINT": "0.5",
}
COMMANDS: Final = (
    "if [ -e one.txt ]; then touch again.txt; else echo one > one.txt; fi",
    "printenv ANTHROPIC_API_KEY",
    "test -e again.txt || { touch waiting; until test -e never; do sleep 0.05; done; }",
)


@contextlib.contextmanager
def machine(house: House, name: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A runner with directories of its own, as on a machine of its own."""
    made = house.board.post("/api/runners/tokens", {"name": name})
    place = house.root / "machines" / name
    place.mkdir(parents=True)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("LAZYAF_")}
    argv = [sys.executable, "-m", "lazyaf", "runner", "--server", house.server.url, "--name", name]
    argv += ["--state-dir", str(place / "state"), "--work-dir", str(place / "work")]
    with (place / "log").open("wb") as log:
        runner = subprocess.Popen(
            argv,
            env={**inherited, **environment(house.model), "LAZYAF_RUNNER_TOKEN": made["token"]},
            stdout=log,
            stderr=log,
        )
        try:
            yield runner, place
        finally:
            runner.kill()
            runner.wait()


def saves(house: House) -> list[str]:
    """The saves of conversations that the server would hand out."""
    with contextlib.closing(
        sqlite3.connect(f"file:{house.server.data_dir / 'lazyaf.db'}?mode=ro", uri=True)
    ) as db:
        return [sha for (sha,) in db.execute("SELECT sha FROM agent_sessions")]


def text_of(repo: Path, save: str) -> str:
    names = git(repo, "ls-tree", "--name-only", save).split()
    return "\n".join(git(repo, "show", f"{save}:{name}") for name in names)


@pytest.mark.claude
def test_another_machine_goes_on_in_the_conversation_of_a_lost_one(
    build: Callable[..., House],
) -> None:
    house = build(runners=0, **HASTE).start()
    house.repository("shop")
    card = house.claude("shop", "Travel", scenario="commands", commands=list(COMMANDS))
    repo = house.internal("shop")
    house.board.command(card, "start")
    with machine(house, "first") as (runner, place):
        until(lambda: list(place.glob("work/trees/*/work/waiting")), "the agent waits", seconds=90)
        until(
            lambda: [save for save in saves(house) if "[redacted]" in text_of(repo, save)],
            "what its second command printed is on the server",
        )
        runner.kill()
        runner.wait()
        shutil.rmtree(place)
    lost = house.asked("Travel")
    with machine(house, "second"):
        house.board.wait_for(card, "in_review")

    job = house.board.job(card)
    assert job["attempt"] == 2
    assert set(house.board.changes(card)) == {"one.txt", "again.txt", "waiting"}
    asked = house.asked("Travel")[len(lost)]
    assert len(asked.prompts) == 2, "the second attempt began a conversation of its own"
    assert [r["content"] for r in asked.results][1] == "[redacted]"
    entries = house.board.log(job["id"])
    assert len({e["detail"]["session"] for e in entries if e["name"] == "init"}) == 1
    (kept,) = saves(house)
    assert "[redacted]" in text_of(repo, kept)
    assert KEY not in text_of(repo, kept)

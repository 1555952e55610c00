"""The agent's conversation goes along: the real Claude Code CLI on one machine, then on another."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from factories.runner_rig import HOST_ENV, Rig
from fakes.model_server import ModelServer
from fakes.runner_state import REPO, Failure, Ledger
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.messages import Job, Limits, Resume, SessionRequest, Task
from lazyaf.runner.client import ServerAbsent
from lazyaf.runner.sandbox import Unsandboxed

pytestmark = [pytest.mark.claude, pytest.mark.bubblewrap]
KEY = "sk-ant-test-0123456789"
FIRST, LATER = "The first thing that was said.", "The second thing that was said."


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


class Talk:
    """One card's conversation, round after round, on whichever machine."""

    def __init__(self, rig: Rig, model: ModelServer, scenario: str = "edit-and-commit") -> None:
        self.rig = rig
        self.model = model
        self.url = model.url(scenario)
        self.last: Ledger | None = None

    def job(self, said: str, params: dict[str, Any] | None = None, **more: Any) -> Job:
        text = f"{said}\n```json\n{json.dumps(params)}\n```" if params else said
        known: dict[str, Any] = {
            "agent": "claude",
            "agent_options": {},
            "task": Task(card_id="card-1", number=7, title="Make it", description=text),
            "limits": Limits(checkpoint_s=3600, cancel_grace_s=5),
        }
        if self.last is not None and self.last.finish is not None:
            head = self.last.finish.head_sha
            known |= {"branch_sha": head, "resume": Resume(session=self.last.finish.session)}
        return self.rig.job("", **known, **more)

    async def round(self, said: str, params: dict[str, Any] | None = None, **more: Any) -> Ledger:
        """Work to the end, and well."""
        self.last = await self.rig.work(self.job(said, params, **more), host_env=self.env)
        assert self.last.finish is not None
        assert self.last.finish.stop_reason in (StopReason.FINISHED, StopReason.NO_CHANGES)
        return self.last

    @property
    def env(self) -> dict[str, str]:
        return {**HOST_ENV, "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": self.url}

    def remembered(self) -> list[str]:
        """The prompts of the conversation, as the model saw it at last."""
        return self.model.requests_of(self.url)[-1].prompts

    def move(self, name: str) -> None:
        """To a machine that has other directories."""
        self.rig.work_dir = self.rig.root / name

    @property
    def home(self) -> Path:
        return self.rig.work_dir / "homes" / "card-1"

    def transcript(self) -> Path:
        (found,) = self.home.glob(".claude/projects/*/*.jsonl")
        return found

    async def kept(self) -> str:
        """The conversation as the server has it."""
        assert self.rig.server.sessions
        sha = self.rig.server.sessions["card-1"].sha
        named = await self.rig.server.storage.git(REPO, ["ls-tree", "--name-only", sha])
        pieces = [await self.rig.server.show(f"{sha}:{name}") for name in named.text.splitlines()]
        return "\n".join(pieces)


def brought(ledger: Ledger) -> bool:
    return any("was brought here" in text for text in ledger.texts("system"))


def begins_anew(ledger: Ledger) -> bool:
    return any("begins a new conversation" in text for text in ledger.texts("system"))


async def test_another_machine_goes_on_in_the_same_conversation(
    rig: Rig, model: ModelServer
) -> None:
    talk = Talk(rig, model)
    first = await talk.round(FIRST)
    talk.move("a/machine with other/directories")
    second = await talk.round(LATER)

    assert brought(second)
    assert [FIRST in p for p in talk.remembered()] == [True, False]
    assert LATER in talk.remembered()[-1]
    assert first.finish is not None
    assert second.finish is not None
    assert second.finish.session == first.finish.session
    assert LATER in await talk.kept()


async def test_the_machine_that_has_it_uses_its_own(rig: Rig, model: ModelServer) -> None:
    talk = Talk(rig, model)
    await talk.round(FIRST)
    second = await talk.round(LATER)

    assert not brought(second)
    assert len(talk.remembered()) == 2


async def test_what_another_machine_added_since_comes_back(rig: Rig, model: ModelServer) -> None:
    talk = Talk(rig, model)
    await talk.round(FIRST)
    talk.move("elsewhere")
    await talk.round(LATER)
    talk.move("work")
    third = await talk.round("The third thing.")

    assert brought(third)
    assert [LATER in p for p in talk.remembered()] == [False, True, False]


async def test_the_later_version_wins_when_the_servers_is_older(
    rig: Rig, model: ModelServer
) -> None:
    talk = Talk(rig, model)
    await talk.round(FIRST)
    assert rig.server.sessions is not None
    older = rig.server.sessions["card-1"]
    await talk.round(LATER)
    rig.server.sessions["card-1"] = older  # the word of the newer save never arrived
    third = await talk.round("The third thing.")

    assert not begins_anew(third)
    assert [LATER in p for p in talk.remembered()] == [False, True, False]


async def test_a_home_that_was_swept_is_filled_again(rig: Rig, model: ModelServer) -> None:
    talk = Talk(rig, model)
    await talk.round(FIRST)
    shutil.rmtree(talk.home)
    second = await talk.round(LATER)

    assert brought(second)
    assert len(talk.remembered()) == 2


async def test_it_is_saved_while_the_agent_works(rig: Rig, model: ModelServer) -> None:
    talk = Talk(rig, model, "commands")
    wait = "until test -e stop; do sleep 0.05; done; rm stop"
    job = talk.job(FIRST, {"commands": ["echo new > new.txt", wait]})
    async with rig.working(job, host_env=talk.env) as (ledger, _):
        await rig.server.until(lambda: bool(rig.server.sessions))
        assert FIRST in await talk.kept()
        assert ledger.finish is None
        (rig.tree / "stop").touch()


async def test_no_secret_goes_along(rig: Rig, model: ModelServer) -> None:
    talk = Talk(rig, model, "commands")
    commands = ["printenv ANTHROPIC_API_KEY", "printenv ANTHROPIC_API_KEY | base64; echo told"]
    await talk.round(FIRST, {"commands": commands})

    assert KEY in str(model.requests_of(talk.url)[-1].results)
    assert KEY not in talk.transcript().read_text()
    kept = await talk.kept()
    assert "told" in kept
    assert "[redacted]" in kept
    assert KEY not in kept
    assert "c2stYW50LXRlc3Q" not in kept
    talk.move("elsewhere")
    await talk.round(LATER, {"commands": ["true"]})
    assert len(talk.remembered()) == 2


async def test_a_process_that_knows_no_secrets_sends_nothing(rig: Rig, model: ModelServer) -> None:
    """One that takes up a job whose agent is done has not launched it, and so has not got its key."""
    talk = Talk(rig, model, "commands")
    job = talk.job(FIRST, {"commands": ["printenv ANTHROPIC_API_KEY > new.txt; cat new.txt"]})
    rig.server.failures.append(Failure("/finish", 503, times=10**6))
    async with rig.working(job, host_env=talk.env, grace_s=0.3, ends=ServerAbsent) as (ledger, _):
        await rig.server.until(lambda: rig.server.was_asked("/finish"))
        rig.server.sessions = {}
    rig.server.failures.clear()
    transcript = talk.transcript()
    transcript.write_text(transcript.read_text().replace("[redacted]", KEY))
    async with rig.loop(host_env=talk.env) as loop:
        await loop.run()

    assert ledger.finish is not None
    assert rig.server.sessions == {}


async def test_a_link_in_its_place_is_not_followed(rig: Rig, model: ModelServer) -> None:
    private = rig.root / "store" / "token"
    private.write_text("never-to-be-seen\n")
    talk = Talk(rig, model, "commands")
    plant = f"cd $HOME/.claude/projects/*/ && for f in *.jsonl; do ln -sf {private} $f; done"
    ledger = await talk.round(FIRST, {"commands": ["touch new.txt", plant]})

    assert talk.transcript().is_symlink()
    told = [text for text in ledger.texts("system") if "could not be saved" in text]
    assert len(told) == 1
    assert "is a link" in told[0]
    if rig.server.sessions:
        assert "never-to-be-seen" not in await talk.kept()


async def test_a_link_in_the_way_is_not_written_through(rig: Rig, model: ModelServer) -> None:
    talk = Talk(rig, model)
    await talk.round(FIRST)
    outside = rig.root / "outside"
    outside.mkdir()
    shutil.rmtree(talk.home / ".claude")
    (talk.home / ".claude").symlink_to(outside)
    second = await talk.round(LATER)

    assert begins_anew(second)
    assert list(outside.iterdir()) == []


async def test_a_store_that_somebody_planted_is_not_used(rig: Rig, model: ModelServer) -> None:
    """Without a sandbox the repository's own code can write it, and a fetch carries a password."""
    rig.sandbox = Unsandboxed("Tested without.")
    talk = Talk(rig, model)
    await talk.round(FIRST)
    talk.move("elsewhere")
    hook = "../session/hooks/reference-transaction"
    plant = f"git init -q --bare ../session; mkdir -p ../session/hooks; echo '#!/bin/sh' > {hook};"
    plant += f"echo 'env > {rig.root}/stolen' >> {hook}; chmod +x {hook}"
    second = await talk.round(LATER, setup=plant)

    assert brought(second)
    assert not (rig.root / "stolen").exists()


async def test_what_cannot_be_brought_back_is_told_in_the_prompt(
    rig: Rig, model: ModelServer
) -> None:
    talk = Talk(rig, model)
    first = await talk.round(FIRST)
    talk.move("elsewhere")
    assert first.finish is not None
    assert first.finish.session is not None
    rig.server.sessions = {"card-1": SessionRequest(session=first.finish.session, sha=rig.base)}
    second = await talk.round(LATER)

    assert [t for t in second.texts("system") if "could not be brought back" in t]
    assert begins_anew(second)
    assert len(talk.remembered()) == 1
    assert "- Do card 7" in talk.remembered()[0]


async def test_one_that_the_agent_cannot_read_costs_no_attempt(
    rig: Rig, model: ModelServer
) -> None:
    talk = Talk(rig, model)
    first = await talk.round(FIRST)
    talk.transcript().write_text("no JSON at all\n")
    second = await talk.round(LATER)

    assert any("cannot read its earlier conversation" in t for t in second.texts("system"))
    assert begins_anew(second)
    assert second.finish is not None
    assert first.finish is not None
    assert second.finish.session != first.finish.session
    assert LATER in await talk.kept()


async def test_a_server_that_keeps_none_is_sent_none(rig: Rig, model: ModelServer) -> None:
    rig.server.sessions = None
    talk = Talk(rig, model)
    first = await talk.round(FIRST)
    second = await talk.round(LATER)

    assert len(talk.remembered()) == 2
    for ledger in (first, second):
        assert await rig.server.ref(f"{ledger.job.push_prefix}session") is None
        assert not [entry.text for entry in ledger.entries if entry.is_error]


async def test_a_server_that_refuses_it_gets_the_work_all_the_same(
    rig: Rig, model: ModelServer
) -> None:
    rig.server.push_limit = 10_000
    ledger = await Talk(rig, model).round(FIRST)

    assert ledger.finish is not None
    assert ledger.finish.head_sha == await rig.server.ref(f"{ledger.job.push_prefix}head")
    assert len([t for t in ledger.texts("system") if "could not be saved" in t]) == 1

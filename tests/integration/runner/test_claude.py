"""The real Claude Code CLI in the real sandbox, worked by the runner, with a scripted model."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from factories.claude_job import KEY, claude_job, env_for, subscription
from factories.runner_rig import Rig
from fakes.model_server import ModelServer
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.messages import Resume

pytestmark = [pytest.mark.claude, pytest.mark.bubblewrap]


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


async def test_it_edits_commits_and_answers_the_review_in_the_same_session(
    rig: Rig, model: ModelServer
) -> None:
    env = env_for(model.url("edit-and-commit"))
    first = await rig.work(claude_job(rig), host_env=env)

    assert first.finish is not None
    assert first.finish.stop_reason is StopReason.FINISHED
    assert first.finish.usage is not None
    assert first.finish.usage.turns > 0
    head = first.finish.head_sha
    assert "edited" in await rig.server.show(f"{head}:card-7.txt")

    task = first.job.task.model_copy(update={"message": "Please answer."})
    resume = Resume(head=head, session=first.finish.session)
    second = await rig.work(
        claude_job(rig, branch_sha=head, resume=resume, task=task), host_env=env
    )

    assert second.finish is not None
    assert second.finish.stop_reason is StopReason.FINISHED
    assert second.finish.session == first.finish.session
    assert (await rig.server.show(f"{second.finish.head_sha}:card-7.txt")).endswith("answered")
    assert not any("new conversation" in text for text in second.texts("system"))


async def test_what_it_forgot_to_commit_is_committed_with_it_as_co_author(
    rig: Rig, model: ModelServer
) -> None:
    ledger = await rig.work(claude_job(rig), host_env=env_for(model.url("edit-no-commit")))

    assert ledger.finish is not None
    shown = await rig.server.show(str(ledger.finish.head_sha))
    assert "Co-authored-by: Claude <noreply@anthropic.com>" in shown


async def test_it_hears_a_message_in_the_middle_of_its_work(rig: Rig, model: ModelServer) -> None:
    url = model.url("slow-tool")
    async with rig.working(claude_job(rig), host_env=env_for(url)) as (ledger, _):
        await rig.server.until(lambda: any(e.kind.value == "tool_call" for e in ledger.entries))
        await rig.server.command(ledger, "message", "and mind the tests")
        await rig.server.until(lambda: "and mind the tests" in ledger.texts("user"))
        (rig.tree / "go").touch()

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert "and mind the tests" in model.requests_of(url)[-1].said


async def test_what_a_turn_leaves_is_saved_at_its_end(rig: Rig, model: ModelServer) -> None:
    commands = ["echo new > new.txt", "until test -e stop; do sleep 0.05; done; rm stop"]
    job = claude_job(rig, {"commands": commands})
    async with rig.working(job, host_env=env_for(model.url("commands"))) as (ledger, _):
        await rig.server.until(lambda: any(c.files for c in ledger.checkpoints))
        saved = next(c for c in ledger.checkpoints if c.files)
        assert await rig.server.show(f"{saved.sha}:new.txt") == "new"
        (rig.tree / "stop").touch()

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED


async def test_a_limit_that_resets_is_waited_for(rig: Rig, model: ModelServer) -> None:
    job = claude_job(rig, {"resets_in": 1})
    ledger = await rig.work(job, host_env=subscription(model.url("limited-once")))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    waiting = [entry for entry in ledger.entries if entry.name == "waiting"]
    assert len(waiting) == 1
    assert "waits until" in waiting[0].text
    sessions = {e.detail["session"] for e in ledger.entries if e.name == "init" and e.detail}
    assert len(sessions) == 1


async def test_a_runner_that_begins_anew_waits_for_the_rest_of_the_limit(
    rig: Rig, model: ModelServer
) -> None:
    url = model.url("limited-once")
    env = subscription(url)
    async with rig.working(claude_job(rig, {"resets_in": 5}), host_env=env) as (ledger, loop):
        await rig.server.until(lambda: any(e.name == "waiting" for e in ledger.entries))
        loop.leave()
    assert len(model.requests_of(url)) == 1
    async with rig.loop(host_env=env) as again, asyncio.timeout(60):
        await again.run()

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    names = [e.name for e in ledger.entries if e.name in ("waiting", "goes_on")]
    assert names == ["waiting", "waiting", "goes_on"]
    untils = {str(e.detail["until"]) for e in ledger.entries if e.name == "waiting" and e.detail}
    assert len(untils) == 1, "it waited anew"
    prompts = ledger.texts("user")
    assert len(prompts) == 2
    assert "Go on where you stopped" in prompts[1]


async def test_a_job_that_waits_for_its_model_can_be_cancelled(
    rig: Rig, model: ModelServer
) -> None:
    job = claude_job(rig, {"resets_in": 3600})
    env = subscription(model.url("limited-once"))
    async with rig.working(job, host_env=env) as (ledger, _):
        await rig.server.until(lambda: any(e.name == "waiting" for e in ledger.entries))
        await rig.server.command(ledger, "cancel")

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.CANCELLED


async def test_cancel_ends_its_shell_too(rig: Rig, model: ModelServer) -> None:
    async with rig.working(claude_job(rig), host_env=env_for(model.url("slow-tool"))) as (
        ledger,
        _,
    ):
        await rig.server.until(lambda: any(e.kind.value == "tool_call" for e in ledger.entries))
        await rig.server.command(ledger, "cancel")

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.CANCELLED


async def test_its_key_is_never_told(rig: Rig, model: ModelServer) -> None:
    commands = [
        "env | sort",
        "echo $ANTHROPIC_API_KEY | base64",
        "printenv ANTHROPIC_API_KEY | rev",
    ]
    ledger = await rig.work(
        claude_job(rig, {"commands": commands}), host_env=env_for(model.url("commands"))
    )
    told = "".join(entry.model_dump_json() for entry in ledger.entries)

    assert "[redacted]" in told
    assert KEY not in told
    assert "c2stYW50LXRlc3Q" not in told


async def test_what_it_tries_against_the_machine_fails(rig: Rig, model: ModelServer) -> None:
    store = rig.root / "store"
    await asyncio.to_thread((store / "token").write_text, "never-to-be-seen")
    params = {"api": rig.server.url, "data_dir": str(store), "token_file": str(store / "token")}
    ledger = await rig.work(claude_job(rig, params), host_env=env_for(model.url("escape")))
    told = "".join(entry.model_dump_json() for entry in ledger.entries)

    assert "never-to-be-seen" not in told
    assert "runner-token" not in told
    assert await rig.server.ref("refs/heads/main") == rig.base

"""What people say to a running job: heard once, or answered, whoever dies in between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from factories.claude_job import claude_job, env_for, subscription
from factories.runner_rig import Rig
from fakes.model_server import ModelServer
from fakes.runner_state import Ledger
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.entries import IDLE, UNHEARD

pytestmark = pytest.mark.bubblewrap
WORDS = "and mind the tests"


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


def last(ledger: Ledger) -> int:
    """The number of the newest command."""
    return int(ledger.commands[-1]["id"])


async def test_a_script_says_that_it_cannot_hear(rig: Rig) -> None:
    job = rig.job("echo ready; until test -e stop; do sleep 0.05; done")
    async with rig.working(job) as (ledger, _):
        await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
        await rig.server.command(ledger, "message", "use tabs")
        await rig.server.until(lambda: "use tabs" in ledger.texts("user"))
        await rig.server.until(lambda: ledger.heard == last(ledger))
        (rig.tree / "stop").touch()

    assert any("cannot be spoken to" in text for text in ledger.texts("system"))


async def test_a_message_while_the_work_is_pushed_is_answered(rig: Rig) -> None:
    answer = rig.server.held["/git-receive-pack"] = asyncio.Event()
    async with rig.working(rig.job("echo two >> app.txt")) as (ledger, _):
        await rig.server.until(lambda: rig.server.was_asked("/git-receive-pack"))
        await rig.server.command(ledger, "message", WORDS)
        await rig.server.until(lambda: UNHEARD in ledger.texts("system"))
        answer.set()

    assert WORDS in ledger.texts("user")
    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert ledger.finish.heard == last(ledger)


async def test_an_interruption_without_an_agent_interrupts_nobody(rig: Rig) -> None:
    setup = "echo busy; until test -e go; do sleep 0.05; done; rm go"
    async with rig.working(rig.job("echo hello", setup=setup)) as (ledger, _):
        await rig.server.until(lambda: "busy" in ledger.texts("stdout"))
        await rig.server.command(ledger, "interrupt")
        await rig.server.until(lambda: IDLE in ledger.texts("system"))
        (rig.tree / "go").touch()

    assert ledger.texts("stdout")[-1] == "hello"


async def test_a_cancel_outlives_the_runner_that_heard_it(rig: Rig) -> None:
    job = rig.job("echo two >> app.txt; echo ready; sleep 1000")
    async with rig.working(job) as (ledger, loop):
        await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
        await rig.server.command(ledger, "cancel")
        loop.leave()
    if ledger.finish is None:  # it left before it could
        async with rig.loop() as again, asyncio.timeout(60):
            await again.run()

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.CANCELLED
    assert ledger.texts("stdout") == ["ready"]


@pytest.mark.claude
async def test_a_message_during_the_setup_waits_for_the_agent_and_outlives_the_runner(
    rig: Rig, model: ModelServer
) -> None:
    setup = "echo busy; until test -e go; do sleep 0.05; done; rm go"
    url = model.url("no-changes")
    env = env_for(url)
    async with rig.working(claude_job(rig, setup=setup), host_env=env) as (ledger, loop):
        await rig.server.until(lambda: "busy" in ledger.texts("stdout"))
        await rig.server.command(ledger, "message", WORDS)
        await rig.server.until(lambda: ledger.received == last(ledger))
        loop.leave()
    assert ledger.heard < last(ledger)
    (rig.tree / "go").touch()
    async with rig.loop(host_env=env) as again, asyncio.timeout(60):
        await again.run()

    assert ledger.finish is not None
    assert ledger.finish.stop_reason in (StopReason.NO_CHANGES, StopReason.FINISHED)
    assert ledger.texts("user").count(WORDS) == 1
    assert model.requests_of(url)[-1].said.count(WORDS) == 1
    assert UNHEARD not in ledger.texts("system")


@pytest.mark.claude
async def test_a_message_that_the_agent_had_not_taken_up_is_said_to_the_next(
    rig: Rig, model: ModelServer
) -> None:
    url, gate = model.url("slow"), "not taken up"
    env = env_for(url)
    async with rig.working(claude_job(rig, {"gate": gate}), host_env=env) as (ledger, loop):
        await asyncio.to_thread(model.wait_until_waiting, gate)
        await rig.server.command(ledger, "message", WORDS)
        await rig.server.until(lambda: WORDS in ledger.texts("user"))
        loop.leave()
    model.release(gate)
    async with rig.loop(host_env=env) as again, asyncio.timeout(60):
        await again.run()

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert ledger.finish.heard == last(ledger)
    assert ledger.texts("user").count(WORDS) == 1
    assert model.requests_of(url)[-1].said.count(WORDS) == 1


@pytest.mark.claude
async def test_what_the_agent_has_taken_up_is_not_said_again(rig: Rig, model: ModelServer) -> None:
    url = model.url("commands")
    env = env_for(url)
    commands = [f"until [ -e {name} ]; do sleep 0.05; done" for name in ("go", "further")]
    job = claude_job(rig, {"commands": commands})
    async with rig.working(job, host_env=env) as (ledger, loop):
        await rig.server.until(lambda: any(e.kind.value == "tool_call" for e in ledger.entries))
        await rig.server.command(ledger, "message", WORDS)
        await rig.server.until(lambda: WORDS in ledger.texts("user"))
        assert ledger.heard < last(ledger)
        (rig.tree / "go").touch()
        await rig.server.until(lambda: ledger.heard == last(ledger))
        loop.leave()
    (rig.tree / "further").touch()
    async with rig.loop(host_env=env) as again, asyncio.timeout(60):
        await again.run()

    assert ledger.finish is not None
    assert ledger.finish.heard == last(ledger)
    assert ledger.texts("user").count(WORDS) == 1
    assert model.requests_of(url)[-1].said.count(WORDS) == 1
    assert UNHEARD not in ledger.texts("system")


@pytest.mark.claude
async def test_a_message_while_the_job_waits_for_its_model_is_heard_after_that(
    rig: Rig, model: ModelServer
) -> None:
    url = model.url("limited-once")
    job = claude_job(rig, {"resets_in": 2})
    async with rig.working(job, host_env=subscription(url)) as (ledger, _):
        await rig.server.until(lambda: any(e.name == "waiting" for e in ledger.entries))
        await rig.server.command(ledger, "message", WORDS)

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert WORDS in model.requests_of(url)[-1].said

"""Register, hear from, show and lose runners."""

from __future__ import annotations

from typing import Any

from lazyaf.domain.errors import Conflict, NotFound, UnsupportedProtocol
from lazyaf.domain.events import SERVER, Actor, EventType
from lazyaf.domain.runners import PoolKind, RunnerStatus
from lazyaf.protocol import VERSION
from lazyaf.protocol.messages import RegisterRequest, RegisterResponse
from lazyaf.services.announce import runner_changed
from lazyaf.services.context import Context
from lazyaf.services.pool_tokens import use_for_registration
from lazyaf.services.views import runner_view
from lazyaf.store.jobs import live_attempt
from lazyaf.store.runners import (
    RunnerRow,
    find_runner_by_instance,
    find_runner_by_name,
    insert_runner,
    list_runners,
    remove_runner,
    update_runner,
)
from lazyaf.store.tx import Tx


async def register_runner(
    ctx: Context, request: RegisterRequest, token_id: str
) -> RegisterResponse:
    """Make a runner known, or known again. A live namesake of another instance is refused, unless
    this one holds that one's state directory, which proves it dead."""
    if request.protocol != VERSION:
        raise UnsupportedProtocol(
            f"This server speaks runner protocol {VERSION}, the runner {request.protocol}. "
            "Install the server's version: `pip install --upgrade lazyaf`, or pull its image.",
            extra={"supported": [VERSION]},
        )
    runner_id = await ctx.db.write(_register, ctx.new_id(), request, token_id, ctx.clock.now())
    ctx.presence.touch(f"runner:{runner_id}")
    if request.current_job_id is not None:
        ctx.presence.touch(f"job:{request.current_job_id}")
    return RegisterResponse(
        runner_id=runner_id,
        heartbeat_s=ctx.rhythm.heartbeat,
        lease_s=ctx.rhythm.lease,
        grace_s=ctx.rhythm.runner_grace,
    )


def _register(tx: Tx, new_id: str, request: RegisterRequest, token_id: str, now: str) -> str:
    values: dict[str, Any] = {
        "instance_id": request.instance_id,
        "token_id": token_id,
        "pool": request.pool.value,
        "isolation": request.isolation.value,
        "version": request.version,
        "agents": [offer.model_dump() for offer in request.agents],
        "labels": request.labels,
        "container_id": request.container_id,
        "image": request.image,
        "repo_id": request.repo_id,
        "last_heartbeat": now,
    }
    use_for_registration(tx, token_id, request.name, request.instance_id)
    _forget_former_name(tx, request)
    known = find_runner_by_name(tx, request.name)
    if known is None:
        status = RunnerStatus.IDLE.value
        new = {"id": new_id, "name": request.name, "status": status, "created_at": now}
        insert_runner(tx, {**values, **new})
        runner_changed(tx, EventType.RUNNER_REGISTERED, new_id, Actor("runner", request.name))
        return new_id
    is_other = known.instance_id != request.instance_id
    is_alive = known.status != RunnerStatus.OFFLINE.value
    if is_other and is_alive and known.instance_id != request.replaces:
        raise Conflict(
            f"A runner named “{request.name}” is already connected. Give this one another name "
            "(`--name`), or stop the other first.",
            code="runner_name_taken",
        )
    held = None if is_other else known.current_job_id or _held_by(tx, known, request.current_job_id)
    update_runner(
        tx,
        known,
        {
            **values,
            "status": (RunnerStatus.IDLE if held is None else RunnerStatus.BUSY).value,
            "is_draining": False,
            "current_job_id": held,
        },
    )
    runner_changed(tx, EventType.RUNNER_REGISTERED, known.id, Actor("runner", known.name))
    return known.id


def _held_by(tx: Tx, runner: RunnerRow, job_id: str | None) -> str | None:
    """The job that a runner says it has, if its lease is this runner's: one that was not heard of for a
    while may have had a job all the time."""
    attempt = None if job_id is None else live_attempt(tx, job_id)
    return job_id if attempt is not None and attempt.runner_id == runner.id else None


def _forget_former_name(tx: Tx, request: RegisterRequest) -> None:
    """An instance has one name; under another it must not be known twice."""
    former = find_runner_by_instance(tx, request.instance_id)
    if former is None or former.name == request.name:
        return
    if former.current_job_id is not None:
        raise Conflict(
            f"This runner works a job as “{former.name}”. It can have another name afterwards.",
            code="runner_busy",
        )
    runner_left(tx, former.id)
    remove_runner(tx, former.id)


def require_instance(tx: Tx, instance_id: str, token_id: str) -> RunnerRow:
    """The registered runner of this instance and token, or 404 ``unknown_runner``."""
    return require_registered(find_runner_by_instance(tx, instance_id), token_id)


def require_registered(runner: RunnerRow | None, token_id: str) -> RunnerRow:
    """This runner, if there is one and it has this token, or 404 ``unknown_runner``."""
    if runner is None or runner.token_id != token_id or runner.status == RunnerStatus.OFFLINE.value:
        raise NotFound(
            "This runner is not registered here. Register, then repeat the request.",
            code="unknown_runner",
        )
    return runner


def show_runners(tx: Tx) -> list[dict[str, Any]]:
    """Every runner that is known, by name."""
    return [runner_view(tx, runner) for runner in list_runners(tx)]


def present_runners(tx: Tx, pool: PoolKind) -> list[str]:
    """The names of a pool's runners that are not known to be gone."""
    return [
        runner.name
        for runner in list_runners(tx)
        if runner.pool == pool and runner.status != RunnerStatus.OFFLINE
    ]


def busy_runners(tx: Tx) -> set[str]:
    """The names of those that have a job."""
    return {
        runner.name
        for runner in list_runners(tx)
        if runner.current_job_id is not None and runner.status != RunnerStatus.OFFLINE.value
    }


def beat(tx: Tx, instance_id: str, token_id: str, draining: bool, now: str) -> tuple[str, bool]:
    """A heartbeat: the runner's id and whether the server wants it to drain."""
    runner = require_instance(tx, instance_id, token_id)
    update_runner(
        tx, runner, {"last_heartbeat": now, "is_draining": runner.is_draining or draining}
    )
    if draining and not runner.is_draining:
        runner_changed(tx, EventType.RUNNER_UPDATED, runner.id, Actor("runner", runner.name))
    return runner.id, runner.is_draining


def drain_runner(tx: Tx, name: str) -> None:
    """Ask a runner to leave after its job."""
    runner = find_runner_by_name(tx, name)
    if runner is not None and not runner.is_draining:
        update_runner(tx, runner, {"is_draining": True})
        runner_changed(tx, EventType.RUNNER_UPDATED, runner.id, SERVER)


def runner_restarts(tx: Tx, name: str) -> None:
    """A runner's process is gone and another takes its place: it may register under the name, and
    repeats its claim to go on with the job that it had."""
    runner = find_runner_by_name(tx, name)
    if runner is not None and runner.status != RunnerStatus.OFFLINE.value:
        update_runner(tx, runner, {"status": RunnerStatus.OFFLINE.value})
        runner_changed(tx, EventType.RUNNER_UPDATED, runner.id, SERVER)


def runner_left(tx: Tx, runner_id: str) -> None:
    """A runner was not heard of, or said goodbye. One of the local pool is forgotten."""
    runner = next((r for r in list_runners(tx) if r.id == runner_id), None)
    if runner is None or runner.status == RunnerStatus.OFFLINE.value:
        return
    update_runner(tx, runner, {"status": RunnerStatus.OFFLINE.value, "current_job_id": None})
    runner_changed(tx, EventType.RUNNER_WENT_OFFLINE, runner_id, SERVER)
    if runner.pool != "external":
        remove_runner(tx, runner_id)

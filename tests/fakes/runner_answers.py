"""How the runner's scripted server answers: gaps are 409, repeats are trimmed, a fenced lease is refused."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fakes.runner_state import REPO, TOKEN, Ledger, RunnerState
from lazyaf.git.reach import reached
from lazyaf.protocol import LEASE_HEADER
from lazyaf.protocol.entries import Entry
from lazyaf.protocol.messages import (
    CheckpointRequest,
    ClaimRequest,
    FinishRequest,
    LeftoversRequest,
    LeftoversResponse,
    SessionRequest,
)


class RunnerAnswers(RunnerState):
    """The protocol's routes."""

    async def _register(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return problem(401, "unauthenticated")
        self.registrations.append(await request.json())
        rhythm = {"heartbeat_s": self.heartbeat_s, "lease_s": 60, "grace_s": self.grace_s}
        return JSONResponse({"runner_id": "r1", **rhythm})

    async def _claim(self, request: Request) -> Response:
        asked = ClaimRequest.model_validate(await request.json())
        if asked.claim_id not in self.claims:
            try:
                async with asyncio.timeout(asked.wait), self._changed:
                    await self._changed.wait_for(lambda: bool(self._queue))
            except TimeoutError:
                return Response(status_code=204)
            job = self._queue.pop(0)
            self.claims[asked.claim_id] = (job.job_id, job.attempt)
        ledger = self.ledgers[self.claims[asked.claim_id]]
        ended = "closed" if ledger.finish is not None else "lost" if ledger.fenced else None
        job = ledger.job.model_copy(update={"ended": ended})
        return Response(job.model_dump_json(), media_type="application/json")

    async def about_leftovers(self, asked: LeftoversRequest) -> LeftoversResponse:
        """What it knows: cards that a test has deleted, or that are at work, and its one repository."""
        found = await reached(self.storage, REPO, asked.commits.get(REPO, []))
        return LeftoversResponse(
            deleted=sorted(self.deleted.intersection([*asked.cards, *asked.repos])),
            at_work=sorted(self.at_work.intersection(asked.cards)),
            reached=sorted(found),
        )

    async def _leftovers(self, request: Request) -> Response:
        asked = LeftoversRequest.model_validate(await request.json())
        return JSONResponse((await self.about_leftovers(asked)).model_dump())

    async def _heartbeat(self, request: Request) -> Response:
        await request.json()
        return JSONResponse({"drain": self.drain})

    async def _log(self, request: Request) -> Response:
        ledger = self._held(request)
        if ledger is None:
            return problem(409, "lease_lost")
        asked = await request.json()
        expected = len(ledger.entries) + 1
        if asked["src_seq"] > expected:
            return problem(409, "sequence_gap", expected=expected)
        fresh = asked["entries"][expected - asked["src_seq"] :]
        ledger.entries += [Entry.model_validate(entry) for entry in fresh]
        return JSONResponse({"stored": len(ledger.entries)})

    async def _log_position(self, request: Request) -> Response:
        ledger = self._held(request)
        if ledger is None:
            return problem(409, "lease_lost")
        return JSONResponse({"stored": len(ledger.entries)})

    async def _control(self, request: Request) -> Response:
        after = int(request.query_params["after"])
        asking = self._held(request)
        if asking is not None:
            asking.received = max(asking.received, after)
            asking.heard = max(asking.heard, int(request.query_params["heard"]))

        def news() -> bool:
            ledger = self._held(request)
            return ledger is None or len(ledger.commands) > after

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(float(request.query_params["wait"])), self._changed:
                await self._changed.wait_for(news)
        ledger = self._held(request)
        if ledger is None:
            return problem(409, "lease_lost")
        return JSONResponse({"commands": ledger.commands[after:]})

    async def _checkpoint(self, request: Request) -> Response:
        ledger = self._held(request)
        if ledger is None:
            return problem(409, "lease_lost")
        asked = CheckpointRequest.model_validate(await request.json())
        pushed = await self.ref(f"{ledger.job.push_prefix}head") == asked.head_sha
        if asked.sha is not None:
            pushed &= await self.ref(f"{ledger.job.push_prefix}checkpoint") == asked.sha
        if not pushed:
            return problem(409, "not_pushed")
        ledger.checkpoints.append(asked)
        return Response(status_code=204)

    async def _attachment(self, request: Request) -> Response:
        if self._held(request) is None:
            return problem(409, "lease_lost")
        content = self.attachments.get(request.path_params["attachment_id"])
        return problem(404, "not_found") if content is None else Response(content)

    async def _keep_session(self, request: Request) -> Response:
        ledger = self._held(request)
        if ledger is None or self.sessions is None:
            return problem(404, "not_found") if ledger else problem(409, "lease_lost")
        asked = SessionRequest.model_validate(await request.json())
        if await self.ref(f"{ledger.job.push_prefix}session") != asked.sha:
            return problem(409, "not_pushed")
        self.sessions[ledger.job.task.card_id] = asked
        return Response(status_code=204)

    async def _kept_session(self, request: Request) -> Response:
        ledger = self._held(request)
        if ledger is None or self.sessions is None:
            return problem(404, "not_found") if ledger else problem(409, "lease_lost")
        kept = self.sessions.get(ledger.job.task.card_id)
        return JSONResponse({"session": None, "sha": None} if kept is None else kept.model_dump())

    async def _finish(self, request: Request) -> Response:
        ledger = self._held(request)
        if ledger is None:
            return problem(409, "lease_lost")
        asked = FinishRequest.model_validate(await request.json())
        if len(ledger.entries) < asked.last_seq:
            return problem(409, "sequence_gap", expected=len(ledger.entries) + 1)
        if asked.head_sha and await self.ref(f"{ledger.job.push_prefix}head") != asked.head_sha:
            return problem(409, "not_pushed")
        ledger.finish = asked
        return JSONResponse({"status": "completed"})

    def _held(self, request: Request) -> Ledger | None:
        """The attempt that holds its job with this lease."""
        lease = request.headers.get(LEASE_HEADER)
        found = (lg for lg in self.ledgers.values() if lg.job.lease == lease and not lg.fenced)
        return next(found, None)


def problem(status: int, code: str, **extra: Any) -> Response:
    content = json.dumps({"status": status, "code": code, "detail": code, **extra})
    return Response(content, status, media_type="application/problem+json")

"""How the runner's scripted server lets git in: real git, with the rights of the attempt that asks."""

from __future__ import annotations

import base64

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from fakes.runner_answers import problem
from fakes.runner_state import REPO, RunnerState
from lazyaf.domain.errors import LazyafError
from lazyaf.git import smart_http
from lazyaf.git.policy import PushPolicy


class RunnerGit(RunnerState):
    """The routes of git, to those whom an attempt's password lets in."""

    def _policy(self, request: Request) -> PushPolicy | None:
        """The rights of the attempt whose password this is."""
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Basic":
            return None
        password = base64.b64decode(encoded).decode().partition(":")[2]
        for ledger in self.ledgers.values():
            job = ledger.job
            if job.repo.password == password:
                orphan = f"refs/lazyaf/jobs/{job.job_id}/orphan/{job.attempt}"
                return PushPolicy(
                    own_prefix=orphan if ledger.fenced else job.push_prefix,
                    create_only=ledger.fenced,
                    max_input_size=self.push_limit,
                )
        return None

    async def _advertise(self, request: Request) -> Response:
        policy = self._policy(request)
        if policy is None:
            return Response(status_code=401, headers={"WWW-Authenticate": "Basic"})
        service = request.query_params["service"]
        protocol = request.headers.get("Git-Protocol")
        body = await smart_http.advertise(self.storage, REPO, service, protocol, policy)
        return StreamingResponse(body, media_type=f"application/x-{service}-advertisement")

    async def _serve(self, request: Request) -> Response:
        policy = self._policy(request)
        if policy is None:
            return Response(status_code=401, headers={"WWW-Authenticate": "Basic"})
        if request.path_params["service"] == smart_http.RECEIVE_PACK:
            self.pushes.append(int(request.headers["Content-Length"]))
        try:
            body = await smart_http.serve(
                self.storage,
                REPO,
                request.path_params["service"],
                request.stream(),
                content_encoding=request.headers.get("Content-Encoding"),
                protocol_header=request.headers.get("Git-Protocol"),
                policy=policy,
            )
        except LazyafError as error:
            return problem(error.status, error.code)
        return StreamingResponse(body)

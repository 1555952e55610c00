"""Whatever the API's description allows, no answer is a 5xx, and every answer is as described.

Schemathesis makes the requests. Waits are cut short, and the commands that take a long time by nature
(the demo, landing on a remote) are left to tests of their own.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case

from support.app import Served

LEFT_OUT: Final = {("POST", "/api/demo"), ("POST", "/api/repos/{repo_id}/land")}
EXAMPLES: Final = 6


def _request(case: Case, known: dict[str, str], served: Served) -> dict[str, Any]:
    """The case as arguments of a request, its ids now and then replaced by ones that exist."""
    request = case.as_transport_kwargs(base_url=served.url)
    parameters = dict(case.path_parameters or {})
    is_runner = case.path.startswith("/api/runner/v1")
    token = served.runner_token if is_runner else served.token
    query = dict(case.query or {})
    body = request.get("json")
    if isinstance(body, dict) and "wait" in body:
        body = {**body, "wait": 0}
    if "wait" in query:
        query["wait"] = 0
    headers = {
        name: value
        for name, value in (case.headers or {}).items()
        if value.isascii() and value.isprintable()
    }
    if is_runner and "lease" in known:
        headers["Lazyaf-Lease"] = known["lease"]
    path = case.path
    for name, value in parameters.items():
        path = path.replace(f"{{{name}}}", known.get(name) or str(value))
    sent: dict[str, Any] = {
        "method": case.method,
        "url": path,
        "params": query,
        "headers": {**headers, "Authorization": f"Bearer {token}"},
    }
    if body is not None:
        sent["json"] = body
    return sent


def operations(served: Served) -> list[Any]:
    schema = schemathesis.openapi.from_dict(served.app.openapi())
    return [
        found.ok()
        for found in schema.get_all_operations()
        if (found.ok().method.upper(), found.ok().path) not in LEFT_OUT
    ]


async def test_no_request_is_answered_with_a_5xx(served: Served) -> None:
    """Each operation with examples of its own, on things that exist and on things that do not."""
    repo = await served.repo()
    job = await served.job(repo)
    known = {
        "repo_id": repo,
        "card_id": job["task"]["card_id"],
        "job_id": job["job_id"],
        "lease": job["lease"],
    }
    wrong: list[str] = []
    loop = asyncio.get_running_loop()

    async def ask(sent: dict[str, Any]) -> httpx2.Response:
        return await served.stranger.request(**sent)

    def probe(operation: Any) -> None:
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), exists=st.booleans())
        def run(case: Case, exists: bool) -> None:
            deletes = case.method == "DELETE"
            sent = _request(case, known if exists and not deletes else {}, served)
            try:
                answer = asyncio.run_coroutine_threadsafe(ask(sent), loop).result(30)
            except httpx2.InvalidURL:
                return
            if answer.status_code >= 500:
                wrong.append(f"{case.method} {sent['url']!r} {sent.get('json')!r}: {answer.text}")
            elif answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json"

        run()

    for operation in operations(served):
        await asyncio.to_thread(probe, operation)
    assert wrong == []


@pytest.mark.parametrize("path", ["/api/repos", "/api/runners", "/api/settings", "/api/agents"])
async def test_answers_are_as_described(served: Served, path: str) -> None:
    await served.repo()
    await served.register()
    schema = schemathesis.openapi.from_dict(served.app.openapi())
    answer = await served.person.get(path)
    assert answer.status_code == 200
    response = schemathesis.Response(
        status_code=200,
        headers={name: [value] for name, value in answer.headers.items()},
        content=answer.content,
        request=None,
        elapsed=0.0,
        verify=False,
    )
    schema[path]["GET"].validate_response(response)


async def test_a_log_and_a_board_are_as_described(served: Served) -> None:
    """They are written by hand for speed, so the framework does not look at them."""
    from lazyaf.web import schemas

    repo = await served.repo()
    job = await served.job(repo)
    entries = [{"at": "now", "kind": "tool_call", "name": "Bash", "text": "ls"}]
    await served.runner.post(
        f"/api/runner/v1/jobs/{job['job_id']}/log",
        json={"src_seq": 1, "entries": entries},
        headers={"Lazyaf-Lease": job["lease"]},
    )
    log = await served.person.get(f"/api/jobs/{job['job_id']}/logs")
    assert len(schemas.LogPage.model_validate_json(log.content).items) == 1
    board = await served.person.get(f"/api/repos/{repo}/cards")
    assert len(schemas.CardPage.model_validate_json(board.content).items) == 1

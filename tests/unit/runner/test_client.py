"""The client against the one table of reactions; no network, no time."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from lazyaf.domain.errors import LeaseLost
from lazyaf.protocol.messages import RegisterRequest
from lazyaf.runner.client import (
    Refused,
    ServerAbsent,
    ServerClient,
    is_loopback,
    retry_delay,
    trust,
)
from lazyaf.runner.config import RunnerConfig

Answer = httpx2.Response | Exception


class Script:
    """A server that gives these answers one after the other, and a clock that only sleep moves."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []
        self.slept: list[float] = []
        self.now = 0.0

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def problem(status: int, code: str, **headers: str) -> httpx2.Response:
    return httpx2.Response(
        status,
        json={"code": code, "detail": f"It is {code}."},
        headers={"Content-Type": "application/problem+json", **headers},
    )


NOTHING = httpx2.Response(204)
BEAT = {"drain": False}
Make = Callable[[Script], ServerClient]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(script: Script) -> ServerClient:
        config = RunnerConfig(
            server="http://127.0.0.1:1",
            token="t0ken",
            name="r",
            state_dir=tmp_path,
            work_dir=tmp_path,
            host_env={},
        )
        client = ServerClient(
            config, sleep=script.sleep, jitter=lambda: 1.0, monotonic=lambda: script.now
        )
        client.http = httpx2.AsyncClient(
            transport=httpx2.MockTransport(script), base_url="http://server"
        )
        return client

    return make


async def test_a_claim_is_repeated_with_its_number_until_it_is_answered(make: Make) -> None:
    script = Script(
        httpx2.ConnectError("refused"),
        httpx2.ReadError("cut"),
        problem(503, "unavailable"),
        NOTHING,
    )
    async with make(script) as client:
        assert await client.claim("claim-0001") is None

    bodies = {request.content for request in script.requests}
    assert len(script.requests) == 4
    assert len(bodies) == 1
    assert script.slept == [0.2, 0.4, 0.8]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_these_statuses_are_tried_again(make: Make, status: int) -> None:
    script = Script(problem(status, "x"), httpx2.Response(200, json=BEAT))
    async with make(script) as client:
        await client.heartbeat(draining=False)

    assert len(script.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422])
async def test_these_statuses_are_never_tried_again(make: Make, status: int) -> None:
    script = Script(problem(status, "no_way"))
    async with make(script) as client:
        with pytest.raises(Refused) as refused:
            await client.heartbeat(draining=False)

    assert refused.value.status == status
    assert refused.value.code == "no_way"
    assert script.slept == []


async def test_retry_after_wins(make: Make) -> None:
    script = Script(problem(429, "slow_down", **{"Retry-After": "7"}), NOTHING)
    async with make(script) as client:
        await client.claim("claim-0001")

    assert script.slept == [7]


async def test_a_lost_lease_is_raised_as_such(make: Make) -> None:
    async with make(Script(problem(409, "lease_lost"))) as client:
        with pytest.raises(LeaseLost):
            await client.heartbeat(draining=False)


async def test_an_unknown_runner_registers_and_repeats(make: Make) -> None:
    rhythm = {"runner_id": "r", "heartbeat_s": 5, "lease_s": 60, "grace_s": 30}
    script = Script(
        httpx2.Response(200, json=rhythm),
        problem(404, "unknown_runner"),
        httpx2.Response(200, json=rhythm),
        NOTHING,
    )
    async with make(script) as client:
        await client.register(
            RegisterRequest(name="r", instance_id="instance-1", version="1", protocol=1)
        )
        assert await client.claim("claim-0001") is None
        assert client.heartbeat_s == 5
        assert client.grace_s == 30

    paths = [request.url.path.rsplit("/", 1)[1] for request in script.requests]
    assert paths == ["register", "claim", "register", "claim"]


async def test_a_server_away_for_longer_than_the_grace_is_given_up(make: Make) -> None:
    script = Script(*[httpx2.ConnectError("refused")] * 100)
    async with make(script) as client:
        with pytest.raises(ServerAbsent):
            await client.claim("claim-0001")

    assert 60 <= script.now <= 70


def test_delays_double_up_to_a_bound_and_half_of_each_is_random() -> None:
    assert [retry_delay(n, None, 1.0) for n in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5, 5]
    assert retry_delay(1, None, 0.0) == 0.2
    assert retry_delay(10_000, None, 1.0) == 5
    assert retry_delay(0, "3600", 1.0) == 60
    assert retry_delay(0, "soon", 1.0) == 0.2


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://[::1]:8000", True),
        ("http://localhost:8000", True),
        ("http://10.0.0.1", False),
        ("https://lazyaf.example.com", False),
    ],
)
def test_loopback_is_recognised(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


@pytest.mark.parametrize("url", ["https://lazyaf.example", "http://lazyaf:8765"])
def test_a_certificate_is_checked_and_without_tls_nobody_is_trusted(url: str) -> None:
    found = trust(url)
    assert found.verify_mode is ssl.CERT_REQUIRED
    assert found.check_hostname
    assert (found.cert_store_stats()["x509_ca"] > 0) is url.startswith("https")

"""Work that is pushed after its lease was lost, from the push to the card's branch, over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest_asyncio

from conformance.attempt import Attempt, begin
from lazyaf.store.events import events_after
from lazyaf.store.jobs import get_job
from support.app import Served


@pytest_asyncio.fixture
async def attempt(served: Served, tmp_path: Path) -> Attempt:
    """A live attempt with a commit to push."""
    return await begin(served, tmp_path / "agent")


async def card_of(attempt: Attempt) -> str:
    return (await attempt.served.db.read(get_job, attempt.job["job_id"])).card_id


async def test_what_a_lost_lease_leaves_can_be_used(attempt: Attempt) -> None:
    served, card = attempt.served, await card_of(attempt)
    place = f"/api/cards/{card}/recovered"
    await attempt.lose()
    assert (await served.person.get(place)).json()["items"] == []
    before = len(await served.db.read(events_after, 0, 1000))
    await attempt.push(f"HEAD:{attempt.orphan}")
    told = (await served.db.read(events_after, 0, 1000))[before:]
    assert [(event.type, event.subject) for event in told] == [("card.updated", card)]
    (item,) = (await served.person.get(place)).json()["items"]
    sha = await attempt.tip()
    assert (item["sha"], item["attempt"]) == (sha, attempt.job["attempt"])

    busy = await served.person.post(f"{place}/use", json={"sha": sha})
    assert (busy.status_code, busy.json()["code"]) == (409, "illegal_transition")
    assert (await served.person.post(f"/api/cards/{card}/cancel")).status_code == 200
    for wrong, status in (("main", 422), ("1" * 40, 404)):
        refused = await served.person.post(f"{place}/use", json={"sha": wrong})
        assert refused.status_code == status
    used = await served.person.post(f"{place}/use", json={"sha": sha})
    assert used.status_code == 200
    refs = await attempt.refs()
    assert refs[f"refs/heads/{used.json()['branch_name']}"] == sha
    assert attempt.orphan not in refs
    assert (await served.person.get(place)).json()["items"] == []


async def test_what_a_lost_lease_leaves_can_be_put_aside(attempt: Attempt) -> None:
    served, card = attempt.served, await card_of(attempt)
    await attempt.lose()
    await attempt.push(f"HEAD:{attempt.orphan}")
    sha = await attempt.tip()
    place = f"/api/cards/{card}/recovered"
    for status in (204, 404):
        gone = await served.person.post(f"{place}/discard", json={"sha": sha})
        assert gone.status_code == status
    refs = await attempt.refs()
    assert refs[f"refs/lazyaf/archive/1/recovered/{sha}"] == sha
    assert attempt.orphan not in refs


async def test_nobody_but_people_decides_about_it(attempt: Attempt) -> None:
    served, card = attempt.served, await card_of(attempt)
    place = f"/api/cards/{card}/recovered"
    for client in (served.runner, served.stranger):
        assert (await client.get(place)).status_code in (401, 403)
        for verb in ("use", "discard"):
            refused = await client.post(f"{place}/{verb}", json={"sha": "1" * 40})
            assert refused.status_code in (401, 403)

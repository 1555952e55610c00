"""What is asked of every forge, against servers that answer as the forges' descriptions say."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

import pytest

from fakes.forge_server import ForgeServer
from lazyaf.domain.errors import Conflict, ForgeLimited, LazyafError, Unavailable
from lazyaf.domain.forges import ForgeRepo, NewPull, PullState, forge_repo, pull_number
from lazyaf.forges.http import ForgeHttp
from lazyaf.forges.registry import ForgeClients

WRITER, READER = "s3cret-writer", "s3cret-reader"
NEW = NewPull("Fix the login", "It was broken.\n\nLazyAF card #1\n", "lazyaf/1-fix", "main")


def at(forge: ForgeServer, path: str = "ada/shop") -> ForgeRepo:
    return forge_repo(f"{forge.origin}/{path}.git", forge.kind, forge.api_url)


async def test_one_is_opened_with_title_body_and_branches(
    forge: ForgeServer, clients: ForgeClients
) -> None:
    pull = await clients.open(at(forge), WRITER, NEW)
    [there] = forge.pulls
    assert (there.title, there.body) == (NEW.title, NEW.body)
    assert (there.branch, there.base) == (NEW.branch, NEW.base)
    assert (pull.number, pull.state) == (1, PullState.OPEN)
    assert pull_number(at(forge), pull.url) == 1


async def test_one_that_is_open_already_is_found_and_no_second_one_is_made(
    forge: ForgeServer, clients: ForgeClients
) -> None:
    first = await clients.open(at(forge), WRITER, NEW)
    assert await clients.open(at(forge), WRITER, NEW) == first
    assert len(forge.pulls) == 1


async def test_what_is_closed_or_of_others_is_not_taken_for_the_open_one(
    forge: ForgeServer, clients: ForgeClients
) -> None:
    forge.add_pull("ada/shop", NEW.branch, state="closed")
    forge.add_pull("ada/shop", NEW.branch, state="merged")
    forge.add_pull("ada/shop", NEW.branch, from_fork=True)
    forge.add_pull("ada/shop", NEW.branch, base="develop")
    forge.add_pull("ada/shop", "lazyaf/2-other")
    opened = await clients.open(at(forge), WRITER, NEW)
    assert (opened.number, len(forge.pulls)) == (6, 6)
    assert await clients.open(at(forge), WRITER, NEW) == opened


async def test_it_is_found_among_many(forge: ForgeServer, clients: ForgeClients) -> None:
    for number in range(120):
        forge.add_pull("ada/shop", f"topic/{number}")
    wanted = forge.add_pull("ada/shop", NEW.branch)
    found = await clients.open(at(forge), WRITER, NEW)
    assert (found.number, len(forge.pulls)) == (wanted.number, 121)


@pytest.mark.parametrize(
    ("state", "draft", "told"),
    [
        ("open", False, PullState.OPEN),
        ("open", True, PullState.DRAFT),
        ("merged", False, PullState.MERGED),
        ("closed", False, PullState.CLOSED),
        ("closed", True, PullState.CLOSED),
    ],
)
async def test_how_far_it_is(
    forge: ForgeServer, clients: ForgeClients, state: str, draft: bool, told: PullState
) -> None:
    pull = forge.add_pull("ada/shop", NEW.branch, state=state, draft=draft)
    look = await clients.look(at(forge), READER, pull.number, None)
    assert look.pull is not None
    assert look.pull.state is told


async def test_what_did_not_change_is_not_sent_again(
    forge: ForgeServer, clients: ForgeClients
) -> None:
    pull = forge.add_pull("ada/shop", NEW.branch)
    first = await clients.look(at(forge), READER, pull.number, None)
    assert (first.etag is not None) is forge.dialect.has_etag
    again = await clients.look(at(forge), READER, pull.number, first.etag)
    assert (again.pull is None) is forge.dialect.has_etag
    pull.state = "merged"
    after = await clients.look(at(forge), READER, pull.number, again.etag)
    assert after.pull is not None
    assert after.pull.state is PullState.MERGED


@pytest.mark.parametrize(("token", "may"), [(WRITER, True), (READER, False)])
async def test_what_a_token_sees(
    forge: ForgeServer, clients: ForgeClients, token: str, may: bool
) -> None:
    access = await clients.access(at(forge), token)
    assert (access.full_name, access.may_write) == ("ada/shop", may)


async def test_a_token_that_is_not_known(forge: ForgeServer, clients: ForgeClients) -> None:
    with pytest.raises(Conflict, match="does not accept the token") as refused:
        await clients.access(at(forge), "wr0ng")
    assert refused.value.code == "forge_token_refused"
    assert "wr0ng" not in refused.value.detail


async def test_a_token_that_only_reads_is_told_which_right_it_needs(
    forge: ForgeServer, clients: ForgeClients
) -> None:
    needed = {"github": "“Pull requests”", "gitlab": "`api`", "gitea": "`write:repository`"}
    with pytest.raises(Conflict) as refused:
        await clients.open(at(forge), READER, NEW)
    assert refused.value.code == "forge_forbidden"
    assert needed[forge.kind] in refused.value.detail
    assert forge.pulls == []


async def test_a_repository_that_the_token_does_not_see(
    forge: ForgeServer, clients: ForgeClients
) -> None:
    with pytest.raises(Conflict, match="ada/secret") as refused:
        await clients.access(at(forge, "ada/secret"), WRITER)
    assert refused.value.code == "forge_not_found"


async def test_words_of_a_refusal_are_passed_on(forge: ForgeServer, clients: ForgeClients) -> None:
    bodies = {
        "github": {
            "message": "Validation Failed",
            "errors": [{"resource": "PullRequest", "code": "custom", "message": "No commits."}],
        },
        "gitlab": {"message": {"source_branch": ["is invalid"]}},
        "gitea": {"message": "Invalid PullRequest: base and head must be branches"},
    }
    said = {"github": "No commits", "gitlab": "source_branch is invalid", "gitea": "branches"}
    forge.said(422, bodies[forge.kind])
    if forge.kind == "github":  # it may mean that one exists
        forge.said(200, [])
    with pytest.raises(Conflict, match=said[forge.kind]) as refused:
        await clients.open(at(forge), WRITER, NEW)
    assert refused.value.code == "forge_refused"


async def test_a_field_is_named_where_nothing_else_is_said(
    forge: ForgeServer, clients: ForgeClients
) -> None:
    if forge.kind == "gitlab":
        forge.said(400, {"error": "source_branch is missing"})
    with pytest.raises(Conflict) as refused:
        await clients.open(at(forge), WRITER, NewPull("x", "", "gone", "main"))
    words = {
        "github": "head invalid",
        "gitlab": "source_branch is missing",
        "gitea": "couldn't be found",
    }
    assert words[forge.kind] in refused.value.detail


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry_After": "37"}, 37),
        (403, {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "{in 90}"}, 90),
        (429, {"RateLimit_Reset": "{in 90}"}, 90),
        (429, {}, 60),
        (429, {"Retry_After": "999999"}, 3600),
    ],
)
async def test_a_forge_that_has_enough_says_for_how_long(
    forge: ForgeServer, clients: ForgeClients, status: int, headers: dict[str, str], seconds: int
) -> None:
    then = str(int(time.time()) + 90)
    filled = {k: v.replace("{in 90}", then) for k, v in headers.items()}
    forge.said(status, {"message": "API rate limit exceeded"}, **filled)
    with pytest.raises(ForgeLimited) as limited:
        await clients.access(at(forge), WRITER)
    assert seconds - 5 <= limited.value.retry_after <= seconds
    assert limited.value.extra["retry_after"] == limited.value.retry_after


async def test_a_forge_in_trouble_can_be_asked_again(
    forge: ForgeServer, clients: ForgeClients
) -> None:
    forge.said(502, b"<html>Bad Gateway</html>")
    with pytest.raises(Unavailable) as absent:
        await clients.access(at(forge), WRITER)
    assert absent.value.code == "forge_unreachable"
    assert (await clients.access(at(forge), WRITER)).full_name == "ada/shop"


@pytest.mark.parametrize(
    "body", [b"<html>Welcome</html>", [], "text", {"number": "1"}, None, {"number": 1, "iid": 1}]
)
async def test_what_is_no_forge_is_called_that(
    forge: ForgeServer, clients: ForgeClients, body: object
) -> None:
    forge.said(200, body)
    with pytest.raises(Conflict) as strange:
        await clients.look(at(forge), WRITER, 1, None)
    assert strange.value.code == "forge_strange"


async def test_the_address_of_a_pull_request_is_a_page(
    forge: ForgeServer, clients: ForgeClients
) -> None:
    bad = "javascript:alert(1)"
    forge.said(200, {"number": 1, "iid": 1, "html_url": bad, "web_url": bad, "state": "open"})
    with pytest.raises(Conflict) as strange:
        await clients.look(at(forge), WRITER, 1, None)
    assert strange.value.code == "forge_strange"


async def test_a_token_never_follows_a_redirect(
    forge: ForgeServer, clients: ForgeClients, tmp_path: Path
) -> None:
    with ForgeServer(forge.kind, tmp_path / "elsewhere") as elsewhere:
        forge.said(301, {"message": "Moved Permanently"}, Location=f"{elsewhere.origin}/x")
        with pytest.raises(Conflict) as moved:
            await clients.access(at(forge), WRITER)
        assert moved.value.code == "forge_moved"
        assert elsewhere.asked == []


async def test_a_token_stands_in_a_header_and_nowhere_else(
    forge: ForgeServer, clients: ForgeClients
) -> None:
    await clients.open(at(forge), WRITER, NEW)
    await clients.open(at(forge), WRITER, NEW)
    await clients.look(at(forge), WRITER, 1, None)
    await clients.access(at(forge), WRITER)
    name = {"github": "authorization", "gitlab": "private-token", "gitea": "authorization"}
    for asked in forge.asked:
        assert WRITER in asked.headers.pop(name[forge.kind])
        assert WRITER not in f"{asked}"


async def test_a_forge_that_tells_the_token_back_is_not_quoted(
    forge: ForgeServer, clients: ForgeClients
) -> None:
    forge.said(400, {"message": f"who is {WRITER}?"})
    with pytest.raises(LazyafError) as refused:
        await clients.access(at(forge), WRITER)
    assert "who is …?" in refused.value.detail


async def test_an_answer_is_bounded_in_size(forge: ForgeServer) -> None:
    clients = ForgeClients(ForgeHttp(bytes_max=1000))
    forge.said(200, b"x" * 2000)
    with pytest.raises(Unavailable, match="more than"):
        await clients.access(at(forge), WRITER)
    await clients.close()


async def test_a_silent_forge_is_waited_for_so_long() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        over.set()

    over = asyncio.Event()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clients = ForgeClients(ForgeHttp(total_s=0.05))
    there = forge_repo(f"http://127.0.0.1:{port}/ada/shop", "gitea")
    with pytest.raises(Unavailable, match="did not answer within") as absent:
        await clients.access(there, WRITER)
    assert absent.value.code == "forge_unreachable"
    await clients.close()
    await over.wait()
    server.close()


async def test_nobody_is_there(clients: ForgeClients) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        there = forge_repo(f"http://127.0.0.1:{port}/ada/shop", "github")
        with pytest.raises(Unavailable, match="could not be reached"):
            await clients.access(there, WRITER)

"""Every way round what a job's credential is for: one repository to read, one prefix to write."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_asyncio

from conformance.attempt import APPROVE, Attempt, begin
from conformance.client import CAPABILITIES, RECEIVE
from lazyaf.git import command
from lazyaf.git.pktline import FLUSH, ZERO, encode, encode_push_request
from support.app import Served


@pytest_asyncio.fixture
async def attempt(served: Served, tmp_path: Path) -> Attempt:
    """A live attempt with a commit to push."""
    return await begin(served, tmp_path / "agent")


async def test_a_job_reads_its_repository_and_writes_below_its_prefix(attempt: Attempt) -> None:
    await attempt.push(f"HEAD:{attempt.prefix}head", f"HEAD~1:{attempt.prefix}checkpoint")
    refs = await attempt.refs()
    assert refs[f"{attempt.prefix}head"] == await attempt.tip()
    await attempt.git("fetch", "-q", attempt.url(), f"{attempt.prefix}head")


async def test_a_job_may_rewrite_its_own_refs(attempt: Attempt) -> None:
    await attempt.push(f"HEAD:{attempt.prefix}head")
    await attempt.git("commit", "-q", "--amend", "-m", "again")
    await attempt.push(f"+HEAD:{attempt.prefix}head")
    assert (await attempt.refs())[f"{attempt.prefix}head"] == await attempt.tip()


BELOW = "this job writes only below"

ELSEWHERE = {
    "the default branch": ("refs/heads/main", APPROVE),
    "the card's branch": ("refs/heads/{branch}", APPROVE),
    "a new branch": ("refs/heads/mine", APPROVE),
    "a branch named like the prefix": ("refs/heads/{prefix}head", APPROVE),
    "a tag": ("refs/tags/v1", BELOW),
    "HEAD, the symbolic ref": ("HEAD", BELOW),
    "a pseudo ref": ("FETCH_HEAD", BELOW),
    "a symbolic ref of a remote": ("refs/remotes/origin/HEAD", BELOW),
    "notes": ("refs/notes/commits", BELOW),
    "replaced objects": ("refs/replace/{sha}", BELOW),
    "the stash": ("refs/stash", BELOW),
    "hidden refs": ("refs/lazyaf/archive/1", BELOW),
    "someone else's job": ("refs/lazyaf/jobs/01900000-0000-7000-8000-0000000000ff/1/head", BELOW),
    "the job without an attempt": ("refs/lazyaf/jobs/{job}/head", BELOW),
    "the next attempt": ("refs/lazyaf/jobs/{job}/2/head", BELOW),
    "an attempt that begins alike": ("refs/lazyaf/jobs/{job}/11/head", BELOW),
    "the prefix itself": ("refs/lazyaf/jobs/{job}/1", BELOW),
    "its own orphan while it lives": ("refs/lazyaf/jobs/{job}/orphan/1", BELOW),
    "case of heads": ("refs/Heads/main", BELOW),
    "case of refs": ("REFS/HEADS/main", BELOW),
    "case of the job": ("refs/lazyaf/jobs/{JOB}/1/head", BELOW),
    "case of the prefix": ("refs/LazyAF/jobs/{job}/1/head", BELOW),
    "a full-width slash": ("refs/heads\uff0fmain", BELOW),
    "a full-width digit": ("refs/lazyaf/jobs/{job}/\uff11/head", BELOW),
    "a Cyrillic letter": ("refs/lazyaf/j\u043ebs/{job}/1/head", BELOW),
    "a hidden character": ("{prefix}head\u200b", "readable UTF-8"),
    "a name turned around": ("{prefix}\u202edaeh", "readable UTF-8"),
    "up from the prefix": ("{prefix}../../../../heads/main", "funny refname"),
    "up within the prefix": ("{prefix}../2/head", "funny refname"),
    "a lock": ("{prefix}head.lock", "funny refname"),
    "twice a slash": ("{prefix}/head", "funny refname"),
}  # fmt: skip


async def test_a_job_writes_nowhere_else(attempt: Attempt) -> None:
    job_id = attempt.job["job_id"]
    words = {
        "branch": attempt.job["branch"],
        "prefix": attempt.prefix,
        "sha": attempt.job["base_sha"],
        "job": job_id,
        "JOB": job_id.upper(),
    }
    before, wrong = await attempt.refs(), {}
    for where, (pattern, sentence) in ELSEWHERE.items():
        said = await push_by_hand(attempt, [(ZERO, await attempt.tip(), pattern.format(**words))])
        if sentence not in said or await attempt.refs() != before:
            wrong[where] = said
    assert wrong == {}


async def push_by_hand(
    attempt: Attempt, commands: list[tuple[str, str, str]], *, certificate: bool = False
) -> str:
    """A push that no client would let through; the server's answer."""
    body = encode_push_request(commands, CAPABILITIES)
    if certificate:
        body = encode(b"push-cert\0 report-status\n") + encode(b"certificate version 0.1\n") + FLUSH
    head = await attempt.tip()
    pack = await command.run(
        ["pack-objects", "--revs", "--stdout", "-q"],
        cwd=attempt.folder,
        stdin=f"{head}\n".encode(),
    )
    answer = await attempt.served.stranger.post(
        f"/git/{attempt.job['repo']['id']}.git/{RECEIVE}",
        content=body + pack.stdout,
        headers={"Content-Type": f"application/x-{RECEIVE}-request"},
        auth=(attempt.job["repo"]["username"], attempt.job["repo"]["password"]),
    )
    return answer.content.decode()


@pytest.mark.parametrize(
    ("refspec", "sentence"),
    [
        ("HEAD:refs/heads/main", "protected branch main: approve the card instead"),
        ("+HEAD:refs/heads/main", "protected branch main: approve the card instead"),
        (":refs/heads/main", "protected branch main: approve the card instead"),
        ("HEAD:refs/tags/v1", "this job writes only below refs/lazyaf/jobs/"),
        (":{prefix}head", "a job deletes nothing"),
    ],
)
async def test_the_client_shows_why(attempt: Attempt, refspec: str, sentence: str) -> None:
    await attempt.push(f"HEAD:{attempt.prefix}head")
    before = await attempt.refs()
    said = await attempt.said("push", attempt.url(), refspec.format(prefix=attempt.prefix))
    assert sentence in said
    assert "[remote rejected]" in said
    assert await attempt.refs() == before


async def test_one_forbidden_ref_keeps_the_others_out(attempt: Attempt) -> None:
    before = await attempt.refs()
    for options in ((), ("--atomic",)):
        said = await attempt.said(
            "push", *options, attempt.url(), f"HEAD:{attempt.prefix}head", "HEAD:refs/heads/x"
        )
        assert "protected branch x" in said
    assert await attempt.refs() == before


async def test_the_card_s_branch_is_neither_moved_nor_deleted_once_it_is_there(
    attempt: Attempt,
) -> None:
    branch = f"refs/heads/{attempt.job['branch']}"
    await attempt.served.scene.set_ref(attempt.job["repo"]["id"], branch, attempt.job["base_sha"])
    before = await attempt.refs()
    for refspec in (f"HEAD:{branch}", f"+HEAD:{branch}", f":{branch}"):
        assert APPROVE in await attempt.said("push", attempt.url(), refspec)
    assert await attempt.refs() == before


async def test_a_push_certificate_is_refused(attempt: Attempt) -> None:
    before = await attempt.refs()
    said = await push_by_hand(
        attempt, [(ZERO, await attempt.tip(), "refs/heads/main")], certificate=True
    )
    assert "Signed pushes are not supported here." in said
    assert "the receiving end does not support --signed" in await attempt.said(
        "push", "--signed", attempt.url(), f"HEAD:{attempt.prefix}head"
    )
    assert await attempt.refs() == before


async def test_push_options_open_nothing(attempt: Attempt) -> None:
    said = await attempt.said(
        "push", "-o", "force=true", "-o", "user=person", attempt.url(), "HEAD:refs/heads/main"
    )
    assert APPROVE in said


async def test_another_repository_is_neither_read_nor_written(attempt: Attempt) -> None:
    other = await attempt.served.repo("other")
    before = await attempt.served.scene.tip(other, "main")
    for words in (("ls-remote",), ("fetch",), ("clone",)):
        said = await attempt.said(*words, attempt.url(other))
        assert "This credential is for another repository." in said
    said = await attempt.said("push", attempt.url(other), "HEAD:refs/heads/main")
    assert "This credential is for another repository." in said
    assert await attempt.served.scene.tip(other, "main") == before


async def test_a_repository_that_is_not_there_sounds_like_any_other(attempt: Attempt) -> None:
    said = await attempt.said("ls-remote", attempt.url("01900000-0000-7000-8000-0000000000ff"))
    assert "This credential is for another repository." in said


async def test_what_a_job_sees(attempt: Attempt) -> None:
    repo_id, own = attempt.job["repo"]["id"], attempt.job["job_id"]
    base = attempt.job["base_sha"]
    for ref in (
        f"refs/lazyaf/jobs/{own}/0/head",
        f"refs/lazyaf/jobs/{own}9/1/head",
        "refs/lazyaf/jobs/other/1/head",
        "refs/lazyaf/archive/1",
        "refs/notes/commits",
        "refs/tags/v1",
    ):
        await attempt.served.scene.set_ref(repo_id, ref, base)
    listed = (await attempt.git("ls-remote", attempt.url())).text
    seen = {line.split("\t")[1] for line in listed.splitlines()}
    assert seen == {"HEAD", "refs/heads/main", "refs/tags/v1", f"refs/lazyaf/jobs/{own}/0/head"}
    for hidden in ("refs/lazyaf/jobs/other/1/head", "refs/lazyaf/archive/1"):
        said = await attempt.said("fetch", attempt.url(), hidden)
        assert "couldn't find remote ref" in said


async def test_an_earlier_attempt_s_refs_stay_as_they_are(attempt: Attempt) -> None:
    ref = f"refs/lazyaf/jobs/{attempt.job['job_id']}/0/head"
    await attempt.served.scene.set_ref(attempt.job["repo"]["id"], ref, attempt.job["base_sha"])
    assert BELOW in await attempt.said("push", attempt.url(), f"+HEAD:{ref}")
    assert (await attempt.refs())[ref] == attempt.job["base_sha"]


async def test_the_credential_is_good_for_git_alone(attempt: Attempt) -> None:
    for secret in (attempt.job["repo"]["password"], attempt.job["lease"]):
        client = attempt.served.client(secret)
        for path in ("/api/repos", "/api/tokens", "/api/runner/v1/claim"):
            assert (await client.get(path)).status_code in {401, 405}
            assert (await client.post(path, json={})).status_code in {401, 405}


async def test_the_lease_is_no_password_for_git(attempt: Attempt) -> None:
    url = attempt.url().replace(attempt.job["repo"]["password"], attempt.job["lease"])
    assert "This git password is not known." in await attempt.said("ls-remote", url)


async def test_a_job_brings_no_legacy_complaints(attempt: Attempt) -> None:
    raw = (await attempt.git("cat-file", "commit", "HEAD")).stdout.replace(b" +0000", b" +51800")
    made = await command.run(
        ["hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
        cwd=attempt.folder,
        stdin=raw,
    )
    said = await attempt.said("push", attempt.url(), f"{made.text}:{attempt.prefix}head")
    assert "badTimezone" in said

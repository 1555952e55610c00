"""Real git against the smart-HTTP stream: what a person or a runner sees at the other end."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from lazyaf.domain.errors import BadRequest, Forbidden, NotFound
from lazyaf.git import command, refs, smart_http
from lazyaf.git.pktline import ZERO
from lazyaf.git.policy import PushPolicy

JOB = "refs/lazyaf/jobs/j1/1/"


async def body(*chunks: bytes):
    for chunk in chunks:
        yield chunk


async def test_what_is_pushed_can_be_cloned_and_fetched(served, work, tmp_path: Path) -> None:
    first = await work.commit({"a": "1"})
    await work.git("push", "-q", served.url, "main")
    await command.run(["clone", "-q", served.url, str(tmp_path / "clone")])
    second = await work.commit({"a": "2"})
    await work.git("push", "-q", served.url, "main")
    await command.run(["pull", "-q"], cwd=tmp_path / "clone")
    head = await command.run(["rev-parse", "HEAD"], cwd=tmp_path / "clone")
    assert head.text == second
    assert served.app.updated == [
        [(ZERO, first, "refs/heads/main")],
        [(first, second, "refs/heads/main")],
    ]


async def test_a_push_of_60_mb_comes_through(served, work, storage, repo_id) -> None:
    for key, value in (("core.compression", "0"), ("pack.window", "0")):
        await work.git("config", key, value)  # random bytes: let the client not try
    head = await work.commit({f"blob{n}": os.urandom(6_000_000) for n in range(10)})
    await work.git("push", "-q", served.url, "main")
    assert await refs.resolve(storage, repo_id, "main") == head
    await storage.git(repo_id, ["fsck", "--connectivity-only"])
    lengths = [r.get("content-length") for r in served.app.requests if r["path"] != "info/refs"]
    assert lengths == ["4", None]  # git's probe, then the chunked body


async def test_a_shallow_and_a_partial_clone(served, work, tmp_path: Path) -> None:
    for n in range(3):
        await work.commit({"a": str(n)})
    await work.git("push", "-q", served.url, "main")
    for name, option in (("shallow", "--depth=1"), ("partial", "--filter=blob:none")):
        await command.run(["clone", "-q", option, served.url, str(tmp_path / name)])
        assert (tmp_path / name / "a").read_text() == "2"


async def test_a_large_negotiation_arrives_gzipped(served, work, tmp_path: Path) -> None:
    await work.commit({"a": "0"})
    await work.git("push", "-q", served.url, "main")
    clone = tmp_path / "clone"
    await command.run(["clone", "-q", served.url, str(clone)])
    later = command.child_env({"GIT_COMMITTER_DATE": "2000000000 +0000"})  # are asked about first
    for n in range(40):
        await command.run(
            ["commit", "-q", "--allow-empty", "-m", f"mine {n}"], cwd=clone, env=later
        )
    await work.commit({"a": "1"})
    await work.git("push", "-q", served.url, "main")
    await command.run(["fetch", "-q"], cwd=clone)
    assert "gzip" in {r.get("content-encoding") for r in served.app.requests}


async def test_concurrent_pushes_to_one_ref_have_exactly_one_winner(
    served, work, storage, repo_id
) -> None:
    await work.commit({"a": "0"})
    await work.git("push", "-q", served.url, "main")
    rivals = []
    for n in range(6):
        await work.git("checkout", "-q", "-B", f"rival{n}", "main")
        rivals.append(await work.commit({"a": f"rival {n}"}))
    ended = await asyncio.gather(
        *(
            work.git("push", "-q", served.url, f"rival{n}:refs/heads/main", ok=(0, 1))
            for n in range(6)
        )
    )
    winners = [sha for sha, done in zip(rivals, ended, strict=True) if done.returncode == 0]
    assert winners == [await refs.resolve(storage, repo_id, "main")]
    assert [c[0][1] for c in served.app.updated[1:]] == winners


async def test_only_the_refs_that_moved_are_told(served, work) -> None:
    first = await work.commit({"a": "0"})
    await work.git("push", "-q", served.url, "main", "main:old")
    second = await work.commit({"a": "1"})
    pushed = await work.git("push", served.url, ":main", "HEAD:old", ok=(1,))
    assert "refusing to delete the current branch" in pushed.stderr
    assert served.app.updated[-1] == [(first, second, "refs/heads/old")]


async def test_a_refused_push_says_why(served, work, storage, repo_id) -> None:
    served.app.allow(protected=("main", "release/*"))
    await work.commit({"a": os.urandom(3_000_000)})
    pushed = await work.git("push", served.url, "main", ok=(1,))
    assert "remote: protected branch main: approve the card instead" in pushed.stderr
    assert "! [remote rejected] main -> main (protected branch main: approve" in pushed.stderr
    await work.git("push", "-q", served.url, "main:release/1", ok=(1,))
    assert await refs.resolve(storage, repo_id, "main") is None
    await work.git("push", "-q", served.url, "main:topic")
    assert [c[0][2] for c in served.app.updated] == ["refs/heads/topic"]


async def test_a_job_writes_only_below_its_own_prefix(served, work, storage, repo_id) -> None:
    served.app.allow(own_prefix=JOB)
    head = await work.commit({"a": "0"})
    await work.git("push", "-q", served.url, f"main:{JOB}head")
    assert await refs.resolve(storage, repo_id, f"{JOB}head") == head
    for ref in ("refs/heads/main", "refs/lazyaf/jobs/j1/2/head", "refs/lazyaf/jobs/j2/1/head"):
        refused = await work.git("push", served.url, f"main:{ref}", ok=(1,))
        assert "remote rejected" in refused.stderr
    refused = await work.git("push", served.url, f":{JOB}head", ok=(1,))
    assert "a job deletes nothing" in refused.stderr


async def test_a_lost_lease_may_only_create(served, work, storage, repo_id) -> None:
    orphan = "refs/lazyaf/jobs/j1/orphan/1"
    served.app.allow(own_prefix=orphan, create_only=True)
    first = await work.commit({"a": "0"})
    await work.git("push", "-q", served.url, f"main:{orphan}")
    await work.commit({"a": "1"})
    refused = await work.git("push", served.url, f"main:{orphan}", ok=(1,))
    assert "only new refs are taken" in refused.stderr
    refused = await work.git("push", served.url, f"main:{JOB}head", ok=(1,))
    assert f"it writes only {orphan}" in refused.stderr
    assert await refs.resolve(storage, repo_id, orphan) == first


async def test_everyone_sees_only_what_is_theirs(served, work) -> None:
    await work.commit({"a": "0"})
    names = ["refs/heads/main", f"{JOB}head", "refs/lazyaf/jobs/j2/1/head", "refs/tags/v1"]
    await work.git("push", "-q", "store", *(f"main:{name}" for name in names))

    async def seen() -> set[str]:
        listed = await work.git("ls-remote", served.url)
        return {line.split("\t")[1] for line in listed.text.splitlines()} - {"HEAD"}

    assert await seen() == {"refs/heads/main", "refs/tags/v1"}
    served.app.allow(own_prefix="refs/lazyaf/jobs/j1/2/")
    assert await seen() == {"refs/heads/main", "refs/tags/v1", f"{JOB}head"}


@pytest.mark.parametrize("allowed", [True, False])
async def test_the_lease_is_checked_again_after_the_upload(
    served, work, storage, repo_id, allowed: bool
) -> None:
    await work.commit({"a": "0"})
    asked = []

    async def still_allowed() -> bool:
        asked.append(await refs.resolve(storage, repo_id, f"{JOB}head"))
        return allowed

    served.app.allow(own_prefix=JOB, still_allowed=still_allowed)
    pushed = await work.git("push", served.url, f"main:{JOB}head", ok=(0 if allowed else 1,))
    assert asked == [None]
    assert ("the lease of this job is lost" in pushed.stderr) is not allowed
    assert (await refs.resolve(storage, repo_id, f"{JOB}head") is not None) is allowed
    assert bool(served.app.updated) is allowed


async def test_a_check_that_fails_refuses_the_push(served, work, storage, repo_id, caplog) -> None:
    await work.commit({"a": "0"})

    async def still_allowed() -> bool:
        raise OSError("no database")

    served.app.allow(own_prefix=JOB, still_allowed=still_allowed)
    pushed = await work.git("push", served.url, f"main:{JOB}head", ok=(1,))
    assert "could not check the lease" in pushed.stderr
    assert await refs.resolve(storage, repo_id, f"{JOB}head") is None
    assert "no database" in caplog.text


async def test_old_histories_are_taken_from_people_but_not_from_jobs(served, work) -> None:
    await work.commit({"a": "0"})
    raw = (await work.git("cat-file", "commit", "HEAD")).stdout.replace(b"+0000\n", b"+51800\n")
    odd = await command.run(
        ["hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
        cwd=work.folder,
        stdin=raw,
    )
    await work.git("push", "-q", served.url, f"{odd.text}:refs/heads/old")
    served.app.allow(own_prefix=JOB)
    refused = await work.git("push", served.url, f"{odd.text}:{JOB}head", ok=(0, 1))
    assert refused.returncode == 0  # nothing new is sent for what the server has already
    raw = raw.replace(b"change", b"another")
    odd = await command.run(
        ["hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
        cwd=work.folder,
        stdin=raw,
    )
    refused = await work.git("push", served.url, f"{odd.text}:{JOB}next", ok=(1,))
    assert "badTimezone" in refused.stderr


async def test_a_tree_that_attacks_a_checkout_is_refused(served, work) -> None:
    await work.commit({"a": "0"})
    blob = await work.head("HEAD:a")
    tree = await command.run(
        ["mktree"], cwd=work.folder, stdin=f"100644 blob {blob}\t.git\n".encode()
    )
    commit = await work.git("commit-tree", "-m", "attack", tree.text)
    refused = await work.git("push", served.url, f"{commit.text}:refs/heads/attack", ok=(1,))
    assert "hasDotgit" in refused.stderr


async def test_a_pack_that_is_too_large_is_refused_by_git(served, work) -> None:
    served.app.allow(max_input_size=1_000_000)
    await work.commit({"a": os.urandom(5_000_000)})
    refused = await work.git("push", served.url, "main", ok=(1,))
    assert "maximum allowed size" in refused.stderr
    assert not served.app.updated


async def test_who_may_only_read_gets_403_and_a_stranger_404(served, work, storage) -> None:
    await work.commit({"a": "0"})
    served.app.allow(allow_push=False)
    refused = await work.git("push", served.url, "main", ok=(128,))
    assert "403" in refused.stderr
    with pytest.raises(NotFound):
        await smart_http.serve(
            storage,
            "01900000-0000-7000-8000-00000000ffff",
            smart_http.UPLOAD_PACK,
            body(b"0000"),
            policy=PushPolicy(),
        )
    with pytest.raises(NotFound):
        await smart_http.advertise(storage, "../etc", smart_http.UPLOAD_PACK, None, PushPolicy())


async def test_a_preamble_stands_before_everything_but_v2_upload_pack(storage, repo_id) -> None:
    async def advertised(service: str, protocol: str | None) -> bytes:
        chunks = await smart_http.advertise(storage, repo_id, service, protocol, PushPolicy())
        return b"".join([chunk async for chunk in chunks])

    bare = await advertised(smart_http.UPLOAD_PACK, "version=2")
    assert bare.startswith(b"000eversion 2\n")
    for service, protocol in (
        (smart_http.UPLOAD_PACK, None),
        (smart_http.UPLOAD_PACK, "version=2:$(touch /tmp/x)"),
        (smart_http.RECEIVE_PACK, "version=2"),
    ):
        assert (await advertised(service, protocol))[4:].startswith(f"# service={service}".encode())


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1", b"00", b"", b"0003x", b"\x1f\x8b\x08\x00"])
async def test_a_body_that_is_no_pkt_line_is_400_before_a_spawn(
    storage, repo_id, first: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def spawned(*_: object, **__: object) -> None:
        raise AssertionError("spawned")

    monkeypatch.setattr(command, "start", spawned)
    for service in (smart_http.UPLOAD_PACK, smart_http.RECEIVE_PACK):
        with pytest.raises(BadRequest):
            await smart_http.serve(storage, repo_id, service, body(first), policy=PushPolicy())


async def test_services_and_pushes_that_are_not_allowed(storage, repo_id) -> None:
    with pytest.raises(BadRequest):
        await smart_http.advertise(storage, repo_id, "git-upload-archive", None, PushPolicy())
    with pytest.raises(Forbidden):
        await smart_http.advertise(
            storage, repo_id, smart_http.RECEIVE_PACK, None, PushPolicy(allow_push=False)
        )


async def test_nothing_of_the_server_leaks_into_hooks_and_planted_hooks_do_not_run(
    served, work, storage, repo_id, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAZYAF_SECRET", "hunter2")
    seen = tmp_path / "seen"
    hook = storage.asking_hooks / "pre-receive"
    hook.write_text(hook.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\nenv >{seen}\n", 1))
    planted = storage.path(repo_id) / "hooks" / "pre-receive"
    planted.parent.mkdir()
    planted.write_text("#!/bin/sh\nexit 1\n")
    planted.chmod(0o755)

    async def still_allowed() -> bool:
        return True

    await work.commit({"a": "0"})
    await work.git("push", "-q", served.url, "main")
    assert not seen.exists()
    served.app.allow(still_allowed=still_allowed)
    await work.git("push", "-q", served.url, "main:other")
    assert "hunter2" not in seen.read_text()

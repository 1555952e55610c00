"""Pitfalls of serving git that other tests do not meet: each fails when its guard is taken away."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lazyaf.domain.errors import NotFound
from lazyaf.git import blobs, command, smart_http
from lazyaf.git.pack import RunningPack
from lazyaf.git.pktline import ZERO, encode_push_request, parse_report
from lazyaf.git.policy import PushPolicy
from lazyaf.git.quota import Quota
from lazyaf.git.storage import Storage

CAPABILITIES = ("report-status", "side-band-64k", "object-format=sha1")
OTHER = "01900000-0000-7000-8000-000000000002"


def packs(storage: Storage, repo_id: str) -> set[str]:
    return {path.name for path in (storage.path(repo_id) / "objects/pack").glob("*.pack")}


async def test_a_childs_environment_is_this_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever a person or an image has configured around git counts for nothing here."""
    for name in ("HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_PARAMETERS", "LC_ALL"):
        monkeypatch.setenv(name, "/leaked")
    assert command.child_env() == {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "LazyAF",
        "GIT_AUTHOR_EMAIL": "lazyaf@localhost",
        "GIT_COMMITTER_NAME": "LazyAF",
        "GIT_COMMITTER_EMAIL": "lazyaf@localhost",
    }
    listed = await command.run(["config", "--list", "--show-scope"], cwd=Path("/"))
    assert listed.text == ""
    who = await command.run(["var", "GIT_COMMITTER_IDENT"])
    assert who.text.startswith("LazyAF <lazyaf@localhost> ")


@pytest.mark.parametrize("name", ["../outside", "{root}/../outside", "-x", "", ".hooks"])
async def test_an_id_never_leads_out_of_the_storage(storage, tmp_path: Path, name: str) -> None:
    """What is there, but no repository of ours."""
    for place in (tmp_path / "outside.git", storage.root / "-x.git", storage.root / ".git"):
        await command.run(["init", "-q", "--bare", str(place)])
    with pytest.raises(NotFound):
        await smart_http.advertise(
            storage, name.format(root=storage.root), smart_http.UPLOAD_PACK, None, PushPolicy()
        )


async def test_gits_probe_starts_nothing(storage, repo_id, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a chunked request git asks with an empty one whether its credential is good."""

    async def spawned(*_: object, **__: object) -> None:
        raise AssertionError("spawned")

    async def probe() -> AsyncIterator[bytes]:
        yield b"0000"

    monkeypatch.setattr(command, "start", spawned)
    for service in (smart_http.UPLOAD_PACK, smart_http.RECEIVE_PACK):
        answer = await smart_http.serve(storage, repo_id, service, probe(), policy=PushPolicy())
        assert [chunk async for chunk in answer] == []


async def test_no_push_waits_for_maintenance(served, work, storage, repo_id) -> None:
    """Repacking is the scheduler's, whatever the repository's own configuration asks for."""
    for key, value in (
        ("receive.autogc", "true"),
        ("receive.unpackLimit", "1"),
        ("gc.auto", "1"),
        ("gc.autoPackLimit", "1"),
        ("gc.autoDetach", "false"),
    ):
        await storage.git(repo_id, ["config", key, value])
    for n in range(4):
        await work.commit({"a": str(n)})
        await work.git("push", "-q", served.url, "main")
    assert len(packs(storage, repo_id)) == 4


async def test_what_git_does_not_want_is_read_to_its_end(storage, repo_id, work) -> None:
    """A client hears nothing before it has said everything."""
    head = await work.commit({"a": os.urandom(3_000_000)})
    packed = await command.run(
        ["pack-objects", "--revs", "--stdout", "-q"], cwd=work.folder, stdin=f"{head}\n".encode()
    )
    read = []

    async def body() -> AsyncIterator[bytes]:
        yield encode_push_request([(ZERO, head, "refs/heads/main")], CAPABILITIES)
        for start in range(0, len(packed.stdout), 65_536):
            yield packed.stdout[start : start + 65_536]
        read.append("all")

    policy = PushPolicy(max_input_size=10_000)  # of which git is sure long before the end
    stream = await smart_http.serve(
        storage, repo_id, smart_http.RECEIVE_PACK, body(), policy=policy
    )
    answer = parse_report(b"".join([chunk async for chunk in stream]))
    assert answer.refs["refs/heads/main"] is not None
    assert read == ["all"]


async def test_transfers_are_capped(
    tmp_path: Path, repo_id: str, work, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage(tmp_path / "capped", quota=Quota(packs=2))
    await storage.create(repo_id, "main")
    head = await work.commit({"a": "0"})
    packed = await command.run(
        ["pack-objects", "--revs", "--stdout", "-q"], cwd=work.folder, stdin=f"{head}\n".encode()
    )
    running: list[int] = [0, 0]  # now, and at most
    release = asyncio.Event()
    run_child = RunningPack._run_child

    async def counted(self: RunningPack) -> tuple[int, str]:
        running[0] += 1
        running[1] = max(running)
        try:
            return await run_child(self)
        finally:
            running[0] -= 1

    monkeypatch.setattr(RunningPack, "_run_child", counted)

    async def push(number: int) -> None:
        async def body() -> AsyncIterator[bytes]:
            yield encode_push_request([(ZERO, head, f"refs/heads/{number}")], CAPABILITIES)
            await release.wait()
            yield packed.stdout

        stream = await smart_http.serve(
            storage, repo_id, smart_http.RECEIVE_PACK, body(), policy=PushPolicy()
        )
        answer = parse_report(b"".join([chunk async for chunk in stream]))
        assert answer.refs == {f"refs/heads/{number}": None}

    pushing = asyncio.gather(*(push(n) for n in range(6)))
    while running[1] < 2:  # noqa: ASYNC110 - two have begun; the others wait, or began at once
        await asyncio.sleep(0)
    release.set()
    await pushing
    assert running == [0, 2]


async def test_repositories_share_no_objects(
    served, work, storage, repo_id, tmp_path: Path
) -> None:
    """Who reads one repository can name any object of it, so it must hold nothing of another's."""
    secret = await work.commit({"secret": "of another repository"})
    await storage.create(OTHER, "main")
    await work.git("push", "-q", str(storage.path(OTHER)), "main")
    await command.run(["init", "-q", str(tmp_path / "stranger")])
    refused = await command.run(["fetch", served.url, secret], cwd=tmp_path / "stranger", ok=(128,))
    assert "not our ref" in refused.stderr
    assert not (storage.path(repo_id) / "objects/info/alternates").exists()


async def test_a_link_in_a_pushed_tree_is_never_followed(served, work, storage, repo_id) -> None:
    (work.folder / "prompt.md").symlink_to("/etc/passwd")
    (work.folder / "up").symlink_to("../../../..")
    head = await work.commit({"a": "0"})
    await work.git("push", "-q", served.url, "main")
    assert await blobs.read_file(storage, repo_id, head, "a") == b"0"
    assert await blobs.read_file(storage, repo_id, head, "prompt.md") is None
    assert await blobs.read_file(storage, repo_id, head, "up/etc/passwd") is None
    links = [path for path in storage.root.rglob("*") if path.is_symlink()]
    assert links == []  # nothing was checked out


async def test_what_the_repository_itself_configures_opens_nothing(
    served, work, storage, repo_id, tmp_path: Path
) -> None:
    """Our settings win over those of the repository, which a restored backup may have brought."""
    for key, value in (
        ("receive.fsckObjects", "false"),
        ("receive.maxInputSize", "0"),
        ("transfer.hideRefs", "!refs"),
        ("core.hooksPath", str(tmp_path)),
    ):
        await storage.git(repo_id, ["config", key, value])
    hook = tmp_path / "pre-receive"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    await storage.git(repo_id, ["config", "uploadpack.packObjectsHook", str(hook)])
    await work.commit({"a": os.urandom(100_000)})
    served.app.allow(max_input_size=10_000)
    refused = await work.git("push", served.url, "main", ok=(1,))
    assert "maximum allowed size" in refused.stderr
    served.app.allow(max_input_size=10_000_000)
    await work.git("push", "-q", served.url, "main")
    await work.git("push", "-q", str(storage.path(repo_id)), "main:refs/lazyaf/jobs/j/1/head")
    (tmp_path / "ran").unlink(missing_ok=True)  # the push by path is nobody's but ours
    listed = await work.git("ls-remote", served.url)
    assert "refs/lazyaf" not in listed.text
    await command.run(["clone", "-q", served.url, str(tmp_path / "clone")])
    assert not (tmp_path / "ran").exists()

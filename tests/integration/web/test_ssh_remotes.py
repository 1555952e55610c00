"""Remotes over ssh, with a real sshd: the deploy key, the pinned host, fetching, landing and syncing."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lazyaf.domain.remotes import DeployKey, Remote
from lazyaf.git import remotes
from lazyaf.services.import_repo import sync_repo
from lazyaf.services.sealing import open_text
from lazyaf.store.events import events_after
from lazyaf.store.repos import get_repo
from support.app import Served
from support.history import bare_copy, commit_files, git, make_repository, tip
from support.sshd import SshHost, make_ssh_host


@pytest.fixture
def host(tmp_path: Path) -> Iterator[SshHost]:
    made = make_ssh_host(tmp_path / "sshd")
    with made.running():
        yield made


@pytest.fixture
def work(tmp_path: Path) -> Path:
    made = make_repository(tmp_path / "work", commits=2, files={"readme.md": "Shop\n"})
    bare_copy(made, tmp_path / "shop.git")
    return made


@pytest.fixture
def bare(work: Path, tmp_path: Path) -> Path:
    return tmp_path / "shop.git"


async def post(served: Served, path: str, status: int = 200, **body: Any) -> dict[str, Any]:
    answer = await served.person.post(f"/api/repos/{path}", json=body or None)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def added(served: Served, url: str) -> dict[str, Any]:
    return await post(served, "import", 201, url=url, name="shop")


async def fetched(served: Served) -> dict[str, Any]:
    await post(served, "shop/fetch")
    await served.house.ctx.background.settle()
    shown: dict[str, Any] = (await served.person.get("/api/repos/shop")).json()
    return shown


async def test_a_key_is_made_shown_and_then_fetched_and_landed_with(
    served: Served, host: SshHost, work: Path, bare: Path
) -> None:
    made = await added(served, host.url(bare))
    assert made["import_state"] == "key_wanted"
    assert made["deploy_key"].startswith("ssh-ed25519 ")
    assert made["host_fingerprints"] == [f"ssh-ed25519 {host.fingerprint()}"]
    refused = await post(served, "shop/fetch", 409)
    assert refused["code"] == "deploy_key_refused"
    host.let_in(made["deploy_key"])
    shown = await fetched(served)
    assert (shown["import_state"], shown["is_ingested"]) == ("ready", True), shown
    assert await served.scene.tip(made["id"], "main") == tip(bare, "main")

    new = await served.scene.push(made["id"], "main", {"ours.txt": "1\n"})
    preview = await post(served, "shop/land/preview", branch="main")
    assert (preview["state"], preview["ahead"]) == ("ahead", 1)
    seen = {"sha": preview["sha"], "remote_sha": preview["remote_sha"]}
    assert (await post(served, "shop/land", branch="main", seen=seen))["pushed"]
    assert tip(bare, "main") == new

    git(work, "pull", "-q", "origin", "main")
    theirs = commit_files(work, {"theirs.txt": "1\n"}, "Theirs")
    git(work, "push", "-q", "origin", "main")
    assert await sync_repo(served.house.ctx, made["id"])
    assert await served.scene.tip(made["id"], "main") == theirs
    assert list((served.house.ctx.git.root / ".tmp").iterdir()) == []


async def test_the_private_half_is_nowhere_to_be_read(
    served: Served, host: SshHost, bare: Path
) -> None:
    made = await added(served, host.url(bare))
    row = await served.db.read(get_repo, made["id"])
    assert row.deploy_key is not None
    keys = served.house.ctx.keys
    private = open_text(keys, "deploy keys", row.id, row.deploy_key)
    assert private is not None
    assert open_text(keys, "deploy keys", "another", row.deploy_key) is None
    middle = private.splitlines()[2]
    told = [event.data for event in await served.db.read(events_after, 0, 1000)]
    assert not any(middle in text for text in (*told, repr(row), str(made)))
    folder = served.house.settings.data_dir
    assert middle.encode() not in b"".join(p.read_bytes() for p in folder.glob("lazyaf.db*"))
    remote = Remote(row.remote_url or "", key=DeployKey(private, row.host_keys or ""))
    assert middle not in repr(remote)
    async with remotes.reaching(served.house.ctx.git, remote) as reach:
        assert not any(middle in value for value in reach.env.values())
        assert reach.known_hosts is not None
        identity = reach.known_hosts.parent / "identity"
        assert stat.S_IMODE(identity.stat().st_mode) == 0o600
        assert stat.S_IMODE(identity.parent.stat().st_mode) == 0o700
    assert not identity.exists()


async def test_a_host_with_another_key_is_refused_until_it_is_pinned(
    served: Served, bare: Path, tmp_path: Path
) -> None:
    host = make_ssh_host(tmp_path / "sshd")
    with host.running():
        made = await added(served, host.url(bare))
    host.let_in(made["deploy_key"])
    host.new_host_key()
    with host.running():
        refused = await post(served, "shop/fetch", 409)
        assert refused["code"] == "host_key_changed"
        assert "Someone may stand in between" in refused["detail"]
        assert "Accepted publickey" not in host.log
        shown = await post(served, "shop/host-key")
        assert shown["host_fingerprints"] == [f"ssh-ed25519 {host.fingerprint()}"]
        assert shown["host_fingerprints"] != made["host_fingerprints"]
        assert (await fetched(served))["import_state"] == "ready"


async def test_a_host_that_does_not_answer_leaves_no_repository(
    served: Served, tmp_path: Path
) -> None:
    nobody = make_ssh_host(tmp_path / "nobody")
    refused = await post(served, "import", 409, url=nobody.url(tmp_path / "x.git"), name="shop")
    assert refused["code"] == "remote_unreachable"
    assert "Connection refused" in refused["detail"]
    assert (await served.person.get("/api/repos/shop")).status_code == 404


async def test_the_key_is_for_the_repositorys_own_remote_and_goes_with_its_host(
    served: Served, host: SshHost, bare: Path
) -> None:
    made = await added(served, host.url(bare))
    host.let_in(made["deploy_key"])
    await fetched(served)
    other = "git@host.test:x.git"
    refused = await post(served, "shop/land/preview", 409, branch="main", remote_url=other)
    assert refused["code"] == "deploy_key_missing"
    path = f"/api/repos/{made['id']}"
    same = await served.person.patch(path, json={"remote_url": host.url(bare) + "x"})
    assert same.json()["deploy_key"] == made["deploy_key"]
    changed = await served.person.patch(path, json={"remote_url": other})
    assert (changed.json()["deploy_key"], changed.json()["host_fingerprints"]) == (None, [])
    assert (await post(served, "shop/fetch", 409))["code"] == "deploy_key_missing"
    await served.person.patch(path, json={"remote_url": host.url(bare)})
    again = await post(served, "shop/deploy-key")
    assert again["deploy_key"] not in (None, made["deploy_key"])
    host.let_in(again["deploy_key"])
    assert (await fetched(served))["import_state"] == "ready"
    assert (await served.person.delete(f"{path}/credentials")).status_code == 204
    assert (await served.person.get(path)).json()["deploy_key"] is None


async def test_nothing_of_the_users_own_ssh_is_used(
    served: Served, host: SshHost, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/tmp/an-agent")
    monkeypatch.setenv("GIT_SSH_COMMAND", "false")
    made = await added(served, host.url(bare))
    host.let_in(made["deploy_key"])
    assert (await fetched(served))["import_state"] == "ready"

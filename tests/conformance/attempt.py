"""A claimed job's side of git: its credential, its prefix, and a way to lose its lease."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lazyaf.git import command
from lazyaf.services.close_job import end_attempt
from lazyaf.services.reap import Lost, lose_attempt
from lazyaf.store.jobs import get_job, live_attempts
from lazyaf.store.tx import Tx
from support.app import Served

APPROVE = "approve the card instead"
"""How a push to a branch is refused."""


@dataclass(frozen=True)
class Attempt:
    """One attempt of one job, as a hostile agent that got hold of the runner's password has it."""

    served: Served
    job: dict[str, Any]
    folder: Path

    @property
    def prefix(self) -> str:
        """``refs/lazyaf/jobs/<job>/<attempt>/``."""
        prefix: str = self.job["push_prefix"]
        return prefix

    @property
    def orphan(self) -> str:
        """The one ref that is left when the lease is lost."""
        return f"refs/lazyaf/jobs/{self.job['job_id']}/orphan/{self.job['attempt']}"

    @property
    def disk(self) -> Path:
        """The bare repository."""
        return self.served.house.ctx.git.path(self.job["repo"]["id"])

    def url(self, repo_id: str | None = None) -> str:
        """The address of its own repository, or of another, with its credential."""
        access = self.job["repo"]
        secret = f"://{access['username']}:{access['password']}@"
        return self.served.url.replace("://", secret) + f"/git/{repo_id or access['id']}.git"

    async def git(self, *args: str, ok: tuple[int, ...] = (0,)) -> command.Completed:
        """git in the agent's work tree."""
        return await command.run(args, cwd=self.folder, ok=ok)

    async def said(self, *args: str) -> str:
        """Run git, which must fail; what it told its user, on one line."""
        done = await self.git(*args, ok=(1, 128))
        return re.sub(r"\s+(remote: )?", " ", done.stderr)

    async def push(self, *refspecs: str) -> None:
        """A push that succeeds."""
        await self.git("push", "-q", self.url(), *refspecs)

    async def tip(self) -> str:
        """The agent's commit."""
        return (await self.git("rev-parse", "HEAD")).text

    async def refs(self) -> dict[str, str]:
        """Every ref of the repository, HEAD's target and all."""
        listed = await command.run(
            [f"--git-dir={self.disk}", "for-each-ref", "--format=%(refname) %(objectname)"]
        )
        head = (self.disk / "HEAD").read_text()
        found = dict(line.split(" ") for line in listed.text.splitlines())
        return {"HEAD": head, **found}

    def quarantines(self) -> list[Path]:
        """Where git keeps the objects of pushes that have not ended."""
        return list((self.disk / "objects").glob("tmp_objdir-*"))

    async def revoke(self) -> None:
        """The lease is lost in the database; nobody has ended the pushes yet."""
        now = self.served.house.ctx.clock.now()

        def revoke(tx: Tx) -> None:
            end_attempt(tx, get_job(tx, self.job["job_id"]), "lost", now)

        await self.served.db.write(revoke)

    async def lose(self) -> None:
        """The lease is lost, as when the runner was silent for too long."""
        attempts = await self.served.db.read(live_attempts)
        mine = next(a for a in attempts if a.job_id == self.job["job_id"])
        await lose_attempt(self.served.house.ctx, mine, Lost("It was silent.", spends=False))


async def begin(served: Served, folder: Path) -> Attempt:
    """A claimed job of a new repository with two cards, and a work tree with the agent's commit."""
    repo_id = await served.repo()
    attempt = Attempt(served, await served.job(repo_id), folder)
    await command.run(["clone", "-q", attempt.url(), str(folder)])
    (folder / "work.txt").write_text("work\n")
    await attempt.git("add", "-A")
    await attempt.git("commit", "-q", "-m", "The agent's work")
    return attempt

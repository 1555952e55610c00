"""A server without its transport: services over a real database and real git, on a frozen clock.

`Scene` says in one word each what a test needs to have happened: a repository with content, a card,
a runner, a claimed job, a push by its agent. What is tested is called by its own name.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pygit2
from pygit2.enums import FileMode

from factories.moments import FrozenClock, SequentialIds
from lazyaf.domain.attachments import AttachmentLimits
from lazyaf.domain.cards import CardCommand
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.forges.registry import ForgeClients
from lazyaf.git import refs
from lazyaf.git.refs import RefUpdate
from lazyaf.git.storage import Storage
from lazyaf.protocol.entries import EntryFields, EntryKind
from lazyaf.protocol.messages import AgentOffer, FinishRequest, Job, RegisterRequest
from lazyaf.services.after_push import branches_pushed
from lazyaf.services.append_log import append_log, batch_of
from lazyaf.services.attachment_files import AttachmentFiles
from lazyaf.services.background import Background
from lazyaf.services.cards import NewCard, create_card
from lazyaf.services.claim_job import claim_job
from lazyaf.services.context import Context, Rhythm
from lazyaf.services.credentials import LeaseKeys
from lazyaf.services.disk_room import DiskRoom
from lazyaf.services.dispatch import Dispatcher
from lazyaf.services.finish_job import finish_job
from lazyaf.services.job_waiters import JobWaiters
from lazyaf.services.locks import KeyedLocks
from lazyaf.services.presence import Presence
from lazyaf.services.radar import look_at
from lazyaf.services.repositories import create_repo
from lazyaf.services.runners import register_runner
from lazyaf.services.start_card import RunRequest, start_card
from lazyaf.services.views import card_view
from lazyaf.store.cards import CardRow, get_card
from lazyaf.store.database import SqlDatabase
from lazyaf.store.events import events_after
from lazyaf.store.jobs import JobRow, get_job
from lazyaf.store.repos import RepoRow, get_repo
from lazyaf.system import disks_of

ZERO = "0" * 40
LIMITS = AttachmentLimits(file=100_000, count=3, total=200_000)
TOKEN = "token-of-runners"
BASE_FILES = {"readme.md": "one\n\ntwo\n\nthree\n", "app.py": "print('hello')\n"}


def make_context(db: SqlDatabase, root: Path, clock: FrozenClock, new_id: SequentialIds) -> Context:
    """The context that `main` would make, with the tests' clock and ids."""
    return Context(
        db=db,
        git=Storage(root),
        clock=clock,
        new_id=new_id,
        keys=LeaseKeys(b"secret of the tests"),
        rhythm=Rhythm(),
        dispatcher=Dispatcher(),
        control=JobWaiters(),
        followers=JobWaiters(),
        presence=Presence(clock.monotonic),
        job_locks=KeyedLocks(),
        epoch="epoch",
        room=DiskRoom(partial(disks_of, [root]), 0, clock.monotonic),
        background=Background(),
        attachments=AttachmentFiles(root.with_name("attachments"), LIMITS),
        forges=ForgeClients(),
    )


class Scene:
    """What a test has in its hands."""

    def __init__(self, db: SqlDatabase, root: Path, clock: FrozenClock) -> None:
        self.db = db
        self.clock = clock
        self.new_id = SequentialIds()
        self.ctx = make_context(db, root, clock, self.new_id)
        self._claims = itertools.count(1)
        self._names = itertools.count(1)

    # Repositories and their commits

    async def empty_repo(self, name: str | None = None) -> str:
        made = await create_repo(
            self.ctx,
            name=name or f"repo-{next(self._names)}",
            remote=None,
            default_branch="main",
            actor=PERSON,
        )
        repo_id: str = made["id"]
        return repo_id

    async def repo(self, name: str | None = None, files: dict[str, str] | None = None) -> str:
        """A repository whose main has these files."""
        repo_id = await self.empty_repo(name)
        await self.push(repo_id, "main", files or BASE_FILES, parents=[])
        return repo_id

    def commit(
        self, repo_id: str, files: dict[str, str], parents: Sequence[str], message: str = "change"
    ) -> str:
        """A commit on top of its first parent that no ref points at."""
        repository = pygit2.Repository(str(self.ctx.git.path(repo_id)))
        index = pygit2.Index()
        if parents:
            index.read_tree(repository[parents[0]].peel(pygit2.Tree))
        for path, text in files.items():
            blob = repository.create_blob(text.encode())
            index.add(pygit2.IndexEntry(path, blob, FileMode.BLOB))
        who = pygit2.Signature("Someone", "someone@localhost", 1_700_000_000, 0)
        tree = index.write_tree(repository)
        return str(repository.create_commit(None, who, who, message, tree, list(parents)))

    async def tip(self, repo_id: str, branch: str) -> str | None:
        return await refs.resolve(self.ctx.git, repo_id, f"refs/heads/{branch}")

    async def ref(self, repo_id: str, ref: str) -> str | None:
        return await refs.resolve(self.ctx.git, repo_id, ref)

    async def set_ref(self, repo_id: str, ref: str, sha: str) -> None:
        await refs.update(self.ctx.git, repo_id, [RefUpdate(ref, sha, None)])

    async def push(
        self,
        repo_id: str,
        branch: str,
        files: dict[str, str],
        *,
        parents: Sequence[str] | None = None,
    ) -> str:
        """A person's push: a commit on the branch, and what follows of it."""
        old = await self.tip(repo_id, branch)
        sha = self.commit(repo_id, files, ([old] if old else []) if parents is None else parents)
        ref = f"refs/heads/{branch}"
        await self.set_ref(repo_id, ref, sha)
        await branches_pushed(self.ctx, repo_id, [(old or ZERO, sha, ref)], PERSON)
        await self.look(repo_id)
        return sha

    async def look(self, repo_id: str) -> None:
        """What the radar does once it has heard of something."""
        await look_at(self.ctx, repo_id)

    # Cards and jobs

    async def card(self, repo_id: str, title: str = "Fix the login", **fields: Any) -> str:
        card_id = self.new_id()
        new = NewCard(title, **{"agent": "script", **fields})
        await self.db.write(create_card, card_id, repo_id, new, PERSON, self.clock.now())
        return card_id

    async def start(
        self,
        card_id: str,
        command: CardCommand = CardCommand.START,
        request: RunRequest | None = None,
    ) -> dict[str, Any]:
        card = await start_card(self.ctx, card_id, command, request or RunRequest(), PERSON)
        return card.view

    async def runner(
        self, name: str | None = None, agents: Sequence[str] = ("script", "claude")
    ) -> str:
        """A registered runner's instance id."""
        name = name or f"runner-{next(self._names)}"
        instance = f"instance-{name}"
        offers = [AgentOffer(name=agent) for agent in agents]
        request = RegisterRequest(
            name=name, instance_id=instance, version="1", protocol=1, agents=offers
        )
        await register_runner(self.ctx, request, TOKEN)
        return instance

    async def claim(self, instance: str, claim_id: str | None = None) -> Job | None:
        claim_id = claim_id or f"claim-{next(self._claims):06}"
        return (await claim_job(self.ctx, instance, TOKEN, claim_id)).job

    async def claimed(self, instance: str) -> Job:
        job = await self.claim(instance)
        assert job is not None, "There was nothing to claim."
        return job

    async def working(self, repo_id: str, **fields: Any) -> tuple[str, Job]:
        """A card whose job a runner of its own has just claimed."""
        card_id = await self.card(repo_id, **fields)
        await self.start(card_id)
        return card_id, await self.claimed(await self.runner())

    async def work(self, job: Job, files: dict[str, str], parents: Sequence[str] = ()) -> str:
        """The agent's commit, pushed to its attempt's head."""
        onto = list(parents) or [job.resume.head or job.branch_sha or job.base_sha]
        sha = self.commit(job.repo.id, files, onto)
        await self.set_ref(job.repo.id, f"{job.push_prefix}head", sha)
        return sha

    async def log(self, job: Job, src_seq: int, *texts: str) -> int:
        now = self.clock.now()
        said: list[EntryFields] = [
            {"at": now, "kind": EntryKind.MESSAGE, "text": text} for text in texts
        ]
        return await self.tell(job, src_seq, *said)

    async def tell(self, job: Job, src_seq: int, *entries: EntryFields) -> int:
        return await append_log(self.ctx, job.job_id, job.lease, src_seq, batch_of(entries))

    async def finish(
        self, job: Job, reason: StopReason = StopReason.FINISHED, **fields: Any
    ) -> str:
        request = FinishRequest(stop_reason=reason, **fields)
        return await finish_job(self.ctx, job.job_id, job.lease, request)

    async def in_review(
        self, repo_id: str, files: dict[str, str] | None = None, **fields: Any
    ) -> tuple[str, str]:
        """A card in review and the head of its branch."""
        card_id, job = await self.working(repo_id, **fields)
        head = await self.work(job, files or {f"{card_id}.txt": "work\n"})
        await self.finish(job, head_sha=head)
        return card_id, head

    # Rows

    async def card_row(self, card_id: str) -> CardRow:
        return await self.db.read(get_card, card_id)

    async def shown(self, card_id: str) -> dict[str, Any]:
        return await self.db.read(card_view, card_id)

    async def job_row(self, job_id: str) -> JobRow:
        return await self.db.read(get_job, job_id)

    async def repo_row(self, repo_id: str) -> RepoRow:
        return await self.db.read(get_repo, repo_id)

    async def event_types(self) -> list[str]:
        """Of every event so far, in order."""
        return [row.type for row in await self.db.read(events_after, 0, 1000)]

    async def told_cards(self) -> dict[str, dict[str, Any]]:
        """The newest summary of each card that the events have told."""
        told: dict[str, dict[str, Any]] = {}
        for row in await self.db.read(events_after, 0, 100_000):
            data = json.loads(row.data)
            if row.type == "card.deleted":
                told.pop(data["id"], None)
            elif isinstance(data.get("card"), dict):
                told[data["card"]["id"]] = data["card"]
        return told

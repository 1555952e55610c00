"""The work tree of a card and the git directory of a job, made so that the agent finds its place.

``trees/<card_id>/work`` is what the agent sees, at the same path in every round (its session is found
by it); ``job.json`` beside it, out of the agent's reach, says whose it is. Every job gets a fresh git
directory that borrows objects from the cache (rule R2). A tree that a killed runner left of the same
job is newer than any checkpoint, so it is taken up as it is, unless another attempt has gone on since.
git runs inside the sandbox only.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
from pathlib import Path
from typing import Final

import structlog

from lazyaf.domain.errors import GitFailed, Invalid
from lazyaf.domain.jobs import JobKind
from lazyaf.git import command
from lazyaf.protocol.messages import Job
from lazyaf.runner import saves
from lazyaf.runner.cache import Cache
from lazyaf.runner.config import RunnerConfig
from lazyaf.runner.marker import Marker
from lazyaf.runner.sandbox import Sandbox
from lazyaf.runner.sessionnote import SessionNote
from lazyaf.runner.spare import Spares
from lazyaf.runner.treegit import TreeGit
from lazyaf.runner.workdir import OF_CHECKS, WorkDir, remove_tree

log = structlog.get_logger(__name__)

TREE_WAIT_S: Final = 60.0
"""For another runner of this machine to let go of the card's tree."""
_COMPONENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")

_INITIALISE: Final = """\
[ -d .git ] || git init --quiet --template=
git symbolic-ref HEAD "refs/heads/$1"
mkdir -p .git/objects/info
printf '%s\\n' "$2" >.git/objects/info/alternates
git config user.name "$3"
git config user.email "$4"
git config commit.gpgSign false
git update-ref --stdin
shift 4
exec git "$@"
"""
"""Makes the git directory of a job. Its arguments: the branch, the objects to borrow, name and address
for the agent's own commits, then a git command; the refs come by stdin."""


def safe_name(name: str) -> str:
    """An id that may be a directory's name. Raises `Invalid` for anything else."""
    if not _COMPONENT.fullmatch(name):
        raise Invalid(f"“{name}” cannot be the name of a directory.")
    return name


class Workspace:
    """Where one job works. `prepare` before anything else."""

    def __init__(self, config: RunnerConfig, job: Job, sandbox: Sandbox) -> None:
        self._is_check = job.kind is JobKind.CHECK
        card = safe_name(f"{OF_CHECKS}{job.job_id}" if self._is_check else job.task.card_id)
        self._job = job
        self._sandbox = sandbox
        self._work = WorkDir(config.work_dir)
        self.root = config.trees_dir / card
        self.tree = self.root / "work"
        self.spool = self.root / "spool"
        self.store = self.root / "saves"
        self.attachments = self.root / "attachments"
        self.session_store = self.root / "session"
        self.session_spool = self.root / "session.spool"
        self.lock_path = config.trees_dir / f"{card}.lock"
        self.home = config.homes_dir / card
        self._session_path = config.homes_dir / f"{card}.session"
        self._marker_path = self.root / "job.json"
        self.marker = Marker(
            job_id=job.job_id,
            start=job.branch_sha or job.base_sha,
            attempt=job.attempt,
            branch=job.branch,
        )
        self.resumed = False
        self.git: TreeGit

    async def prepare(self, cache: Cache, spares: Spares) -> None:
        """Make the tree, or take up the one that was left, never for checks: what they find is to be the
        commit's. Raises `GitFailed`."""
        if self._is_check:
            self.remove()
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.utime(self.home)  # used now, for `retention`
        left = self._left()
        if left is not None and left.attempt + 1 >= self._job.attempt:
            await self._take_up(left, cache.path)
            return
        found = Marker.load(self._marker_path)
        if self.tree.exists() and (found is None or found.is_made):
            # Others have gone on with the job since, so what is here is older; or it is of an earlier job,
            # which could not push it. `retention` finds out whether the server has it.
            self.keep_aside()
        self._work.discard(self.root)
        try:
            await self._make(cache, spares)
        except asyncio.CancelledError:
            self.remove_half_made()
            raise

    @property
    def is_left(self) -> bool:
        """Whether an earlier process left a tree of this job."""
        return self._left() is not None

    async def take_up_left(self) -> None:
        """Take up the tree that was left, only to look at it. Raises `GitFailed`."""
        left = self._left()
        if left is None:
            raise GitFailed("There is no tree of this job.")
        await self._take_up(left, Path(left.cache))

    def _left(self) -> Marker | None:
        left = Marker.load(self._marker_path)
        if left is None or not left.is_made or not self.tree.is_dir():
            return None
        return left if left.job_id == self._job.job_id else None

    def save(self) -> None:
        """Write the marker down."""
        self.marker.save(self._marker_path)

    def note_recorded(self, tip: str, checkpoint: str | None) -> None:
        """The server has recorded this of the tree's work."""
        self.marker.recorded = tip, checkpoint
        self.save()

    def remove(self) -> None:
        """Delete the tree and its marker; HOME stays for the next round, of which checks have none."""
        self._work.discard(self.root)
        if self._is_check:
            self._work.discard(self.home)

    def remove_half_made(self) -> None:
        """Delete a tree whose making was cut off: nothing in it is anybody's work. Only with the tree's lock:
        else somebody may be making it."""
        found = Marker.load(self._marker_path)
        if found is not None and not found.is_made:
            self._work.discard(self.root)

    @property
    def kept(self) -> Path:
        """Where the tree is moved that is here now, if it has to be kept."""
        left = Marker.load(self._marker_path) or self.marker
        name = f"{self.root.name}.kept-{safe_name(left.job_id)}"
        names = itertools.chain((name,), (f"{name}.{number}" for number in itertools.count(2)))
        return next(path for n in names if not (path := self.root.with_name(n)).exists())

    def keep_aside(self) -> None:
        """Move the tree, with its marker, where no later round deletes it: the server has not all of its
        work."""
        if self.root.exists():
            kept = self.kept
            self.root.rename(kept)
            log.warning("workspace.kept", path=str(kept))

    def kept_of(self, session: str) -> str | None:
        """The save of this session from which HOME goes on; None when it has seen none."""
        note = SessionNote.load(self._session_path)
        return note.kept if note is not None and note.session == session else None

    def remember_session(self, session: str, kept: str | None = None) -> None:
        """HOME has this session now, with all that is in this save (None: in the one noted before)."""
        SessionNote(session, kept or self.kept_of(session)).save(self._session_path)

    async def repair(self) -> None:
        """Make a new git directory around the files as they are: the agent destroyed the old one.

        Its commits are gone with it, the files are not: they become one change on top of the start.
        """
        remove_tree(self.tree / ".git")
        await self._initialise(self.marker.start, "reset", "--quiet")

    async def _take_up(self, left: Marker, cache: Path) -> None:
        self.marker, self.resumed = left, True
        if left.attempt != self._job.attempt:
            self.marker.attempt, self.marker.worked_s = self._job.attempt, 0.0
        self.git = self._git(left.cache_or(cache))
        # Locks of processes that are dead; deleted inside, since even these names are the agent's.
        await self.git.command(["sh", "-c", "rm -f .git/*.lock .git/refs/heads/*.lock"])
        if await self.git.ref("HEAD") is None:
            self.git = self._git(cache)
            self.marker.cache = str(cache)
            await self.repair()
        self.save()

    async def _make(self, cache: Cache, spares: Spares) -> None:
        job = self._job
        self.root.mkdir(parents=True, mode=0o700)
        self.marker.cache, self.marker.is_made = str(cache.path), False
        self.save()
        if not spares.take(cache.path, self.tree):
            self.tree.mkdir(mode=0o700)
        self.git = self._git(cache.path)
        start = job.resume.head or job.branch_sha or job.base_sha
        await self._initialise(start, "reset", "--hard", "--quiet")
        if job.resume.checkpoint is not None:
            await self._lay_over(job.resume.checkpoint)
        elif start != job.base_sha:
            self.marker.conflicts = await self._merge_base()
        self.marker.is_made = True
        self.save()

    async def _initialise(self, start: str, *then: str) -> None:
        """A git directory of our own, with the branch at ``start``; ``then`` is the git command that
        looks at the files. One sandbox for all of it: each costs more than what is done in it."""
        job, git = self._job, self.git
        refs = {f"refs/remotes/origin/{job.base}": job.base_sha, f"refs/heads/{job.branch}": start}
        commands = "".join(f"update {ref} {sha}\n" for ref, sha in refs.items())
        words = [job.branch, str(git.cache / "objects"), *git.identity, *then]
        done = await git.command(
            ["sh", "-e", "-c", _INITIALISE, "sh", *words], stdin=commands.encode()
        )
        if done.returncode != 0:
            raise GitFailed(command.failure("init", done.returncode, done.stderr))

    async def _merge_base(self) -> list[str]:
        """Merge the base branch if it moved on; the conflicting paths when it does not merge."""
        git, job = self.git, self._job
        upstream = f"origin/{job.base}"
        done = await git.run("merge-base", "--is-ancestor", job.base_sha, "HEAD", ok=(0, 1))
        if done.returncode == 0:
            return []
        message = f"Merge branch '{job.base}' into {job.branch}"
        merged = await git.run("merge", "--no-verify", "-q", "-m", message, upstream, ok=None)
        if merged.returncode == 0:
            return []
        listed = await git.run("diff", "--name-only", "--diff-filter=U", "-z", ok=None)
        await git.run("merge", "--abort", ok=None)
        await git.run("reset", "--hard", "--quiet")
        paths = [path for path in listed.stdout.decode("utf-8", "replace").split("\0") if path]
        if not paths:
            raise GitFailed(f"{job.base} could not be merged: {merged.stderr or merged.text}")
        return paths

    async def _lay_over(self, checkpoint: str) -> None:
        """Put uncommitted work back: the files of the checkpoint, as changes since HEAD.

        The base is not merged in this case: the attempt goes on exactly where it was.
        """
        await saves.restore(self.git, checkpoint)

    def _git(self, cache: Path) -> TreeGit:
        identity = (self._job.committer_name, self._job.committer_email)
        return TreeGit(self._sandbox, self.tree, cache, self.store, identity)

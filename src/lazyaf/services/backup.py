"""A backup: a directory that a server can be restored from (rules.md R6).

The database comes first, git storage and attached files after it, so that whatever the database names is in
the copy; nothing is taken away meanwhile, while pushes and jobs go on. The manifest is written last: a
directory without one is no backup. Blocking; made beside a running server, or without one.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import URL

from lazyaf.domain.errors import Conflict, Invalid, NotFound
from lazyaf.git import copy, pause
from lazyaf.services.attachment_files import FOLDER, copy_file
from lazyaf.store.attachments import NamedFile, named_files
from lazyaf.store.backup import FILES, copied_url, copy_database, require_sound
from lazyaf.store.migrate import current_revision
from lazyaf.store.named_commits import NamedCommit, named_commits

MANIFEST: Final = "backup.json"
SECRETS: Final = ("secret", "token", "runners/token")
FORMAT: Final = 1

Tell = Callable[[str], None]


class Manifest(BaseModel):
    """What a backup says of itself. ``version`` is the program's, ``revision`` the schema's;
    ``missing`` are commits that were named but not in git when it was made, ``missing_files`` the hashes of
    attached files that were named and not there."""

    model_config = ConfigDict(frozen=True)

    format: int
    version: str
    made_at: str
    database: Literal["sqlite", "postgresql", "elsewhere"]
    revision: str | None
    repositories: list[str]
    missing: list[str] = []
    missing_files: list[str] = []

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """That of the backup in a directory. Raises `NotFound`, or `Invalid` for what it cannot be."""
        try:
            found = cls.model_validate_json((folder / MANIFEST).read_bytes())
        except FileNotFoundError:
            raise NotFound(
                f"{folder} is no complete backup: it has no {MANIFEST}, which `lazyaf backup` writes last."
            ) from None
        except ValidationError:
            raise Invalid(f"{folder / MANIFEST} cannot be read: it is damaged.") from None
        if found.format != FORMAT:
            raise Invalid(
                f"The backup is of format {found.format}, made by LazyAF {found.version}. Restore it with "
                "that version."
            )
        return found


@dataclass(frozen=True, slots=True)
class Origin:
    """What is copied: a server's data directory, and where its database is."""

    data_dir: Path
    url: URL

    @property
    def git(self) -> Path:
        """The root of its git storage."""
        return self.data_dir / "git"


def back_up(
    origin: Origin,
    target: Path,
    *,
    version: str,
    now: str,
    tell: Tell,
    with_database: bool = True,
) -> Manifest:
    """Copy database, git storage, attached files and secrets into ``target``, which is new or empty.

    Raises `NotFound` when there is no database, `Conflict` when the target is not empty or inside of
    what is copied, `Unavailable` or `GitFailed` when something cannot be copied whole; then the target
    is as it was.
    """
    _require_origin(origin, with_database=with_database)
    _require_target(origin, target)
    was_there = target.is_dir()
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    target.chmod(0o700)
    try:
        manifest = _fill(origin, target, version, now, tell, with_database=with_database)
        # All or nothing: what the manifest stands for is on the disk before it is.
        os.sync()
        _write(target / MANIFEST, manifest.model_dump_json(indent=2) + "\n")
    except BaseException:
        _empty(target)
        if not was_there:
            target.rmdir()
        raise
    return manifest


def _require_origin(origin: Origin, *, with_database: bool) -> None:
    kind = origin.url.get_backend_name()
    if kind == "sqlite" and not Path(origin.url.database or "").is_file():
        raise NotFound(
            f"There is no LazyAF database in {origin.data_dir}. Name the server's data directory with "
            "--data-dir."
        )
    if kind == "sqlite" and not with_database:
        raise Invalid(
            "The database is a file in the data directory: it can only be copied together with the rest."
        )
    if not origin.git.is_dir():
        raise NotFound(f"There is no git storage in {origin.data_dir}: name the right --data-dir.")


def _require_target(origin: Origin, target: Path) -> None:
    if target.is_relative_to(origin.data_dir):
        raise Conflict(f"{target} is inside of what is to be copied. Choose a place elsewhere.")
    if target.is_dir() and any(target.iterdir()):
        raise Conflict(
            f"{target} is not empty, and a backup overwrites nothing. Choose a new one.",
            code="not_empty",
        )


def _fill(
    origin: Origin, target: Path, version: str, now: str, tell: Tell, *, with_database: bool
) -> Manifest:
    def waiting() -> None:
        tell("Waiting until something else is done: upkeep, a deletion or another backup.")

    kind = origin.url.get_backend_name()
    with pause.copying(origin.git, waiting):
        if with_database:
            copy_database(origin.url, target)
        url = copied_url(target) if kind == "sqlite" else origin.url
        if kind == "sqlite":
            require_sound(target / FILES[kind])
        revision, named = current_revision(url), named_commits(url)
        copied = _copy_repositories(origin.git, target / "git", {n.repo_id for n in named}, tell)
        lost = copy_files(origin.data_dir, target, named_files(url))
    _copy_secrets(origin.data_dir, target)
    absent = absent_commits(target / "git", named)
    for commit in absent:
        tell(f"{commit.what}, {commit.sha[:12]}, is not in git any more.")
    for file in lost:
        tell(f"{file.what} is not on the disk as it was attached.")
    return Manifest(
        format=FORMAT,
        version=version,
        made_at=now,
        database=("sqlite" if kind == "sqlite" else "postgresql") if with_database else "elsewhere",
        revision=revision,
        repositories=copied,
        missing=sorted({commit.sha for commit in absent}),
        missing_files=sorted({file.sha256 for file in lost}),
    )


def _copy_repositories(source: Path, target: Path, named: Collection[str], tell: Tell) -> list[str]:
    """Copy every repository; the ids of those that are copied."""
    target.mkdir(mode=0o700)
    copied = []
    found = sorted(source.glob("*.git"))
    for number, repository in enumerate(found, 1):
        try:
            copy.copy_repository(repository, target / repository.name)
        except FileNotFoundError:
            if repository.stem in named:
                raise
            continue  # its deletion had begun before we did
        copied.append(repository.stem)
        if len(found) > 1:
            tell(f"Copied repository {number} of {len(found)}.")
    return copied


def absent_commits(git: Path, named: Iterable[NamedCommit]) -> list[NamedCommit]:
    """Those that are not in the repositories below this directory."""
    by_repo: defaultdict[str, list[NamedCommit]] = defaultdict(list)
    for commit in named:
        by_repo[commit.repo_id].append(commit)
    found = []
    for repo_id, commits in by_repo.items():
        absent = copy.missing(git / f"{repo_id}.git", {commit.sha for commit in commits})
        found += [commit for commit in commits if commit.sha in absent]
    return found


def copy_files(source: Path, target: Path, named: Iterable[NamedFile]) -> list[NamedFile]:
    """Copy attached files from one data directory, or backup, to another; those that are not there, or not
    what they were."""
    lost, copied = [], set[str]()
    for file in named:
        if file.sha256 in copied:
            continue
        if copy_file(source / FOLDER, target / FOLDER, file.sha256):
            copied.add(file.sha256)
        else:
            lost.append(file)
    return lost


def _copy_secrets(source: Path, target: Path) -> None:
    for name in SECRETS:
        if (source / name).is_file():
            _write(target / name, (source / name).read_text("utf-8"))


def _write(path: Path, text: str) -> None:
    """A file for its owner alone, on the disk when this returns."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()

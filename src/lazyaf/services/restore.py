"""Makes a data directory of a backup: verified before anything counts, and all of it or nothing.

Everything is brought into a directory inside of the new one and looked at there. Only then it is moved to
its place, the database last; until that is done no server starts on it (`system.prepare_data_dir`), and
restoring again begins anew. So it works where nothing but the data directory itself can be written, and
where that is a mount. Blocking.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from lazyaf.domain.errors import Conflict, GitFailed, Invalid
from lazyaf.git import copy
from lazyaf.services.backup import SECRETS, Manifest, Tell, absent_commits, copy_files
from lazyaf.store.attachments import named_files
from lazyaf.store.backup import (
    FILES,
    copied_url,
    empty_postgresql,
    forget_epoch,
    require_sound,
    restore_postgresql,
)
from lazyaf.store.migrate import current_revision, revisions
from lazyaf.store.named_commits import named_commits

PASSING: Final = frozenset({"server.lock", "lost+found"})
"""What an empty data directory may hold."""


def require_restorable(manifest: Manifest, *, into_file: bool) -> None:
    """Raise `Invalid` unless this program, and the kind of its database (``into_file``: SQLite in the
    data directory), can take the backup."""
    if manifest.database == "sqlite" and not into_file:
        raise Invalid(
            "The backup holds a SQLite database, and LAZYAF_DATABASE_URL names another one. Unset it; no "
            "tool moves a database from one kind to the other."
        )
    if manifest.database != "sqlite" and into_file:
        raise Invalid(
            "The backup is of a server with PostgreSQL. Make an empty database for it (`createdb`), and "
            "name that in LAZYAF_DATABASE_URL."
        )
    _require_known(manifest.revision)


def _require_known(revision: str | None) -> None:
    if revision is not None and revision not in revisions():
        raise Invalid(
            f"The backup's database is at revision {revision}, which this version of LazyAF does not "
            "know: a newer one made it. Install that version, then restore."
        )


def require_empty(data_dir: Path, staging: Path) -> None:
    """Raise `Conflict` unless the directory holds nothing, or only what an interrupted restore left."""
    if staging.exists():
        return
    held = sorted(entry.name for entry in data_dir.iterdir() if entry.name not in PASSING)
    if held:
        raise Conflict(
            f"{data_dir} is not empty ({', '.join(held[:3])}{', …' if held[3:] else ''}), and a restore "
            f"overwrites nothing. Move it away first: `mv {data_dir} {data_dir}.old`",
            code="not_empty",
        )


def restore(
    backup: Path, manifest: Manifest, data_dir: Path, staging: Path, url: URL, tell: Tell
) -> None:
    """Fill ``data_dir``, which the caller holds the lock of, through ``staging``, which is below it.

    Raises `Unavailable`, `GitFailed` or `Invalid` when the backup is damaged; then the directory is as
    empty as before.
    """
    if staging.exists():
        tell("An earlier restore was interrupted. Beginning anew.")
        _clear(data_dir, staging)
    staging.mkdir(mode=0o700)
    try:
        _bring(backup, manifest, staging, tell)
        _bring_database(backup, manifest, staging, url, tell)
        _give_to_owner(data_dir, staging)
        os.sync()
    except BaseException:
        _clear(data_dir, staging)
        raise
    _move_in(staging, data_dir)


def _clear(data_dir: Path, staging: Path) -> None:
    """Remove everything, the directory that says so last."""
    for entry in data_dir.iterdir():
        if entry.name not in PASSING and entry != staging:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    shutil.rmtree(staging)


def _bring(backup: Path, manifest: Manifest, staging: Path, tell: Tell) -> None:
    git = staging / "git"
    git.mkdir(mode=0o700)
    for number, repo_id in enumerate(manifest.repositories, 1):
        repository = git / f"{repo_id}.git"
        try:
            copy.copy_repository(backup / "git" / repository.name, repository)
        except FileNotFoundError:
            raise GitFailed(f"The backup lacks the repository {repo_id}: it is damaged.") from None
        if len(manifest.repositories) > 1:
            tell(f"Verified repository {number} of {len(manifest.repositories)}.")
    for name in SECRETS:
        if (backup / name).is_file():
            (staging / name).parent.mkdir(mode=0o700, exist_ok=True)
            shutil.copyfile(backup / name, staging / name)
            (staging / name).chmod(0o600)


def _bring_database(backup: Path, manifest: Manifest, staging: Path, url: URL, tell: Tell) -> None:
    """Bring the database, hold it against git and the attached files, and give it a new name."""
    if manifest.database == "sqlite":
        file = staging / FILES["sqlite"]
        shutil.copyfile(backup / file.name, file)
        file.chmod(0o600)
        require_sound(file)
        _hold_against_rest(backup, manifest, staging, copied_url(staging), tell)
    elif manifest.database == "elsewhere":
        _require_restored(url)
        _hold_against_rest(backup, manifest, staging, url, tell)
    else:
        restore_postgresql(backup / FILES["postgresql"], url)
        try:
            _hold_against_rest(backup, manifest, staging, url, tell)
        except BaseException:
            empty_postgresql(url)
            raise


def _require_restored(url: URL) -> None:
    found = current_revision(url)
    if found is None:
        raise Invalid(
            "The backup was made without its database, and the one that LAZYAF_DATABASE_URL names is "
            "empty. Restore that one first, by the tools it was saved with."
        )
    _require_known(found)


def _hold_against_rest(
    backup: Path, manifest: Manifest, staging: Path, url: URL, tell: Tell
) -> None:
    """What the database names has to be there; then it gets its new name."""
    _hold_against_git(manifest, staging, url, tell)
    _bring_files(backup, manifest, staging, url, tell)
    forget_epoch(url)


def _bring_files(backup: Path, manifest: Manifest, staging: Path, url: URL, tell: Tell) -> None:
    absent = copy_files(backup, staging, named_files(url))
    lost = [file for file in absent if file.sha256 not in manifest.missing_files]
    if lost:
        listed = "; ".join(file.what for file in lost[:5])
        more = f"; and {len(lost) - 5} more" if lost[5:] else ""
        raise Invalid(
            f"The backup is damaged: attached files are missing or not what they were: {listed}{more}."
        )
    for file in absent:
        tell(f"{file.what} was not on the disk any more when the backup was made.")


def _hold_against_git(manifest: Manifest, staging: Path, url: URL, tell: Tell) -> None:
    absent = absent_commits(staging / "git", named_commits(url))
    lost = [commit for commit in absent if commit.sha not in manifest.missing]
    if lost:
        listed = "; ".join(f"{commit.what}, {commit.sha[:12]}" for commit in lost[:5])
        more = f"; and {len(lost) - 5} more" if lost[5:] else ""
        raise GitFailed(
            f"The backup is damaged: its database names commits that its git storage lacks: {listed}{more}."
        )
    for commit in absent:
        tell(f"{commit.what}, {commit.sha[:12]}, was not in git any more when the backup was made.")


def _give_to_owner(data_dir: Path, staging: Path) -> None:
    """What root restores belongs to whom the directory belongs."""
    if os.geteuid() != 0:
        return
    owner = data_dir.stat()
    for folder, _, names in os.walk(staging):
        os.chown(folder, owner.st_uid, owner.st_gid)
        for name in names:
            os.chown(Path(folder, name), owner.st_uid, owner.st_gid, follow_symlinks=False)


def _move_in(staging: Path, data_dir: Path) -> None:
    """Everything to its place; the database last, which makes it a server's."""
    database = staging / FILES["sqlite"]
    entries = [entry for entry in staging.iterdir() if entry != database]
    for entry in [*entries, *([database] if database.exists() else [])]:
        entry.rename(data_dir / entry.name)
    staging.rmdir()
    descriptor = os.open(data_dir, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)

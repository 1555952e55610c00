"""Repositories: rows and queries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from lazyaf.domain.errors import NotFound, VersionConflict
from lazyaf.domain.repo_settings import effective
from lazyaf.store.tables import repos
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class RepoRow:
    """A repository as stored. ``settings`` are a person's, ``file_settings`` the file's; ``wip_limit``
    is what both amount to.

    ``import_state`` is an `ImportState` when it was ever fetched from its remote, ``fetch_result`` what that
    brought the last time, at ``fetched_at``; ``remote_secret``
    are the remote's credentials, sealed, ``deploy_key`` the private half of its key for ssh, sealed as well;
    ``forge_secret`` is the forge's token, sealed; ``host_keys`` are those of its host, as lines of a ``known_hosts`` file.
    """

    id: str
    name: str
    remote_url: str | None
    default_branch: str
    is_ingested: bool
    is_deleting: bool
    settings: dict[str, Any]
    file_settings: dict[str, Any]
    wip_limit: int | None
    image: str | None
    prompt_template: str | None
    config_error: str | None
    import_state: str | None
    import_detail: str | None
    fetched_at: str | None
    fetch_result: str | None
    remote_secret: bytes | None = field(repr=False)
    deploy_key: bytes | None = field(repr=False)
    deploy_key_public: str | None
    host_keys: str | None
    forge_secret: bytes | None = field(repr=False)
    next_number: int
    version: int
    created_at: str
    updated_at: str


_GET = select(repos).where(repos.c.id == bindparam("repo_id"))
_BY_NAME = select(repos).where(repos.c.name == bindparam("name"))


def get_repo(tx: Tx, repo_id: str) -> RepoRow:
    """The repository with this id, or `NotFound`. One that is being deleted is gone already."""
    row = tx.execute(_GET, {"repo_id": repo_id}).one_or_none()
    if row is None or row.is_deleting:
        raise NotFound(f"There is no repository {repo_id}. `lazyaf ingest PATH` makes one.")
    return RepoRow(**row._mapping)


def find_repo_by_name(tx: Tx, name: str) -> RepoRow | None:
    """The repository of this name, if any."""
    row = tx.execute(_BY_NAME, {"name": name}).one_or_none()
    return RepoRow(**row._mapping) if row is not None else None


def list_repos(tx: Tx, *, after: str | None, limit: int) -> list[RepoRow]:
    """Repositories by name, from after this name."""
    query = select(repos).where(repos.c.is_deleting.is_(False)).order_by(repos.c.name).limit(limit)
    if after is not None:
        query = query.where(repos.c.name > after)
    return [RepoRow(**row._mapping) for row in tx.execute(query)]


def list_deleting(tx: Tx) -> list[str]:
    """Ids of repositories whose deletion was begun and not ended."""
    query = select(repos.c.id).where(repos.c.is_deleting.is_(True))
    return [row.id for row in tx.execute(query)]


def list_importing(tx: Tx) -> list[str]:
    """Ids of repositories whose fetching was begun and not ended."""
    query = select(repos.c.id).where(
        repos.c.import_state == "fetching", repos.c.is_deleting.is_(False)
    )
    return [row.id for row in tx.execute(query)]


def repos_to_sync(tx: Tx) -> dict[str, float]:
    """By their ids the seconds after which repositories are fetched again, where their settings say so."""
    query = select(repos.c.id, repos.c.settings, repos.c.file_settings).where(
        repos.c.remote_url.is_not(None), repos.c.is_deleting.is_(False)
    )
    every = {
        row.id: effective(row.settings, row.file_settings).sync_every_s for row in tx.execute(query)
    }
    return {repo_id: float(seconds) for repo_id, seconds in every.items() if seconds}


def repos_with_checks(tx: Tx) -> list[str]:
    """Ids of the repositories whose settings name checks."""
    query = select(repos.c.id, repos.c.settings, repos.c.file_settings).where(
        repos.c.is_deleting.is_(False)
    )
    return [
        row.id for row in tx.execute(query) if effective(row.settings, row.file_settings).checks
    ]


def insert_repo(tx: Tx, values: dict[str, Any]) -> None:
    """Add a repository; a taken name raises the database's integrity error."""
    tx.execute(insert(repos), values)


def update_repo(tx: Tx, repo: RepoRow, values: dict[str, Any]) -> RepoRow:
    """Change columns by compare-and-set on the version; returns the new row."""
    if values.keys() & {"settings", "file_settings"}:
        person = values.get("settings", repo.settings)
        file = values.get("file_settings", repo.file_settings)
        merged = effective(person, file)
        values = {**values, "wip_limit": merged.wip_limit, "image": merged.image}
    result = tx.execute(
        update(repos)
        .where(repos.c.id == repo.id, repos.c.version == repo.version)
        .values(**values, version=repo.version + 1)
    )
    if result.rowcount != 1:
        raise VersionConflict("The repository changed meanwhile. Load it again and retry.")
    row = tx.execute(_GET, {"repo_id": repo.id}).one()
    return RepoRow(**row._mapping)


def note_fetched(tx: Tx, repo_id: str, values: dict[str, Any]) -> None:
    """Write down when it was fetched and what that brought. It spoils nobody's edit: the version stays."""
    if values:
        tx.execute(update(repos).where(repos.c.id == repo_id).values(**values))


def take_number(tx: Tx, repo_id: str) -> int:
    """The next card number of the repository; numbers are never given twice."""
    result = tx.execute(
        update(repos)
        .where(repos.c.id == repo_id)
        .values(next_number=repos.c.next_number + 1)
        .returning(repos.c.next_number)
    )
    return int(result.scalar_one()) - 1


def remove_repo(tx: Tx, repo_id: str) -> None:
    """Delete the row; cards, jobs and logs go with it."""
    tx.execute(repos.delete().where(repos.c.id == repo_id))


def repo_names(tx: Tx) -> dict[str, str]:
    """The name of every repository by its id."""
    return {row.id: row.name for row in tx.execute(select(repos.c.id, repos.c.name))}

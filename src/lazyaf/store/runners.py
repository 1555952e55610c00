"""Runners: rows and queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, insert, literal_column, select

from lazyaf.domain.checks import CHECKS
from lazyaf.domain.errors import NotFound
from lazyaf.store.change import change, change_each
from lazyaf.store.tables import runners
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class RunnerRow:
    """A runner as stored."""

    id: str
    name: str
    instance_id: str
    token_id: str
    pool: str
    isolation: str
    version: str
    agents: list[dict[str, Any]]
    labels: list[str]
    container_id: str | None
    image: str | None
    repo_id: str | None
    status: str
    is_draining: bool
    current_job_id: str | None
    last_heartbeat: str
    created_at: str
    row_version: int

    @property
    def agent_names(self) -> list[str]:
        """The agents that it can run now."""
        return [agent["name"] for agent in self.agents if agent.get("available", True)]

    @property
    def lanes(self) -> frozenset[str]:
        """As what it stands in the line for jobs (`lazyaf.services.dispatch`): who runs any agent runs
        checks, too. One of a repository's own image, or of one repository, is not to be woken in place of one
        that takes any job."""
        only = " in ".join(filter(None, (self.image, self.repo_id)))
        names = [*self.agent_names, CHECKS] if self.agent_names else []
        return frozenset(f"{name} in {only}" if only else name for name in names)


_GET = select(runners).where(runners.c.id == bindparam("runner_id"))
_BY_NAME = select(runners).where(runners.c.name == bindparam("name"))
_BY_INSTANCE = select(runners).where(runners.c.instance_id == bindparam("instance_id"))
_LIST = select(runners).order_by(runners.c.name)
_ONLINE = select(runners.c.id).where(runners.c.status != literal_column("'offline'"))


def get_runner(tx: Tx, runner_id: str) -> RunnerRow:
    """The runner, or `NotFound`."""
    row = tx.execute(_GET, {"runner_id": runner_id}).one_or_none()
    if row is None:
        raise NotFound(f"There is no runner {runner_id}.")
    return RunnerRow(**row._mapping)


def find_runner_by_name(tx: Tx, name: str) -> RunnerRow | None:
    """The runner of this name, if any."""
    row = tx.execute(_BY_NAME, {"name": name}).one_or_none()
    return RunnerRow(**row._mapping) if row is not None else None


def find_runner_by_instance(tx: Tx, instance_id: str) -> RunnerRow | None:
    """The runner process of this instance, if it registered."""
    row = tx.execute(_BY_INSTANCE, {"instance_id": instance_id}).one_or_none()
    return RunnerRow(**row._mapping) if row is not None else None


def list_runners(tx: Tx) -> list[RunnerRow]:
    """Every runner, by name."""
    return [RunnerRow(**row._mapping) for row in tx.execute(_LIST)]


def online_runner_ids(tx: Tx) -> list[str]:
    """The ids of those that are not offline."""
    return list(tx.execute(_ONLINE).scalars())


def insert_runner(tx: Tx, values: dict[str, Any]) -> None:
    """Add a runner."""
    tx.execute(insert(runners), values)


def update_runner(tx: Tx, runner: RunnerRow, values: dict[str, Any]) -> RunnerRow:
    """Change columns; ``row_version`` grows by one. Returns the runner as it is now."""
    change(tx, runners, {"id": runner.id}, values, counter="row_version")
    return _changed(runner, values)


def update_runners(tx: Tx, changes: Sequence[tuple[RunnerRow, dict[str, Any]]]) -> list[RunnerRow]:
    """`update_runner` for several, of the same columns each."""
    rows = [({"id": runner.id}, values) for runner, values in changes]
    change_each(tx, runners, rows, counter="row_version")
    return [_changed(runner, values) for runner, values in changes]


def _changed(runner: RunnerRow, values: dict[str, Any]) -> RunnerRow:
    return replace(runner, **values, row_version=runner.row_version + 1)


def remove_runner(tx: Tx, runner_id: str) -> None:
    """Forget a runner."""
    tx.execute(runners.delete().where(runners.c.id == runner_id))


def find_runner_by_id(tx: Tx, runner_id: str) -> RunnerRow | None:
    """The runner, or None when it was forgotten."""
    row = tx.execute(_GET, {"runner_id": runner_id}).one_or_none()
    return RunnerRow(**row._mapping) if row is not None else None

"""How repositories, jobs, runners and cards look to a client, as plain JSON-ready dicts.

The web layer's models document these shapes; the events carry them.
"""

from __future__ import annotations

from typing import Any, Final

from lazyaf.domain.errors import NotFound
from lazyaf.domain.remotes import fingerprints
from lazyaf.domain.repo_settings import NAMES, RepoSettings, effective
from lazyaf.git.merge import Identity
from lazyaf.services.forge_place import forge_view
from lazyaf.store.board import FullCard, full_card
from lazyaf.store.cards import CardRow, get_card
from lazyaf.store.default_branches import find_default_branch
from lazyaf.store.holds import AGENT
from lazyaf.store.jobs import JobRow, get_job
from lazyaf.store.repos import RepoRow
from lazyaf.store.runners import RunnerRow, get_runner
from lazyaf.store.settings import get_setting
from lazyaf.store.tx import Tx

IN_SHORT: Final = ("id", "number", "repo_id", "title")
"""What a runner shows of the card that it works on, and a red branch of the one that was opened for it."""


def repo_view(tx: Tx, repo: RepoRow) -> dict[str, Any]:
    """A repository with its effective settings and which of them the file decides."""
    settings = effective_settings(tx, repo)
    return {
        "id": repo.id,
        "name": repo.name,
        "remote_url": repo.remote_url,
        "default_branch": repo.default_branch,
        "is_ingested": repo.is_ingested,
        "internal_git_url": f"/git/{repo.id}.git",
        "settings": {name: getattr(settings, name) for name in NAMES},
        "settings_from_file": sorted(repo.file_settings),
        "config_error": repo.config_error,
        "import_state": repo.import_state,
        "import_detail": repo.import_detail,
        "fetched_at": repo.fetched_at,
        "fetch_result": repo.fetch_result,
        "has_credentials": repo.remote_secret is not None,
        "deploy_key": repo.deploy_key_public,
        "host_fingerprints": fingerprints(repo.host_keys or ""),
        "forge": forge_view(repo),
        "default_checks": default_checks_view(tx, repo.id),
        "version": repo.version,
        "created_at": repo.created_at,
        "updated_at": repo.updated_at,
    }


def default_checks_view(tx: Tx, repo_id: str) -> dict[str, Any] | None:
    """How the checks of a repository's default branch stand; None where there are none."""
    row = find_default_branch(tx, repo_id)
    if row is None:
        return None
    known = row.checks or {}
    return {
        "branch": row.branch,
        "sha": row.sha,
        "state": known.get("state"),
        "job_id": known.get("job_id"),
        "total": known.get("total", 0),
        "passed": known.get("passed", 0),
        "failed": known.get("failed", []),
        "red_since": row.red_since,
        "card": _card_in_short(tx, row.card_id),
    }


def _card_in_short(tx: Tx, card_id: str | None) -> dict[str, Any] | None:
    try:
        card = get_card(tx, card_id) if card_id is not None else None
    except NotFound:
        return None
    return None if card is None else _in_short(card)


def _in_short(card: CardRow | FullCard) -> dict[str, Any]:
    return {name: getattr(card, name) for name in IN_SHORT}


def effective_settings(tx: Tx, repo: RepoRow) -> RepoSettings:
    """The settings of a repository, over the server's own default agent."""
    return settings_of(repo, get_setting(tx, AGENT))


def settings_of(repo: RepoRow, default_agent: str | None) -> RepoSettings:
    """`effective_settings`, of which the server's agent is known; None when nobody chose one."""
    return effective(repo.settings, repo.file_settings, agent=default_agent or "claude")


def person_identity(tx: Tx) -> Identity:
    """Who merges, as git is told."""
    person = get_setting(tx, "person", {}) or {}
    return Identity(person.get("name") or "LazyAF user", person.get("email") or "lazyaf@localhost")


def card_view(tx: Tx, card_id: str) -> dict[str, Any]:
    """A card in full: the board's summary, its description and the agent's options."""
    return full_card(tx, card_id).view


def job_view(job: JobRow, *, runner_name: str | None) -> dict[str, Any]:
    """A job, with a link to its log and never the log itself."""
    return {
        "id": job.id,
        "repo_id": job.repo_id,
        "card_id": job.card_id,
        "kind": job.kind,
        "status": job.status,
        "agent": job.agent,
        "attempt": job.attempt,
        "runner_id": job.runner_id,
        "runner_name": runner_name,
        "request": job.request,
        "cancel_requested": job.cancel_requested,
        "base_sha": job.base_sha,
        "head_sha": job.head_sha,
        "session_id": job.session_id,
        "stop_reason": job.stop_reason,
        "error": job.error,
        "usage": job.usage,
        "blocked_hosts": job.blocked_hosts or {},
        "phase": job.phase,
        "last_action": job.last_action,
        "log_seq": job.log_seq,
        "logs": f"/api/jobs/{job.id}/logs",
        "version": job.version,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "completed_at": job.completed_at,
    }


def named_job_view(tx: Tx, job: JobRow) -> dict[str, Any]:
    """`job_view` with the runner's name, while the runner is known."""
    return job_view(job, runner_name=_runner_name(tx, job.runner_id))


def runner_view(tx: Tx, runner: RunnerRow, card: FullCard | None = None) -> dict[str, Any]:
    """A runner and the card it works on, looked up when it is not given."""
    current = _card_of(tx, runner.current_job_id) if card is None else _in_short(card)
    return {
        "id": runner.id,
        "name": runner.name,
        "pool": runner.pool,
        "status": "draining"
        if runner.is_draining and runner.status != "offline"
        else runner.status,
        "isolation": runner.isolation,
        "version": runner.version,
        "agents": runner.agents,
        "labels": runner.labels,
        "container_id": runner.container_id,
        "image": runner.image,
        "current_job_id": runner.current_job_id,
        "current_card": current,
        "last_heartbeat": runner.last_heartbeat,
        "created_at": runner.created_at,
        "version_number": runner.row_version,
    }


def _runner_name(tx: Tx, runner_id: str | None) -> str | None:
    if runner_id is None:
        return None
    try:
        return get_runner(tx, runner_id).name
    except NotFound:
        return None


def _card_of(tx: Tx, job_id: str | None) -> dict[str, Any] | None:
    try:
        return None if job_id is None else _card_in_short(tx, get_job(tx, job_id).card_id)
    except NotFound:
        return None

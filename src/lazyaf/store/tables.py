"""The schema, as SQLAlchemy Core tables. Migrations (store/migrations) are what creates it.

Timestamps are ISO 8601 UTC text, ids UUIDv7 text, so that both databases sort them alike. CHECK
constraints and partial unique indexes are the last guard of what the domain already enforces.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from lazyaf.domain.cards import CardStatus
from lazyaf.domain.checks import ChecksState
from lazyaf.domain.comments import Side
from lazyaf.domain.forges import PullState
from lazyaf.domain.jobs import JobKind, JobStatus, StopReason
from lazyaf.domain.runners import Isolation, PoolKind, RunnerStatus

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = String(36)
Time = String(32)
Sha = String(64)
# AUTOINCREMENT needs INTEGER on SQLite; PostgreSQL gets 64 bits.
Serial = BigInteger().with_variant(Integer, "sqlite")


def one_of(column: str, values: Any, *, name: str) -> CheckConstraint:
    """A CHECK that the column holds one of an enum's values."""
    listed = ", ".join(f"'{v.value}'" for v in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name)


repos = Table(
    "repos",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("remote_url", Text),
    Column("default_branch", String(255), nullable=False),
    Column("is_ingested", Boolean, nullable=False, default=False),
    Column("is_deleting", Boolean, nullable=False, default=False),
    Column("settings", JSON, nullable=False),
    Column("file_settings", JSON, nullable=False),
    Column("wip_limit", Integer),  # of the effective settings, for the queue
    Column("image", String(255)),  # of the effective settings as well
    Column("prompt_template", Text),
    Column("config_error", Text),
    Column("import_state", String(16)),
    Column("import_detail", Text),
    Column("fetched_at", Time),
    Column("fetch_result", Text),
    Column("remote_secret", LargeBinary),
    Column("deploy_key", LargeBinary),  # the private half, sealed
    Column("deploy_key_public", Text),
    Column("host_keys", Text),  # of the remote's host, as lines of known_hosts
    Column("forge_secret", LargeBinary),
    Column("next_number", Integer, nullable=False, default=1),
    Column("version", Integer, nullable=False, default=1),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
)

cards = Table(
    "cards",
    metadata,
    Column("id", Id, primary_key=True),
    Column("repo_id", Id, ForeignKey("repos.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("title", String(200), nullable=False),
    Column("description", Text, nullable=False, default=""),
    Column("status", String(16), nullable=False),
    Column("position", Float, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("priority", Integer, nullable=False, default=0),
    Column("agent", String(40)),
    Column("agent_options", JSON, nullable=False),
    Column("base_branch", String(255)),
    Column("branch_name", String(255)),
    Column("head_sha", Sha),
    Column("merged_sha", Sha),
    Column("pr_url", Text),
    Column("pr_state", String(8)),  # null without pr_url
    Column("pr_note", Text),  # why the forge does not tell
    Column("job_id", Id),
    Column("failure", JSON(none_as_null=True)),
    Column("no_changes", Boolean, nullable=False, default=False),
    Column("additions", Integer),
    Column("deletions", Integer),
    Column("files", Integer),
    Column("mergeable", Boolean),
    Column("conflicts", JSON, nullable=False),
    Column("base_sha", Sha),  # what it was measured against
    Column("behind", Integer),
    Column("conflicts_with", JSON, nullable=False, server_default="[]"),
    Column("uncompared", Integer, nullable=False, server_default="0"),
    Column("rejections", Integer, nullable=False, default=0),
    Column("checks", JSON(none_as_null=True)),  # the last run's summary, for the board
    Column("merge_state", JSON(none_as_null=True)),
    Column("fix_rounds", Integer, nullable=False, server_default="0"),  # used since a person spoke
    Column("branch_deleted", Boolean, nullable=False, server_default=text("false")),
    Column("archived_at", Time),
    Column("version", Integer, nullable=False, default=1),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    UniqueConstraint("repo_id", "number"),
    one_of("status", CardStatus, name="status"),
    one_of("pr_state", PullState, name="pr_state"),
    CheckConstraint("priority BETWEEN 0 AND 4", name="priority"),
    Index("ix_cards_board", "repo_id", "status", "position"),
    Index("ix_cards_column", "status", "position"),
    Index(
        "ix_cards_followed",
        "repo_id",
        sqlite_where=text("pr_state IN ('unknown', 'open', 'draft')"),
        postgresql_where=text("pr_state IN ('unknown', 'open', 'draft')"),
    ),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("repo_id", Id, ForeignKey("repos.id", ondelete="CASCADE"), nullable=False),
    # Null where the default branch itself is checked.
    Column("card_id", Id, ForeignKey("cards.id", ondelete="CASCADE")),
    Column("kind", String(16), nullable=False, default=JobKind.AGENT.value),
    Column("status", String(16), nullable=False),
    Column("agent", String(40), nullable=False),
    Column("request", JSON, nullable=False),
    Column("priority", Integer, nullable=False, default=0),
    Column("position", Float, nullable=False, server_default="0"),
    Column("attempt", Integer, nullable=False, default=0),
    Column("spent", Integer, nullable=False, default=0),
    Column("runner_id", Id),
    Column("cancel_requested", Boolean, nullable=False, default=False),
    Column("base_sha", Sha),
    Column("start_sha", Sha),  # of the card's branch, when it was asked for
    Column("head_sha", Sha),
    Column("checkpoint_sha", Sha),
    Column("session_id", String(200)),
    Column("stop_reason", String(20)),
    Column("error", Text),
    Column("usage", JSON(none_as_null=True)),
    Column("phase", String(16)),
    Column("last_action", String(200)),
    Column("log_seq", Integer, nullable=False, default=0),
    Column("version", Integer, nullable=False, default=1),
    Column("created_at", Time, nullable=False),
    Column("started_at", Time),
    Column("completed_at", Time),
    Column("blocked_hosts", JSON(none_as_null=True)),
    one_of("status", JobStatus, name="status"),
    one_of("kind", JobKind, name="kind"),
    one_of("stop_reason", StopReason, name="stop_reason"),
    CheckConstraint("kind = 'check' OR card_id IS NOT NULL", name="has_card"),
    Index("ix_jobs_card", "card_id", "id"),
    Index(
        "uq_jobs_open_branch",
        "repo_id",
        unique=True,
        sqlite_where=text("card_id IS NULL AND status IN ('queued', 'running')"),
        postgresql_where=text("card_id IS NULL AND status IN ('queued', 'running')"),
    ),
    Index(
        "uq_jobs_open_card",
        "card_id",
        "kind",
        unique=True,
        sqlite_where=text("status IN ('queued', 'running')"),
        postgresql_where=text("status IN ('queued', 'running')"),
    ),
    Index(
        "ix_jobs_queue",
        "agent",
        text("priority DESC"),
        "position",
        "id",
        "repo_id",
        sqlite_where=text("status = 'queued'"),
        postgresql_where=text("status = 'queued'"),
    ),
    Index(
        "ix_jobs_queue_repo",
        "repo_id",
        "agent",
        text("priority DESC"),
        "position",
        "id",
        sqlite_where=text("status = 'queued'"),
        postgresql_where=text("status = 'queued'"),
    ),
    Index(
        "ix_jobs_running",
        "repo_id",
        "agent",
        sqlite_where=text("status = 'running'"),
        postgresql_where=text("status = 'running'"),
    ),
)

attempts = Table(
    "attempts",
    metadata,
    Column("job_id", Id, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("runner_id", Id, nullable=False),
    Column("claim_id", String(64), nullable=False, unique=True),
    Column("lease_hash", String(64), nullable=False, unique=True),
    Column("git_hash", String(64), nullable=False, unique=True),
    Column("state", String(8), nullable=False),
    Column("contacted", Boolean, nullable=False, default=False),
    Column("src_seq", Integer, nullable=False, default=0),
    Column("started_at", Time, nullable=False),
    Column("ended_at", Time),
    CheckConstraint("state IN ('live', 'lost', 'closed')", name="state"),
    Index(
        "uq_attempts_live",
        "job_id",
        unique=True,
        sqlite_where=text("state = 'live'"),
        postgresql_where=text("state = 'live'"),
    ),
)

check_runs = Table(
    "check_runs",
    metadata,
    Column("job_id", Id, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("card_id", Id, ForeignKey("cards.id", ondelete="CASCADE")),
    Column("repo_id", Id, ForeignKey("repos.id", ondelete="CASCADE"), nullable=False),
    Column("base_sha", Sha, nullable=False),
    Column("head_sha", Sha, nullable=False),
    Column("merged_sha", Sha, nullable=False),
    Column("tree_sha", Sha, nullable=False),
    Column("checks", JSON, nullable=False),
    Column("results", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("stack", JSON(none_as_null=True)),
    one_of("state", ChecksState, name="state"),
    Index("ix_check_runs_card", "card_id", "job_id"),
    Index("ix_check_runs_tree", "repo_id", "tree_sha", "job_id"),
    Index(
        "ix_check_runs_branch",
        "repo_id",
        "job_id",
        sqlite_where=text("card_id IS NULL"),
        postgresql_where=text("card_id IS NULL"),
    ),
    Index(
        "ix_check_runs_stacked",
        "repo_id",
        "job_id",
        sqlite_where=text("stack IS NOT NULL"),
        postgresql_where=text("stack IS NOT NULL"),
    ),
)

default_branches = Table(
    "default_branches",
    metadata,
    Column("repo_id", Id, ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True),
    Column("branch", String(255), nullable=False),
    Column("sha", Sha, nullable=False),
    Column("checks", JSON(none_as_null=True)),  # the summary of the run that tells of it
    Column("green_sha", Sha),
    Column("heard_job_id", Id),  # the last run whose result was acted on
    Column("red_since", Time),
    Column("red_sha", Sha),
    Column("card_id", Id),  # that was opened; it may be deleted
    Column("card_text", Text),  # what the server wrote into it
)

queued_merges = Table(
    "queued_merges",
    metadata,
    Column("id", Id, primary_key=True),
    Column("card_id", Id, ForeignKey("cards.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("repo_id", Id, ForeignKey("repos.id", ondelete="CASCADE"), nullable=False),
    Column("head_sha", Sha, nullable=False),
    Column("method", String(16), nullable=False),
    Column("actor", String(120), nullable=False),
    Column("created_at", Time, nullable=False),
    Index("ix_queued_merges_repo", "repo_id", "id"),
)

comments = Table(
    "comments",
    metadata,
    Column("card_id", Id, ForeignKey("cards.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("job_id", Id, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("path", Text, nullable=False),
    Column("side", String(8), nullable=False),
    Column("start_line", Integer),
    Column("line", Integer),
    Column("body", Text, nullable=False),
    Column("base_sha", Sha, nullable=False),  # the commits between which it was written
    Column("head_sha", Sha, nullable=False),
    Column("actor", String(120), nullable=False),
    Column("created_at", Time, nullable=False),
    Column("reply_job_id", Id),
    Column("reply_seq", Integer),
    Column("reply", Text),
    Column("replied_at", Time),
    Column("resolved_by", String(120)),
    Column("resolved_at", Time),
    one_of("side", Side, name="side"),
    Index("ix_comments_job", "job_id"),
)

job_commands = Table(
    "job_commands",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("job_id", Id, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("type", String(16), nullable=False),
    Column("text", Text),
    Column("created_at", Time, nullable=False),
    Index("ix_job_commands_job", "job_id", "id"),
    sqlite_autoincrement=True,
)

repo_secrets = Table(
    "repo_secrets",
    metadata,
    Column("repo_id", Id, ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("updated_at", Time, nullable=False),
)

head_pairs = Table(
    "head_pairs",
    metadata,
    Column("repo_id", Id, ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True),
    Column("one_sha", Sha, primary_key=True),
    Column("other_sha", Sha, primary_key=True),
    Column("rules", Sha, nullable=False),
    Column("clean", Boolean, nullable=False),
    Column("files", JSON, nullable=False),
)

agent_sessions = Table(
    "agent_sessions",
    metadata,
    Column("card_id", Id, ForeignKey("cards.id", ondelete="CASCADE"), primary_key=True),
    Column("agent", String(40), primary_key=True),
    Column("repo_id", Id, ForeignKey("repos.id", ondelete="CASCADE"), nullable=False),
    Column("session_id", String(200), nullable=False),
    Column("sha", Sha, nullable=False),
    Column("kept_at", Time, nullable=False),
)

attachments = Table(
    "attachments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("card_id", Id, ForeignKey("cards.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("media_type", String(100), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Sha, nullable=False),
    Column("created_at", Time, nullable=False),
    UniqueConstraint("card_id", "name"),
    UniqueConstraint("card_id", "sha256"),
    Index("ix_attachments_sha256", "sha256"),
)

job_logs = Table(
    "job_logs",
    metadata,
    Column("job_id", Id, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("last_seq", Integer, primary_key=True),
    Column("first_seq", Integer, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("codec", String(8), nullable=False),
    Column("body", LargeBinary, nullable=False),
)

runners = Table(
    "runners",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("instance_id", String(64), nullable=False, index=True),
    Column("token_id", Id, nullable=False),
    Column("pool", String(16), nullable=False),
    Column("isolation", String(16), nullable=False),
    Column("version", String(64), nullable=False),
    Column("agents", JSON, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("container_id", String(100)),
    Column("image", String(255)),
    Column("repo_id", Id),
    Column("status", String(16), nullable=False),
    Column("is_draining", Boolean, nullable=False, default=False),
    Column("current_job_id", Id),
    Column("last_heartbeat", Time, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("row_version", Integer, nullable=False, default=1),
    one_of("status", RunnerStatus, name="status"),
    one_of("pool", PoolKind, name="pool"),
    one_of("isolation", Isolation, name="isolation"),
)

events = Table(
    "events",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("at", Time, nullable=False),
    Column("type", String(40), nullable=False),
    Column("family", String(40), nullable=False),
    Column("actor", String(120), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("data", Text, nullable=False),
    Index("ix_events_at", "at"),
    sqlite_autoincrement=True,
)

intents = Table(
    "intents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("repo_id", Id, ForeignKey("repos.id", ondelete="CASCADE"), nullable=False),
    Column("card_id", Id, ForeignKey("cards.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("operation", String(16), nullable=False),
    Column("ref", Text, nullable=False),
    Column("old_sha", Sha),
    Column("new_sha", Sha, nullable=False),
    Column("head_sha", Sha, nullable=False),
    Column("body", JSON, nullable=False),
    Column("actor", String(120), nullable=False),
    Column("created_at", Time, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(100), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("created_at", Time, nullable=False),
    Column("last_used_at", Time),
    Column("expires_at", Time),
    Column("for_runner", String(64)),
    Column("instance_id", String(64)),
    CheckConstraint("kind IN ('person', 'runner', 'session')", name="kind"),
)

saved_views = Table(
    "saved_views",
    metadata,
    Column("id", Id, primary_key=True),
    # None: of the board of all repositories.
    Column("repo_id", Id, ForeignKey("repos.id", ondelete="CASCADE")),
    Column("name", String(60), nullable=False),
    Column("query", String(500), nullable=False),
    Column("created_at", Time, nullable=False),
    UniqueConstraint("repo_id", "name"),
    Index(
        "uq_saved_views_of_all",
        "name",
        unique=True,
        sqlite_where=text("repo_id IS NULL"),
        postgresql_where=text("repo_id IS NULL"),
    ),
)

settings = Table(
    "settings",
    metadata,
    Column("key", String(100), primary_key=True),
    Column("value", JSON, nullable=False),
)

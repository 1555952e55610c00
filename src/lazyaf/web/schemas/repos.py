"""Repositories: their records and settings."""

from __future__ import annotations

from pydantic import BaseModel, Field, SecretStr

from lazyaf.domain.checks import CHECKS_MAX
from lazyaf.domain.forges import ForgeKind
from lazyaf.domain.merge_message import TEMPLATE_MAX
from lazyaf.domain.remotes import ImportState
from lazyaf.domain.repo_settings import PATTERNS_MAX, ROUNDS_MAX, BranchWatch, MergeMethod
from lazyaf.web.schemas.base import Line, Model, Prose
from lazyaf.web.schemas.checks import CheckView, DefaultChecks, NewCheck
from lazyaf.web.schemas.pulls import ForgeView


class RepoSettingsView(BaseModel):
    """A repository's effective settings; times in seconds."""

    agent: str
    branch_prefix: str
    wip_limit: int | None
    setup_command: str | None
    job_limit_s: float
    idle_limit_s: float
    setup_limit_s: float
    trusted: bool
    merge_method: MergeMethod
    merge_message: str | None
    delete_branch: bool
    protected_branches: list[str]
    only_approve: bool
    allowed_hosts: list[str]
    image: str | None
    checks: list[CheckView]
    fix_rounds: int
    default_checks: BranchWatch
    sync_every_s: float | None
    forge: ForgeKind | None
    forge_api_url: str | None
    forge_shares_login: bool


class Repo(BaseModel):
    """A repository. ``settings_from_file`` names the settings that ``.lazyaf/config.toml`` decides.

    ``import_state`` is null when it was never fetched from its remote by the server;
    ``import_detail`` says why that failed, or what was left as it is and what to do. ``fetch_result`` is what
    it brought the last time that it did not fail, at ``fetched_at``. ``has_credentials``: some are
    kept for the remote; nobody is ever shown them. ``deploy_key`` is the public half of the key for a
    remote over ssh, ``host_fingerprints`` are of its host's pinned keys. ``forge`` is null where the remote is on no
    host. ``default_checks`` tells of the default branch itself; null where there are no checks.
    """

    id: str
    name: str
    remote_url: str | None
    default_branch: str
    is_ingested: bool
    internal_git_url: str
    settings: RepoSettingsView
    settings_from_file: list[str]
    config_error: str | None
    import_state: ImportState | None
    import_detail: str | None
    fetched_at: str | None
    fetch_result: str | None
    has_credentials: bool
    deploy_key: str | None
    host_fingerprints: list[str]
    forge: ForgeView | None
    default_checks: DefaultChecks | None
    version: int
    created_at: str
    updated_at: str


class NewRepo(Model):
    """A repository to make. Its content comes with `lazyaf ingest`."""

    name: Line
    remote_url: Line | None = Field(None, max_length=2000)
    default_branch: Line = "main"


class Credentials(Model):
    """What a remote is told to let the server in. A token needs no user name."""

    username: Line | None = Field(None, max_length=200)
    password: SecretStr | None = Field(None, max_length=4000)

    @property
    def secret(self) -> str | None:
        """The password in clear."""
        return self.password.get_secret_value() if self.password is not None else None


class ImportRequest(Credentials):
    """A repository to fetch from an HTTP URL; the name is the URL's last word when none is given."""

    url: Line = Field(min_length=1, max_length=2000)
    name: Line | None = None


class RepoSettingsPatch(Model):
    """Settings to change; null goes back to the default. Times are seconds or like ``"60m"``."""

    agent: Line | None = Field(None, max_length=40)
    branch_prefix: Line | None = None
    wip_limit: int | None = Field(None, ge=1, le=1000)
    setup_command: Prose | None = None
    job_limit_s: float | Line | None = None
    idle_limit_s: float | Line | None = None
    setup_limit_s: float | Line | None = None
    trusted: bool | None = None
    merge_method: MergeMethod | None = None
    merge_message: Prose | None = Field(None, max_length=TEMPLATE_MAX)
    delete_branch: bool | None = None
    protected_branches: list[Line] | None = Field(None, max_length=PATTERNS_MAX)
    only_approve: bool | None = None
    allowed_hosts: list[str] | None = None
    image: str | None = None
    checks: list[NewCheck] | None = Field(None, max_length=CHECKS_MAX)
    fix_rounds: int | None = Field(None, ge=0, le=ROUNDS_MAX)
    default_checks: BranchWatch | None = None
    sync_every_s: float | Line | None = None
    forge: ForgeKind | None = None
    forge_api_url: Line | None = None
    forge_shares_login: bool | None = None


class RepoPatch(Model):
    """What to change of a repository."""

    name: Line = ""
    remote_url: Line | None = Field(None, max_length=2000)
    default_branch: Line = ""
    settings: RepoSettingsPatch = RepoSettingsPatch()


class CloneUrl(BaseModel):
    """How a person clones the internal repository."""

    url: str
    command: str

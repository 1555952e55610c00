"""Cards, and the commands that people give them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from lazyaf.domain.cards import CardStatus, UpdateMethod
from lazyaf.domain.checks import ChecksState
from lazyaf.domain.forges import PullState
from lazyaf.domain.jobs import JobStatus, StopReason
from lazyaf.domain.queue import HeldBy
from lazyaf.domain.repo_settings import MergeMethod
from lazyaf.web.schemas.base import Label, Line, Model, Options, Prose, Sha
from lazyaf.web.schemas.review import NewComment


class Failure(BaseModel):
    """Why a card failed and what to do."""

    reason: StopReason
    detail: str
    hint: str


class Live(BaseModel):
    """The card's current or last job, as far as the board shows it.

    While it is queued, ``queue_position`` is its place, from 1, among the jobs that wait for the same
    thing, and ``held_by`` why it would not be given out even to a free runner.

    While it is in review, ``mergeable`` says whether its branch merges into its base (null while nobody
    knows), ``conflicts`` the files that do not, ``behind`` how many commits of the base it lacks, and
    ``conflicts_with`` the numbers of the other cards in review that it does not merge with. ``uncompared``
    counts those that it was not held against, because there are too many.
    """

    job_id: str
    job_status: JobStatus
    phase: str | None
    last_action: str | None
    queued_at: str
    started_at: str | None
    completed_at: str | None
    queue_position: int | None
    held_by: HeldBy | None
    attempt: int
    agent: str
    cost_usd: float | None
    additions: int | None
    deletions: int | None
    files: int | None
    mergeable: bool | None
    conflicts: list[str]
    behind: int | None
    conflicts_with: list[int]
    uncompared: int


class ConflictingCard(BaseModel):
    """Another card in review, and the files in which the two are in each other's way; none are named where
    they have no common history."""

    id: str
    number: int
    title: str
    files: list[str]


class Conflicts(BaseModel):
    """What stands in the way of a card in review, as far as is known; see `Live`.

    ``files`` conflict with the base. ``commands`` are what to type in a clone to settle it by hand: after
    the third, if it stops, come resolving and ``git commit``.
    """

    base_ref: str
    base_sha: str | None
    head_ref: str | None
    head_sha: str | None
    behind: int | None
    mergeable: bool | None
    files: list[str]
    cards: list[ConflictingCard]
    uncompared: int
    commands: list[str]


class CheckSummary(BaseModel):
    """The last run of the checks, in short. It says nothing of another head than ``head_sha``."""

    job_id: str
    state: ChecksState
    base_sha: str
    head_sha: str
    total: int
    passed: int
    failed: list[str]


class MergeState(BaseModel):
    """Where an approved card stands in the merge queue, or why it was bounced from it.

    ``reason`` is a code and ``detail`` a sentence, both of a bounce; ``files`` are those in conflict;
    ``job_id`` is that of the checks, and ``together`` are the numbers of the other cards that they try with
    this one.
    """

    state: Literal["queued", "checking", "bounced"]
    head_sha: str
    job_id: str | None
    together: list[int]
    reason: str | None
    detail: str | None
    files: list[str]


class CardSummary(BaseModel):
    """A card as lists and events show it. ``branch_deleted``: its branch is not there any more; the server
    keeps its last commit and can bring it back. ``pr_state`` is how far its pull request is, as its forge
    told last; ``pr_note`` says why it does not tell."""

    id: str
    repo_id: str
    number: int
    title: str
    status: CardStatus
    position: float
    labels: list[str]
    priority: int
    agent: str | None
    base_branch: str | None
    branch_name: str | None
    branch_deleted: bool
    head_sha: str | None
    merged_sha: str | None
    pr_url: str | None
    pr_state: PullState | None
    pr_note: str | None
    job_id: str | None
    failure: Failure | None
    no_changes: bool
    stopping: bool
    live: Live | None
    checks: CheckSummary | None
    merge_state: MergeState | None
    archived_at: str | None
    version: int
    created_at: str
    updated_at: str


class Card(CardSummary):
    """A card in full."""

    description: str
    agent_options: dict[str, Any]


class CardPage(BaseModel):
    """A page of cards; ``cursor`` is where to begin following the events after this snapshot."""

    items: list[CardSummary]
    next_cursor: str | None
    cursor: str


class Waiting(BaseModel):
    """Where a queued job stands, and its card, if it has one; as in `Live`."""

    card_id: str | None
    job_id: str
    queue_position: int
    held_by: HeldBy | None


class ArchivedDone(BaseModel):
    """How many cards left the board."""

    archived: int


class CardFields(Model):
    """What a person can say of a card."""

    description: Prose = Field("", max_length=64 * 1024)
    labels: list[Label] = Field(default_factory=list, max_length=20)
    priority: int = Field(0, ge=0, le=4)
    agent: Line | None = Field(None, max_length=40)
    agent_options: Options = Field(default_factory=dict)
    base_branch: Line | None = Field(None, max_length=255)


class CardTemplate(BaseModel):
    """What a new card can begin with: a file in the repository's ``.lazyaf/templates``. ``problem`` says
    what of it could not be used."""

    file: str
    name: str
    about: str
    title: str
    description: str
    labels: list[str]
    priority: int
    agent: str | None
    agent_options: dict[str, str]
    base_branch: str | None
    problem: str | None


class NewCard(CardFields):
    """A card to make; with ``start`` it is queued at once."""

    title: Line = Field(min_length=1, max_length=200)
    start: bool = False


class CardPatch(CardFields):
    """Fields to change; the status changes by commands only."""

    title: Line = Field("", max_length=200)
    pr_url: Line | None = Field(None, max_length=2000)


class StartRequest(Model):
    """``fresh`` begins anew at the base instead of continuing on the branch."""

    fresh: bool = False
    message: Prose = Field("", max_length=20_000)


class ApproveRequest(Model):
    """The commit that was seen; when the branch is elsewhere, approving is refused.

    ``method`` instead of the one that the repository's settings say. With ``require_resolved`` it is refused,
    as 409 ``unresolved_comments``, while there are comments that nobody has resolved.
    """

    head_sha: Sha
    method: MergeMethod | None = None
    require_resolved: bool = False


class UpdateRequest(Model):
    """Bring the base in by a merge commit, or by replaying the branch's commits upon it."""

    method: UpdateMethod = UpdateMethod.MERGE


class ResolveRequest(Model):
    """Something more to tell the agent about the conflict."""

    message: Prose = Field("", max_length=20_000)


class ChangesRequest(Model):
    """What the agent should do about its work."""

    message: Prose = Field("", max_length=20_000)
    comments: list[NewComment] = Field(default_factory=list, max_length=500)


class MoveRequest(Model):
    """A drop: on another column it stands for a command, within one it says the neighbours."""

    status: CardStatus | None = None
    before: str | None = Field(None, description="The card that will be below.")
    after: str | None = Field(None, description="The card that will be above.")

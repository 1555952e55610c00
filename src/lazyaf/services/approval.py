"""What is known of a card that is being approved: everything that its merge depends on."""

from __future__ import annotations

from dataclasses import dataclass

from lazyaf.domain.cards import CardCommand, CardStatus, apply
from lazyaf.domain.repo_settings import MergeMethod, RepoSettings, is_protected
from lazyaf.git.merge import Identity
from lazyaf.services.card_branch import base_of
from lazyaf.services.cards import require_no_intent
from lazyaf.services.views import effective_settings, person_identity
from lazyaf.store.cards import CardRow, get_card, is_base_of_open_card
from lazyaf.store.jobs import last_job
from lazyaf.store.repos import RepoRow, get_repo
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Review:
    """A card that is being approved. ``agent`` worked on it last; ``drops_branch``: its branch goes with the
    merge. ``onto`` is the only base tip that it may be merged into, if that matters."""

    card: CardRow
    repo: RepoRow
    settings: RepoSettings
    approver: Identity
    method: MergeMethod
    agent: str
    drops_branch: bool
    onto: str | None = None

    @property
    def base(self) -> str:
        """The branch that it is merged into."""
        return base_of(self.card, self.repo)


def review_of(tx: Tx, card_id: str, method: MergeMethod | None) -> Review:
    """A card that can be approved; raises `IllegalTransition`, or `Conflict` while something is under way."""
    card = get_card(tx, card_id)
    apply(CardStatus(card.status), CardCommand.APPROVE)
    require_no_intent(tx, card)
    repo = get_repo(tx, card.repo_id)
    settings = effective_settings(tx, repo)
    job = last_job(tx, card_id)
    return Review(
        card,
        repo,
        settings,
        person_identity(tx),
        method or MergeMethod(settings.merge_method),
        job.agent if job is not None else card.agent or settings.agent,
        settings.delete_branch and _may_go(tx, card, repo, settings),
    )


def _may_go(tx: Tx, card: CardRow, repo: RepoRow, settings: RepoSettings) -> bool:
    """Not what is protected, and not what another card still goes into."""
    branch = card.branch_name or ""
    is_kept = is_protected(branch, settings.protected(repo.default_branch))
    return not is_kept and not is_base_of_open_card(tx, repo.id, branch)

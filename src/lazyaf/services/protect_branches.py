"""Which branches are protected, and from whom: jobs never change them, people as the settings say."""

from __future__ import annotations

from lazyaf.domain.errors import Conflict
from lazyaf.domain.repo_settings import effective, is_protected
from lazyaf.services.repositories import find_repo
from lazyaf.services.views import effective_settings
from lazyaf.store.cards import CardRow
from lazyaf.store.repos import RepoRow
from lazyaf.store.tx import Tx


def approve_only(tx: Tx, repo_id: str) -> tuple[str, ...]:
    """The patterns of the branches that no one pushes to, because only approve may change them.

    None as long as the repository is empty: something must be pushed first.
    """
    repo = find_repo(tx, repo_id)
    settings = effective_settings(tx, repo)
    if not settings.only_approve or not repo.is_ingested:
        return ()
    return settings.protected(repo.default_branch)


def require_unprotected(repo: RepoRow, card: CardRow, branch: str) -> None:
    """Refuse a job whose work would go to a protected branch; `Conflict` ``branch_protected``."""
    settings = effective(repo.settings, repo.file_settings)
    if is_protected(branch, settings.protected(repo.default_branch)):
        raise Conflict(
            f"The branch of card #{card.number}, {branch}, is protected in {repo.name}, and no job "
            "changes a protected branch. Change the protected branches or the branch prefix in the "
            "repository's settings.",
            code="branch_protected",
        )

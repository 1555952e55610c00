"""Send a card in review back to its agent because its branch does not merge with the base any more.

Another round as any: what the runner meets when it merges the base at its start is told to the agent there
(`lazyaf.agents.prompt`), by the tips as they are then. The message says why the round was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lazyaf.domain.cards import CardCommand, CardStatus, apply
from lazyaf.domain.errors import Conflict, NotFound
from lazyaf.domain.events import Actor
from lazyaf.git import merge, refs
from lazyaf.services.card_branch import base_of, branch_ref
from lazyaf.services.context import Context
from lazyaf.services.start_card import RunRequest, start_card
from lazyaf.store.board import FullCard
from lazyaf.store.cards import CardRow, get_card
from lazyaf.store.repos import get_repo
from lazyaf.store.tx import Tx

NAMED: Final = 20
"""Files that the message names."""


async def resolve_conflicts(ctx: Context, card_id: str, words: str, actor: Actor) -> FullCard:
    """Queue a round that settles the conflict with the base; returns the card. ``words`` of the person's
    own come after the reason. Raises `Conflict` ``no_conflict`` when there is none, `IllegalTransition`.
    """
    card, base = await ctx.db.read(_card_and_base, card_id)
    files = await _files(ctx, card, base)
    message = "\n\n".join(part for part in (_reason(base, files), words.strip()) if part)
    request = RunRequest(message=message)
    return await start_card(ctx, card_id, CardCommand.REQUEST_CHANGES, request, actor)


def _card_and_base(tx: Tx, card_id: str) -> tuple[CardRow, str]:
    card = get_card(tx, card_id)
    apply(CardStatus(card.status), CardCommand.REQUEST_CHANGES)
    return card, base_of(card, get_repo(tx, card.repo_id))


async def _files(ctx: Context, card: CardRow, base: str) -> Sequence[str]:
    """The files in conflict as the tips are now; remembered from the radar, as a rule."""
    names = (branch_ref(base), branch_ref(card.branch_name or ""))
    tips = await refs.tips(ctx.git, card.repo_id, names)
    if len(tips) < len(names):
        raise NotFound(f"The branch of card #{card.number} or its base “{base}” is gone.")
    answer = await merge.mergeability(ctx.git, card.repo_id, *(tips[name] for name in names))
    if answer.clean:
        raise Conflict(
            f"Card #{card.number} merges into “{base}” as it is: there is nothing to resolve.",
            code="no_conflict",
        )
    return answer.files


def _reason(base: str, files: Sequence[str]) -> str:
    if not files:
        return f"Your branch has no common history with {base}, so it cannot be merged there."
    more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
    named = ", ".join(f"`{name}`" for name in files[:NAMED])
    return f"Resolve the conflict with `{base}`, which changed what your branch changes: {named}{more}."

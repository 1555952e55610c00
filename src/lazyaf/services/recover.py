"""At start: finish or undo what a crash interrupted, before anyone is served (R8, R9, R15)."""

from __future__ import annotations

import structlog

from lazyaf.domain.events import SERVER
from lazyaf.services.carry_out_merge import open_intents, resume_approval
from lazyaf.services.context import Context
from lazyaf.services.finish_job import resume_finish
from lazyaf.services.import_repo import resume_imports
from lazyaf.services.move_head import resume_move
from lazyaf.services.reap import give_back_stranded
from lazyaf.services.repositories import resume_deletions
from lazyaf.services.run_checks import forget_ended
from lazyaf.services.seal_remotes import seal_remotes
from lazyaf.store.intents import IntentRow

log = structlog.get_logger(__name__)


async def recover(ctx: Context) -> None:
    """Reconcile storage, intents and deletions."""
    swept = await ctx.git.sweep()
    intents = await open_intents(ctx)
    for intent in intents:
        await resume_intent(ctx, intent)
    await give_back_stranded(ctx)
    await resume_deletions(ctx, SERVER)
    await seal_remotes(ctx)
    await resume_imports(ctx)
    await forget_ended(ctx)
    if swept or intents:
        log.info("recovered", leftovers=swept, intents=len(intents))


async def resume_intent(ctx: Context, intent: IntentRow) -> None:
    """Finish what was begun if git has it, otherwise undo it. Nobody else may be at it."""
    if intent.operation == "approve":
        await resume_approval(ctx, intent)
    elif intent.operation == "finish":
        await resume_finish(ctx, intent)
    else:
        await resume_move(ctx, intent)

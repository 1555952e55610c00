"""``lazyaf card``: the board from a terminal. A card is named by its repository and number."""

from __future__ import annotations

import click

from lazyaf.cli.card.add import add
from lazyaf.cli.card.approve import approve
from lazyaf.cli.card.archive import archive, duplicate, unarchive
from lazyaf.cli.card.attach import attach
from lazyaf.cli.card.checks import checks, dequeue
from lazyaf.cli.card.commands import (
    cancel,
    cancel_all,
    close,
    delete,
    reject,
    reopen,
    resolve,
    restore_branch,
    retry,
    start,
    update_branch,
)
from lazyaf.cli.card.comments import comments, rounds
from lazyaf.cli.card.log import log
from lazyaf.cli.card.request_changes import request_changes
from lazyaf.cli.card.say import interrupt, say
from lazyaf.cli.card.show import list_cards, show


@click.group(
    "card",
    epilog="A card is REPO NUMBER, like `lazyaf card show shop 12`; REPO is an id or a name.",
)
def command() -> None:
    """Add, start, watch, approve … cards."""


for _each in (
    add,
    attach,
    list_cards,
    show,
    start,
    log,
    say,
    interrupt,
    approve,
    checks,
    dequeue,
    comments,
    rounds,
    request_changes,
    resolve,
    update_branch,
    reject,
    cancel,
    cancel_all,
    retry,
    close,
    reopen,
    restore_branch,
    archive,
    unarchive,
    duplicate,
    delete,
):
    command.add_command(_each)

"""The demo: a sample repository and a card in it, worked by the scripted agent without any key."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from lazyaf.domain.cards import CardCommand
from lazyaf.domain.errors import NameTaken
from lazyaf.domain.events import Actor
from lazyaf.services.after_push import branches_pushed
from lazyaf.services.cards import NewCard, create_card
from lazyaf.services.context import Context
from lazyaf.services.repositories import create_repo
from lazyaf.services.start_card import RunRequest, start_card

NAME: Final = "demo"
BRANCH: Final = "main"
TRIES: Final = 100

TITLE: Final = "Greet people by their name"
DESCRIPTION: Final = """\
`greet.py` greets the whole world and nobody in particular. Let it take a name:

- `python greet.py Ada` prints `Hello, Ada!`
- without a name it goes on greeting the world
- cover both with a test
"""
FURTHER: Final = (
    ("Add a --shout option", "`greet.py --shout Ada` prints `HELLO, ADA!`.", ["cli"]),
    ("Say in the README how to run the tests", "", ["docs"]),
)


async def make_demo(ctx: Context, actor: Actor) -> dict[str, Any]:
    """Make the sample and start its first card; each call makes a new one."""
    repo = await _new_repo(ctx, actor)
    await _import_sample(ctx, repo["id"])
    await branches_pushed(ctx, repo["id"], [("", "", f"refs/heads/{BRANCH}")], actor)
    for title, description, labels in reversed(FURTHER):
        other = NewCard(title, description, labels, agent="script", agent_options=_options())
        await ctx.db.write(create_card, ctx.new_id(), repo["id"], other, actor, ctx.clock.now())
    card_id = ctx.new_id()
    first = NewCard(TITLE, DESCRIPTION, ["demo"], agent="script", agent_options=_options())
    await ctx.db.write(create_card, card_id, repo["id"], first, actor, ctx.clock.now())
    card = await start_card(ctx, card_id, CardCommand.START, RunRequest(), actor)
    return {
        "repo_id": repo["id"],
        "repo_name": repo["name"],
        "card_id": card_id,
        "card_number": card.number,
    }


def _options() -> dict[str, Any]:
    return {"command": _text("agent.sh")}


def _text(name: str) -> str:
    return (files("lazyaf.services") / "demo_files" / name).read_text()


async def _new_repo(ctx: Context, actor: Actor) -> dict[str, Any]:
    for number in range(1, TRIES):
        name = NAME if number == 1 else f"{NAME}-{number}"
        try:
            return await create_repo(
                ctx, name=name, remote=None, default_branch=BRANCH, actor=actor
            )
        except NameTaken:
            continue
    raise NameTaken(f"There are {TRIES} demos already. Delete some in their settings.")


async def _import_sample(ctx: Context, repo_id: str) -> None:
    async with ctx.git.shared(repo_id):
        await ctx.git.git(repo_id, ["fast-import", "--quiet"], stdin=_stream())


def _stream() -> bytes:
    """The sample as a fast-import stream: two commits of a small Python program."""
    who = "LazyAF Demo <lazyaf@localhost>"
    out: list[bytes] = []

    def commit(mark: int, message: str, names: list[str], parent: int | None) -> None:
        out.append(f"commit refs/heads/{BRANCH}\nmark :{mark}\n".encode())
        out.append(f"author {who} 17{mark:08} +0000\ncommitter {who} 17{mark:08} +0000\n".encode())
        out.append(b"data %d\n%s\n" % (len(message.encode()), message.encode()))
        if parent is not None:
            out.append(f"from :{parent}\n".encode())
        for name in names:
            body = _text(f"repo/{name}.txt").encode()
            out.append(f"M 100644 inline {name}\n".encode())
            out.append(b"data %d\n%s\n" % (len(body), body))

    commit(63000000, "Greet the world", ["greet.py", "README.md", ".gitignore"], None)
    commit(63000060, "Test the greeting", ["test_greet.py"], 63000000)
    return b"".join(out)

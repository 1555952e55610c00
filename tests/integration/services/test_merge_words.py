"""What the commit of an approval says, as git reads it."""

from __future__ import annotations

import pytest

from factories.scene import Scene
from lazyaf.domain.events import PERSON
from lazyaf.domain.repo_settings import MergeMethod
from lazyaf.services.approve_card import approve_card
from lazyaf.services.edit_repo import edit_repo
from lazyaf.store.settings import put_setting

MADE_BY_US = [MergeMethod.MERGE, MergeMethod.SQUASH]


async def ready(scene: Scene, template: str | None, **fields: object) -> tuple[str, str, str]:
    """A repository with this template, and a card in review with two commits: its id and head."""
    repo = await scene.repo("shop")
    settings = {"merge_message": template}
    await edit_repo(scene.ctx, repo, {"settings": settings}, if_match=None, actor=PERSON)
    await scene.db.write(put_setting, "person", {"name": "Ann", "email": "ann@example.test"})
    card, job = await scene.working(repo, **{"title": "Two steps", **fields})
    first = await scene.work(job, {"one.txt": "1\n"})
    head = await scene.work(job, {"two.txt": "2\n"}, [first])
    await scene.finish(job, head_sha=head)
    return repo, card, head


async def shown(scene: Scene, repo: str, form: str) -> str:
    """The tip of main in git's own words."""
    async with scene.ctx.git.shared(repo):
        said = await scene.ctx.git.git(repo, ["log", "-1", f"--format={form}", "main"])
    return said.stdout.decode().strip("\n")


async def trailers(scene: Scene, repo: str) -> list[str]:
    return (await shown(scene, repo, "%(trailers:only,unfold)")).splitlines()


@pytest.mark.parametrize("method", MADE_BY_US)
async def test_a_template_is_filled_and_the_trailers_are_below(
    scene: Scene, method: MergeMethod
) -> None:
    template = (
        "[{repo}#{number}] {title}\n\n{description}\n\n{commits}\n\n{branch} → {base}, {agent}"
    )
    text = "# Why\n\nBecause {so}.\n---\nSee-also: nothing"
    repo, card, head = await ready(scene, template, description=text)
    await approve_card(scene.ctx, card, head, PERSON, method)
    assert await shown(scene, repo, "%s") == "[shop#1] Two steps"
    body = await shown(scene, repo, "%b")
    assert body.startswith(f"{text}\n\n* change\n* change\n\nlazyaf/1-two-steps → main, script\n\n")
    assert await trailers(scene, repo) == [
        f"Lazyaf-Card: {card}",
        "Lazyaf-Agent: script",
        "Co-authored-by: Someone <someone@localhost>",
    ]


@pytest.mark.parametrize("method", MADE_BY_US)
async def test_the_approver_is_author_and_committer_and_the_agent_a_co_author(
    scene: Scene, method: MergeMethod
) -> None:
    repo, card, head = await ready(scene, None, agent="claude", agent_options={"model": "opus"})
    await approve_card(scene.ctx, card, head, PERSON, method)
    assert await shown(scene, repo, "%an <%ae> %cn <%ce>") == (
        "Ann <ann@example.test> Ann <ann@example.test>"
    )
    assert await trailers(scene, repo) == [
        f"Lazyaf-Card: {card}",
        "Lazyaf-Agent: claude opus",
        "Co-authored-by: Someone <someone@localhost>",
        "Co-authored-by: Claude <noreply@anthropic.com>",
    ]


async def test_trailers_of_the_template_stay_with_ours_and_none_is_there_twice(
    scene: Scene,
) -> None:
    template = "{title}\n\n# not a comment\n\nReviewed-by: Ann\nCo-authored-by: Someone <someone@localhost>"
    repo, card, head = await ready(scene, template)
    await approve_card(scene.ctx, card, head, PERSON, MergeMethod.SQUASH)
    assert await trailers(scene, repo) == [
        "Reviewed-by: Ann",
        "Co-authored-by: Someone <someone@localhost>",
        f"Lazyaf-Card: {card}",
        "Lazyaf-Agent: script",
    ]
    assert "# not a comment" in await shown(scene, repo, "%B")


async def test_a_heading_at_the_end_is_no_comment(scene: Scene) -> None:
    template = "{title}\n\n{description}"
    repo, card, head = await ready(scene, template, description="Why.\n\n# And what is left")
    await approve_card(scene.ctx, card, head, PERSON)
    body = await shown(scene, repo, "%b")
    assert body.startswith(f"Why.\n\n# And what is left\n\nLazyaf-Card: {card}\n")


async def test_a_template_that_comes_to_nothing_is_the_title(scene: Scene) -> None:
    repo, card, head = await ready(scene, "{description}")
    await approve_card(scene.ctx, card, head, PERSON)
    assert await shown(scene, repo, "%s") == "Two steps"


async def test_a_rebase_keeps_the_commits_words(scene: Scene) -> None:
    repo, card, head = await ready(scene, "{title}")
    await approve_card(scene.ctx, card, head, PERSON, MergeMethod.REBASE)
    assert await shown(scene, repo, "%s%an %cn") == "changeSomeone Ann"

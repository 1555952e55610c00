"""The prompt: everything that an agent must know, in the right round."""

from __future__ import annotations

from typing import Any

from lazyaf.agents.prompt import (
    CHANGED_MAX,
    CONFLICTS_MAX,
    README_MAX,
    AttachedFile,
    Done,
    render,
)
from lazyaf.domain.comments import Side
from lazyaf.protocol.messages import Comment, Task

TASK = Task(
    card_id="c", number=12, title="Fix the login", description="It fails on $HOME.\n\n\nSee."
)


def rendered(task: Task = TASK, template: str | None = None, **changes: Any) -> str:
    """A prompt for the branch ``lazyaf/12-fix-the-login``."""
    known = {"branch": "lazyaf/12-fix-the-login", "base": "main", "readme": None, "conflicts": []}
    return render(template, task, **{**known, "followup": False, **changes})


def test_a_first_round_holds_the_card_and_the_four_instructions() -> None:
    text = rendered(readme="# Project\n")

    assert "# Card #12: Fix the login\n\nIt fails on $HOME.\n\n\nSee.\n\n## Instructions" in text
    assert "1. Do what the card asks" in text
    assert "2. Follow the conventions" in text
    assert "3. Commit your work with clear messages on the current branch" in text
    assert "4. Do not push and do not switch branches" in text
    assert text.endswith("## The repository's README\n\n# Project\n")
    assert "What to do now" not in text
    assert "Conflicts" not in text


def test_a_card_without_description_or_readme_leaves_no_holes() -> None:
    text = rendered(Task(card_id="c", number=1, title="Hi"))

    assert "(The card has no description.)" in text
    assert "README" not in text
    assert "\n\n\n" not in text


def test_a_long_readme_is_cut_and_says_so() -> None:
    text = rendered(readme="x" * (README_MAX + 1))

    assert "x" * README_MAX in text
    assert "x" * (README_MAX + 1) not in text
    assert "read the file for the rest" in text


def test_a_follow_up_holds_the_message_and_the_comments_with_their_place() -> None:
    comments = [
        Comment(path="src/a.py", line=7, body="Why?\nSay it."),
        Comment(path="README.md", body="Spelling"),
    ]
    task = TASK.model_copy(update={"message": "Use a set.", "comments": comments})

    text = rendered(task, followup=True)

    assert "There is already work on this branch" in text
    assert "Use a set." in text
    assert "- `src/a.py:7`\n  Why?\n  Say it." in text
    assert "- `README.md`\n  Spelling" in text


def test_numbered_comments_are_to_be_answered_by_their_numbers() -> None:
    comments = [
        Comment(number=3, path="src/a.py", start_line=5, line=7, body="Why?"),
        Comment(number=4, path="b.py", side=Side.OLD, line=2, body="Keep it."),
        Comment(number=5, path="c.py", body="Move it."),
    ]
    text = rendered(TASK.model_copy(update={"comments": comments}), followup=True)

    assert "- [#3] `src/a.py:5-7`\n  Why?" in text
    assert "- [#4] `b.py:2` (removed; counted in the file as it was before)\n  Keep it." in text
    assert "- [#5] `c.py`\n  Move it." in text
    assert "end your last message with one line for each of them" in text
    assert "\n\n    [#3] …\n" in text


def test_comments_without_numbers_ask_for_no_lines() -> None:
    text = rendered(TASK.model_copy(update={"comments": [Comment(path="a", body="b")]}))
    assert "last message" not in text


def test_a_suggestion_is_to_be_applied_letter_by_letter() -> None:
    suggestion = "Rather:\n\n```suggestion\nx = 1\n```"
    comments = [Comment(number=1, path="a.py", line=2, body=suggestion)]
    text = rendered(TASK.model_copy(update={"comments": comments}), followup=True)
    assert "  ```suggestion\n  x = 1\n  ```" in text
    assert "what exactly these lines should become" in text
    assert "suggestion" not in rendered(followup=True)


def test_a_follow_up_without_words_says_what_to_do() -> None:
    assert "Continue and finish" in rendered(followup=True)
    task = TASK.model_copy(update={"comments": [Comment(path="a", body="b")]})
    assert "answer each of them in the code" in rendered(task, followup=True)


def test_an_agent_that_forgot_is_told_what_was_done() -> None:
    done = Done(commits=["Begin", "Go on"], changed=["a.py", "b.py"])
    text = rendered(followup=True, done=done)

    assert "- Begin\n- Go on" in text
    assert "- `a.py`\n- `b.py`" in text
    assert text.index("already work") < text.index("Begin") < text.index("Continue and finish")
    assert "is lost" in text
    assert "is lost" not in rendered(followup=True, done=Done([], []))
    many = Done(commits=[], changed=[f"f{n}" for n in range(CHANGED_MAX + 3)])
    assert "… and 3 more" in rendered(followup=True, done=many)


def test_conflicts_name_the_files_and_the_way_out() -> None:
    text = rendered(conflicts=["a.py", "b.py"])

    assert "`git merge origin/main`" in text
    assert "- `a.py`\n- `b.py`" in text


def test_many_conflicts_are_counted() -> None:
    text = rendered(conflicts=[f"f{n}" for n in range(CONFLICTS_MAX + 3)])

    assert "… and 3 more" in text


def test_a_repositorys_template_is_filled_and_keeps_its_dollars() -> None:
    text = rendered(template="Do ${title} on $branch, see $UNKNOWN, pay $5.\n\n$readme\n\nBye")

    assert text == "Do Fix the login on lazyaf/12-fix-the-login, see $UNKNOWN, pay $5.\n\nBye\n"


def test_a_template_cannot_forget_why_there_is_another_round() -> None:
    task = TASK.model_copy(update={"message": "Use a set."})

    text = rendered(task, template="Only $title", conflicts=["a.py"], followup=True)

    assert text.startswith("Only Fix the login\n\n## What to do now")
    assert "Use a set." in text
    assert "git merge origin/main" in text


def test_an_empty_template_is_none() -> None:
    assert rendered(template=" \n") == rendered()


def test_a_value_is_not_a_template() -> None:
    task = TASK.model_copy(update={"title": "$readme ${branch}"})

    assert "# Card #12: $readme ${branch}" in rendered(task)


def test_attached_files_are_named_by_path_and_type_also_where_a_template_forgot_them() -> None:
    files = [AttachedFile("/w/attachments/shot 1.png", "image/png", 12_345)]

    text = rendered(attachments=files)

    assert "- `/w/attachments/shot 1.png` (image/png, 12,345 bytes)" in text
    assert text.index("See.") < text.index("## Attached files") < text.index("## Instructions")
    assert "shot 1.png" in rendered(template="Do $title.", attachments=files)
    assert "Attached" not in rendered()
    own = "$attachments\nDo $title."
    assert rendered(template=own, attachments=files).count("shot 1.png") == 1
    assert rendered(template=own) == "Do Fix the login.\n"

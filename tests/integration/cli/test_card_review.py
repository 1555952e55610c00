"""``lazyaf card`` for what waits for review: approve, conflicts, comments, changes."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from support.commandline import Git, Lazyaf
from support.server import ServerProcess
from support.waiting import until


def test_approve_merges_the_commit_that_was_seen(
    working: Lazyaf, working_server: ServerProcess, board: str
) -> None:
    number = working.in_review(board)
    head = working.json("card", "show", board, number)["head_sha"]
    moved = working("card", "approve", board, number, "--sha", "0" * 40)
    assert moved.exit_code == 1
    assert "[branch_moved]" in moved.stderr
    assert working("card", "approve", board, number, "--sha", "1234567").exit_code == 1
    done = working.json("card", "approve", board, number, "--sha", head[:12])
    assert done["status"] == "done"
    page = working_server.client.get(f"/api/repos/{board}/commits?ref=main").json()
    assert page["items"][0]["sha"] == done["merged_sha"]
    assert head in page["items"][0]["parents"]


def test_approve_without_a_terminal_wants_the_commit(working: Lazyaf, board: str) -> None:
    number = working.in_review(board)
    result = working("card", "approve", board, number)
    assert result.exit_code == 2
    assert "--sha" in result.stderr
    assert working.json("card", "show", board, number)["status"] == "in_review"


def at_a_terminal(lazyaf: Lazyaf, answer: str, *words: str) -> tuple[int, str]:
    """Run a command at a pseudo-terminal that answers its question; exit code and what was seen."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "lazyaf", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, **lazyaf.env},
    )
    os.close(theirs)
    os.write(ours, answer.encode())
    seen = b""
    try:
        while piece := os.read(ours, 65_536):
            seen += piece
    except OSError:  # how Linux says that nobody holds the other end any more
        pass
    os.close(ours)
    return child.wait(), seen.decode()


def test_approve_shows_what_it_would_merge_and_asks(working: Lazyaf, board: str) -> None:
    number = working.in_review(board)
    head = working.json("card", "show", board, number)["head_sha"]
    words = ("card", "approve", board, str(number))
    code, seen = at_a_terminal(working, "n\n", *words)
    assert code == 1
    assert "README.md" in seen
    assert "+1 -0 in 1 file" in seen
    assert head[:12] in seen
    assert working.json("card", "show", board, number)["status"] == "in_review"
    code, seen = at_a_terminal(working, "y\n", *words)
    assert code == 0, seen
    assert "Merged as" in seen


def test_approve_says_what_conflicts(working: Lazyaf, board: str, checkout: Git) -> None:
    number = working.in_review(board)
    checkout.commit(text="Hello\nsomething else\n")
    assert working("ingest", checkout.path).exit_code == 0
    code, seen = at_a_terminal(working, "y\n", "card", "approve", board, str(number))
    assert code == 1
    assert "README.md" in seen
    assert "[merge_conflict]" in seen
    head = working.json("card", "show", board, number)["head_sha"]
    refused = working("card", "approve", board, number, "--sha", head)
    assert refused.exit_code == 1
    assert "README.md" in refused.stderr


def test_a_conflict_is_shown_and_goes_back_to_the_agent(
    working: Lazyaf, board: str, checkout: Git
) -> None:
    solve = 'test -z "$MERGE_CONFLICTS" || git merge -q -X ours origin/main'
    first = working.in_review(board, f"{solve}; echo one >> README.md && git commit -qam One")
    second = working.in_review(board, f"{solve}; echo two >> README.md && git commit -qam Two")
    number = first
    listed = until(
        lambda: (
            (text := working("card", "list", board).stdout)
            and f"(conflicts with #{second})" in text
            and text
        ),
        "the radar's word",
    )
    assert f"(conflicts with #{first})" in listed
    shown = working("card", "show", board, number).stdout
    assert "Merge:     clean into main" in shown
    assert f"Conflicts: #{second} (README.md)" in shown
    assert "git fetch" not in shown

    refused = working("card", "resolve", board, number)
    assert "[no_conflict]" in refused.output
    head = working.json("card", "show", board, second)["head_sha"]
    assert working("card", "approve", board, second, "--sha", head).exit_code == 0
    until(
        lambda: working.json("card", "show", board, number)["live"]["mergeable"] is False,
        "the conflict",
    )
    shown = working("card", "show", board, number).stdout
    assert "Merge:     conflicts with main (README.md), 2 commits behind it" in shown
    assert f"lazyaf card resolve {board} {number}" in shown
    assert "  git switch --detach FETCH_HEAD\n" in shown
    refused = working("card", "update-branch", board, number)
    assert refused.exit_code == 1
    assert "README.md" in refused.output

    assert working("card", "resolve", board, number).exit_code == 0
    working("card", "log", board, number, "--follow")
    card = working.json("card", "show", board, number)
    assert (card["status"], card["live"]["mergeable"], card["live"]["behind"]) == (
        "in_review",
        True,
        0,
    )


def test_a_branch_is_updated(working: Lazyaf, board: str) -> None:
    first = working.in_review(board, "echo 1 > one.txt")
    second = working.in_review(board, "echo 2 > two.txt")
    head = working.json("card", "show", board, first)["head_sha"]
    working("card", "approve", board, first, "--sha", head)
    old = working.json("card", "show", board, second)["head_sha"]
    said = working("card", "update-branch", board, second, "--method", "rebase")
    card = working.json("card", "show", board, second)
    assert card["head_sha"] != old
    assert said.stdout.splitlines()[1] == f"{card['branch_name']} is at {card['head_sha']}."
    assert working("card", "approve", board, second, "--sha", old).exit_code == 1
    assert working("card", "approve", board, second, "--sha", card["head_sha"]).exit_code == 0


def test_changes_are_requested_and_work_is_rejected(working: Lazyaf, board: str) -> None:
    number = working.in_review(board)
    assert working("card", "request-changes", board, number, "-m", "Again").exit_code == 0
    assert working("card", "log", board, number, "-f").exit_code == 0
    assert working("card", "reject", board, number).exit_code == 0
    assert working.json("card", "show", board, number)["status"] == "todo"


def test_comments_are_sent_and_listed_and_settled_and_approving_names_those_that_are_not(
    working: Lazyaf, board: str
) -> None:
    lazyaf = working
    script = "echo more >> README.md; git commit -qam More; echo '[#1] Said more.'"
    number = lazyaf.in_review(board, script)
    assert f"Nobody has commented on #{number}." in lazyaf("card", "comments", board, number).stdout
    comments = ("-c", "README.md:1: Say 1.", "-c", "README.md:1-2: Say 2.")
    sent = lazyaf("card", "request-changes", board, number, *comments)
    assert sent.exit_code == 0, sent.stderr
    assert lazyaf("card", "log", board, number, "--follow").exit_code == 0
    told = lazyaf("card", "comments", board, number).stdout
    assert "#1 README.md:1  answered, round 2\n    Say 1.\n    → Said more.\n" in told
    assert "#2 README.md:1-2  open, round 2" in told
    after = lazyaf("card", "comments", board, number, "--resolve", "#1").stdout
    assert "#1 README.md:1  resolved, round 2" in after
    assert "answered" in lazyaf("card", "comments", board, number, "--unresolve", 1).stdout
    unknown = lazyaf("card", "comments", board, number, "--resolve", 7)
    assert "no comment #7" in unknown.stderr
    code, seen = at_a_terminal(lazyaf, "n\n", "card", "approve", board, str(number))
    assert code == 1
    assert "2 comments are not resolved: #1 answered, #2 open." in seen
    assert "Merge it all the same?" in seen
    assert lazyaf.json("card", "show", board, number)["status"] == "in_review"
    listed = lazyaf("card", "rounds", board, number).stdout
    assert "#1, #2" in listed
    assert "+more" in lazyaf("card", "rounds", board, number, "--diff", 2).stdout


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "--message, --comment, or both"),
        (("-c", "README.md"), "is not like"),
        (("-c", "README.md:3:"), "is not like"),
        (("-c", "README.md:2-1: Say it."), "start_line comes before line"),
        (("-c", "README.md:99: Say it."), "99"),
        (("-c", "other.txt: Say it."), "other.txt"),
    ],
)
def test_a_comment_on_what_is_not_there_sends_nothing(
    working: Lazyaf, board: str, words: tuple[str, ...], reason: str
) -> None:
    number = working.in_review(board)
    result = working("card", "request-changes", board, number, *words)
    assert result.exit_code in (1, 2)
    assert reason in result.stderr
    assert working.json("card", "show", board, number)["status"] == "in_review"

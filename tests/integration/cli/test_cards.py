"""`lazyaf card`: a card's whole life from a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from support.commandline import COMMIT, Git, Lazyaf
from support.server import ServerProcess
from support.waiting import until

WAIT = "touch {0}; while [ -e {0} ]; do sleep 0.05; done"


def test_a_card_with_everything_that_can_be_said(lazyaf: Lazyaf, checkout: Git, name: str) -> None:
    lazyaf("ingest", checkout.path)
    words = ("-t", "Sort orders", "-d", "-", "--agent", "claude")
    added = lazyaf(
        "card",
        "add",
        name,
        *words,
        "--model",
        "m",
        "-l",
        "ui",
        "-l",
        "now",
        "-p",
        "high",
        stdin="By date.\n",
    )
    assert added.exit_code == 0, added.output
    card = lazyaf.json("card", "show", name, "#1")
    assert (card["title"], card["description"]) == ("Sort orders", "By date.\n")
    assert (card["labels"], card["priority"]) == (["ui", "now"], 3)
    assert (card["agent"], card["agent_options"]) == ("claude", {"model": "m"})
    shown = lazyaf("card", "show", name, "1").stdout
    assert "Sort orders" in shown
    assert "high" in shown
    assert "By date." in shown


def test_the_list_can_be_narrowed(lazyaf: Lazyaf, checkout: Git, name: str) -> None:
    lazyaf("ingest", checkout.path)
    assert "No cards" in lazyaf("card", "list", name).stdout
    lazyaf("card", "add", name, "-t", "One", "-l", "ui")
    lazyaf("card", "add", name, "-t", "Two")
    listed = lazyaf("card", "list", name).stdout
    assert "#1" in listed
    assert "#2" in listed
    assert [c["title"] for c in lazyaf.json("card", "list", name, "-l", "ui")["items"]] == ["One"]
    assert lazyaf.json("card", "list", name, "--status", "done")["items"] == []


def test_numbers_that_contain_a_number_are_other_cards(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, name: str
) -> None:
    lazyaf("ingest", checkout.path)
    for number in range(1, 12):
        server.client.post(f"/api/repos/{name}/cards", json={"title": f"Card {number}"})
    assert lazyaf.json("card", "show", name, "1")["title"] == "Card 1"


def test_what_cannot_be_a_card(lazyaf: Lazyaf, checkout: Git, name: str) -> None:
    lazyaf("ingest", checkout.path)
    assert lazyaf("card", "show", name, "one").exit_code == 2
    missing = lazyaf("card", "show", name, "77")
    assert missing.exit_code == 1
    assert f"There is no card #77 in {name}." in missing.stderr
    assert lazyaf("card", "show", "nothing", "1").exit_code == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--agent", "claude", "--command", "true"),
        ("--command", "true", "--model", "m"),
        ("--priority", "sky-high"),
    ],
)
def test_options_that_contradict(lazyaf: Lazyaf, name: str, words: tuple[str, ...]) -> None:
    assert lazyaf("card", "add", name, "-t", "T", *words).exit_code == 2


def test_a_card_that_cannot_start_is_added_all_the_same(
    lazyaf: Lazyaf, server: ServerProcess, name: str
) -> None:
    server.client.post("/api/repos", json={"name": name}).raise_for_status()
    result = lazyaf("card", "add", name, "-t", "T", "--command", "true", "--start")
    assert result.exit_code == 1
    assert "#1 was added but not started" in result.stderr
    assert lazyaf.json("card", "show", name, "1")["status"] == "todo"


def test_a_card_that_never_started_has_no_log(lazyaf: Lazyaf, checkout: Git, name: str) -> None:
    lazyaf("ingest", checkout.path)
    lazyaf("card", "add", name, "-t", "T")
    result = lazyaf("card", "log", name, "1")
    assert result.exit_code == 1
    assert f"lazyaf card start {name} 1" in result.stderr


def test_a_command_that_the_state_forbids(lazyaf: Lazyaf, checkout: Git, name: str) -> None:
    lazyaf("ingest", checkout.path)
    lazyaf("card", "add", name, "-t", "T")
    result = lazyaf("card", "reject", name, "1")
    assert result.exit_code == 1
    assert "[illegal_transition]" in result.stderr


def test_a_queued_card_is_cancelled_and_deleted(lazyaf: Lazyaf, checkout: Git, name: str) -> None:
    lazyaf("ingest", checkout.path)
    lazyaf("card", "add", name, "-t", "T", "--command", "true", "--start")
    assert lazyaf("card", "delete", name, "1", "--yes").exit_code == 1
    assert lazyaf("card", "cancel", name, "1").exit_code == 0
    assert lazyaf("card", "delete", name, "1", stdin="n\n").exit_code == 1
    assert lazyaf("card", "delete", name, "1", stdin="y\n").exit_code == 0
    assert lazyaf("card", "show", name, "1").exit_code == 1


def test_what_is_said_to_an_agent_that_cannot_hear_is_answered(
    working: Lazyaf, working_server: ServerProcess, board: str
) -> None:
    none = working("card", "say", board, "1", "Hello?")
    assert none.exit_code == 1
    working("card", "add", board, "-t", "Wait", "--command", WAIT.format(board))
    early = working("card", "say", board, "1", "Hello?")
    assert f"lazyaf card start {board} 1" in early.stderr
    working("card", "start", board, "1")
    trees = working_server.data_dir / "work" / "trees"
    [up] = until(lambda: list(trees.glob(f"*/work/{board}")), "the script is at work")
    said = working("card", "say", board, "1", "Hello there")
    assert said.exit_code == 0, said.output
    assert f"lazyaf card log {board} 1 --follow" in said.stdout
    assert working("card", "interrupt", board, "1").exit_code == 0
    until(
        lambda: working("card", "log", board, "1").stdout.count("cannot be spoken to") == 2,
        "both are answered",
    )
    assert "» Hello there" in working("card", "log", board, "1").stdout
    up.unlink()
    working("card", "log", board, "1", "--follow")
    late = working("card", "say", board, "1", "Hello?")
    assert "[job_not_running]" in late.stderr


def test_the_log_is_printed_as_entries_as_json_and_raw(working: Lazyaf, board: str) -> None:
    number = working.in_review(board, f"printf 'Hello \\033[31mred\\n' && {COMMIT}")
    log = working("card", "log", board, number).stdout
    assert "Hello red" in log
    assert "── working" in log
    assert "\x1b" not in log
    lines = working("card", "log", board, number, "--json").stdout.splitlines()
    assert lines[0].startswith('{"')
    assert "Hello" in working("card", "log", board, number, "--raw").stdout
    assert working("card", "log", board, number, "--raw", "--follow").exit_code == 2


def test_a_followed_log_ends_with_the_job(working: Lazyaf, board: str) -> None:
    card = working.json("card", "add", board, "-t", "T", "--command", COMMIT, "--start")
    followed = working("card", "log", board, card["number"], "-f")
    assert followed.stdout.rstrip().endswith("The job is completed (finished).")


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


def test_a_done_card_is_archived_and_comes_back(working: Lazyaf, board: str) -> None:
    number = working.in_review(board)
    early = working("card", "archive", board, number)
    assert early.exit_code != 0
    assert "illegal_transition" in early.output
    head = working.json("card", "show", board, number)["head_sha"]
    working("card", "approve", board, number, "--sha", head)
    assert "in the archive" in working("card", "archive", board, number).stdout
    assert working.json("card", "list", board)["items"] == []
    assert "done (archived)" in working("card", "list", board, "--archived").stdout
    assert working.json("card", "unarchive", board, number)["archived_at"] is None
    assert "Archived 1 card." in working("card", "archive", board, "--done").stdout
    assert working("card", "archive", board).exit_code == 2
    copied = working("card", "duplicate", board, number)
    assert copied.stdout.endswith(f"is a copy of #{number}.\n")
    assert [card["number"] for card in working.json("card", "list", board)["items"]] == [2]


def test_changes_are_requested_and_work_is_rejected(working: Lazyaf, board: str) -> None:
    number = working.in_review(board)
    assert working("card", "request-changes", board, number, "-m", "Again").exit_code == 0
    assert working("card", "log", board, number, "-f").exit_code == 0
    assert working("card", "reject", board, number).exit_code == 0
    assert working.json("card", "show", board, number)["status"] == "todo"


def test_a_failed_card_is_retried(working: Lazyaf, board: str, tmp_path: Path) -> None:
    card = working.json("card", "add", board, "-t", "T", "--command", "exit 3", "--start")
    working("card", "log", board, card["number"], "-f")
    shown = working("card", "show", board, card["number"]).stdout
    assert "failed" in shown
    assert working("card", "retry", board, card["number"], "--fresh").exit_code == 0
    number = card["number"]
    until(
        lambda: working.json("card", "show", board, number)["status"] == "failed",
        "the retry failed as well",
    )


def test_comments_are_listed_and_settled_and_approving_names_those_that_are_not(
    working: Lazyaf, working_server: ServerProcess, board: str
) -> None:
    lazyaf, server = working, working_server
    script = "echo more >> README.md; git commit -qam More; echo '[#1] Said more.'"
    number = lazyaf.in_review(board, script)
    card = lazyaf.json("card", "show", board, number)
    assert f"Nobody has commented on #{number}." in lazyaf("card", "comments", board, number).stdout
    comments = [{"path": "README.md", "line": n, "body": f"Say {n}."} for n in (1, 2)]
    asked = {"message": "", "comments": comments}
    sent = server.client.post(f"/api/cards/{card['id']}/request-changes", json=asked)
    assert sent.status_code == 200, sent.text
    assert lazyaf("card", "log", board, number, "--follow").exit_code == 0
    told = lazyaf("card", "comments", board, number).stdout
    assert "#1 README.md:1  answered, round 2\n    Say 1.\n    → Said more.\n" in told
    assert "#2 README.md:2  open, round 2" in told
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


def test_files_are_attached_to_a_new_card_and_to_a_known_one_and_its_agent_reads_them(
    working: Lazyaf, board: str, tmp_path: Path
) -> None:
    spec, shot = tmp_path / "spec.txt", tmp_path / "shot.png"
    spec.write_text("what is wanted\n")
    shot.write_bytes(b"\x89PNG\r\n\x1a\n")
    script = 'cat "$CARD_ATTACHMENTS"/*.txt > wanted.txt; ls "$CARD_ATTACHMENTS"'
    added = working.json("card", "add", board, "-t", "T", "--command", script, "--attach", spec)
    attached = working("card", "attach", board, added["number"], shot, spec)
    assert attached.exit_code == 0, attached.output
    assert "shot.png (8 bytes) is attached to #1." in attached.output
    shown = working("card", "show", board, 1).stdout
    assert "Attached:  spec.txt (15 bytes), shot.png (8 bytes)" in shown

    working("card", "start", board, 1)
    followed = working("card", "log", board, 1, "--follow")
    assert "shot.png" in followed.output
    card = working.json("card", "show", board, 1)
    assert (card["status"], card["live"]["files"]) == ("in_review", 1)


def test_a_card_whose_file_is_refused_is_there_and_not_started(
    lazyaf: Lazyaf, checkout: Git, name: str, tmp_path: Path
) -> None:
    lazyaf("ingest", checkout.path)
    large, empty = tmp_path / "large.bin", tmp_path / "empty.txt"
    large.write_bytes(b"x" * 10_000_001)
    empty.touch()
    refused = lazyaf("card", "add", name, "-t", "T", "--start", "--attach", large)
    assert refused.exit_code == 1
    assert "#1 was added, and not started. “large.bin” is not attached: " in refused.output
    assert f"lazyaf card attach {name} 1 FILE" in refused.output
    assert lazyaf.json("card", "show", name, 1)["status"] == "todo"
    assert "“empty.txt” is empty" in lazyaf("card", "attach", name, 1, empty).output
    assert lazyaf("card", "attach", name, 1, tmp_path / "none").exit_code == 2

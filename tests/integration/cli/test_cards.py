"""`lazyaf card`: a card's whole life from a terminal."""

from __future__ import annotations

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


def test_a_card_begins_with_a_template_of_the_repository(
    lazyaf: Lazyaf, checkout: Git, name: str
) -> None:
    folder = checkout.path / ".lazyaf" / "templates"
    folder.mkdir(parents=True)
    (folder / "bug.md").write_text(
        "---\nname: Bug report\ntitle: 'Fix: '\nlabels: bug\npriority: high\nagent: claude\n"
        "model: opus\n---\nWhat happens?\n"
    )
    checkout("add", ".")
    checkout("commit", "-qm", "A template")
    lazyaf("ingest", checkout.path)
    said = ("-t", "Fix: totals", "-l", "api", "--model", "m")
    assert lazyaf("card", "add", name, "--template", "BUG", *said).exit_code == 0
    card = lazyaf.json("card", "show", name, "1")
    assert (card["title"], card["description"]) == ("Fix: totals", "What happens?")
    assert (card["labels"], card["priority"]) == (["bug", "api"], 3)
    assert (card["agent"], card["agent_options"]) == ("claude", {"model": "m"})
    assert (
        lazyaf("card", "add", name, "--template", "bug report", "--command", "true").exit_code == 0
    )
    card = lazyaf.json("card", "show", name, "2")
    assert (card["title"], card["agent"]) == ("Fix:", "script")
    assert card["agent_options"] == {"command": "true"}

    unknown = lazyaf("card", "add", name, "--template", "story")
    assert unknown.exit_code == 1
    assert "It has: Bug report." in unknown.output
    untitled = lazyaf("card", "add", name)
    assert untitled.exit_code == 2
    assert "--title" in untitled.output


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

"""Streams of the real CLI through the parser: what a person is shown, and the verdict.

The recordings are made by ``LAZYAF_RECORD_STREAMS=<directory> pytest tests/contract/agents``.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazyaf.agents.base import AgentRun, Outcome
from lazyaf.agents.claude import ClaudeAgent
from lazyaf.agents.claude.conversation import ClaudeConversation
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.entries import Entry, EntryKind

RECORDED = Path(__file__).parent / "recorded"
AT = "2026-11-20T12:00:00.000Z"
K = EntryKind


def conversation(*, session: str | None = None) -> ClaudeConversation:
    """A conversation in the work tree of the recordings, with a clock that stands still."""
    run = AgentRun(
        prompt="Do it",
        worktree=Path("/sandbox/repo"),
        home=Path("/sandbox/home"),
        session=session,
        new_session="00000000-0000-4000-8000-000000000001",
        options={},
        host_env={},
        card_env={},
    )
    ids = iter(f"id-{n}" for n in range(100))
    return ClaudeAgent(now=lambda: AT, new_id=lambda: next(ids)).converse(run)


def replay(name: str, exit_code: int) -> tuple[list[Entry], ClaudeConversation, Outcome]:
    """A whole recording."""
    talk = conversation()
    entries: list[Entry] = []
    for line in (RECORDED / f"{name}.jsonl").read_text().splitlines(keepends=True):
        entries += talk.feed(line, "stdout")
    return entries, talk, talk.outcome(exit_code)


def test_work_is_told_step_by_step() -> None:
    entries, talk, outcome = replay("edits_and_commits", 0)

    assert [(e.kind, e.name, e.text.split("\n")[0][:40]) for e in entries] == [
        (K.SYSTEM, "init", "Claude Code 2.1.327 with claude-opus-5-5"),
        (K.MESSAGE, None, "I will look at the repository first."),
        (K.TOOL_CALL, "Bash", "git status --short; ls"),
        (K.TOOL_RESULT, "Bash", "README.md"),
        (K.MESSAGE, None, "Now I write the file."),
        (K.TOOL_CALL, "Write", "card-7.txt"),
        (K.TOOL_RESULT, "Write", "File created successfully at: /sandbox/r"),
        (K.TOOL_CALL, "Edit", "card-7.txt"),
        (K.TOOL_RESULT, "Edit", "The file /sandbox/repo/card-7.txt has be"),
        (K.TOOL_CALL, "Bash", "cat card-7.txt"),
        (K.TOOL_RESULT, "Bash", "Made for: Say hello (edited)"),
        (K.TOOL_CALL, "Bash", "git add -A && git commit -m 'Do card 7'"),
        (K.TOOL_RESULT, "Bash", entries[12].text.split("\n")[0][:40]),
        (K.MESSAGE, None, "Done: the file is committed."),
        (K.USAGE, None, ""),
    ]
    assert all(e.raw for e in entries)
    assert {e.at for e in entries} == {AT}
    assert talk.is_over
    assert talk.turns_ended == 6
    assert outcome.stop_reason is StopReason.FINISHED
    assert outcome.usage == entries[-1].usage
    assert outcome.usage is not None
    assert outcome.usage.cost_usd == pytest.approx(0.0063)


def test_edits_carry_a_patch() -> None:
    entries, _, _ = replay("edits_and_commits", 0)

    created, edited = [e.detail for e in entries if e.detail and "patch" in e.detail]
    assert created == {
        "path": "card-7.txt",
        "patch": "--- /dev/null\n+++ b/card-7.txt\n@@ -0,0 +1,1 @@\n+Made for: Say hello\n",
        "additions": 1,
        "deletions": 0,
        "cut": False,
    }
    assert edited["patch"] == (
        "--- a/card-7.txt\n+++ b/card-7.txt\n@@ -1,1 +1,1 @@\n"
        "-Made for: Say hello\n+Made for: Say hello (edited)\n"
    )


def test_a_shell_command_that_edits_carries_a_patch_too() -> None:
    entries, _, _ = replay("a_resumed_session_remembers_and_counts_only_itself", 0)

    patch = next(e.detail for e in entries if e.detail and "patch" in e.detail)
    assert (patch["path"], patch["additions"], patch["deletions"]) == ("card-7.txt", 1, 0)


def test_a_resumed_run_counts_only_itself() -> None:
    _, _, outcome = replay("a_resumed_session_remembers_and_counts_only_itself", 0)

    assert outcome.usage is not None
    assert outcome.usage.input_tokens == 300
    assert outcome.usage.cost_usd == pytest.approx(0.00315)


def test_denied_tools_fail_in_spite_of_exit_0_and_success() -> None:
    entries, _, outcome = replay("denied_tools_are_a_failure_although_the_cli_says_success", 0)

    assert outcome.stop_reason is StopReason.AGENT_FAILED
    assert outcome.error is not None
    assert "Bash, Write" in outcome.error
    denied = [e.text for e in entries if e.name == "permission_denied"]
    assert denied[0].startswith("Write was denied. Claude requested permissions")
    results = [e for e in entries if e.kind is K.TOOL_RESULT and e.name == "Edit"]
    assert results[0].is_error
    assert results[0].text.startswith("File does not exist.")


def test_a_refused_key_is_named_with_its_fix() -> None:
    entries, _, outcome = replay("a_refused_key_is_named", 1)

    assert outcome.stop_reason is StopReason.AGENT_FAILED
    assert outcome.error is not None
    assert "(401). Check ANTHROPIC_API_KEY" in outcome.error
    assert entries[-1].kind is K.SYSTEM
    assert entries[-1].is_error


def test_retries_are_told_with_their_reason() -> None:
    entries, _, outcome = replay("overloads_are_told_and_survived", 0)

    retries = [e.text for e in entries if e.name == "api_retry"]
    assert retries[0].startswith("The API did not answer (overloaded, 529). Retry 1 of 2 in 0.")
    assert outcome.stop_reason is StopReason.FINISHED


def test_a_budget_still_counts_what_was_spent() -> None:
    _, _, outcome = replay("running_out_of_money_still_counts_it", 1)

    assert outcome.stop_reason is StopReason.BUDGET_EXCEEDED
    assert outcome.usage is not None
    assert outcome.usage.input_tokens == 100


def test_a_cut_connection_is_a_failure() -> None:
    _, _, outcome = replay("a_connection_that_is_always_cut_is_a_failure", 1)

    assert outcome.stop_reason is StopReason.AGENT_FAILED
    assert outcome.error is not None
    assert "Connection dropped" in outcome.error


def test_a_death_without_a_result_quotes_stderr() -> None:
    _, talk, _ = replay("sigterm_leaves_no_result", 143)
    talk.feed("something broke\n", "stderr")
    outcome = talk.outcome(-9)

    assert not talk.is_over
    assert outcome.error == ("Claude Code was ended by SIGKILL without a result.\nsomething broke")
    assert outcome.session == talk.session


def test_an_interrupt_is_not_the_end_but_the_next_result_is() -> None:
    talk = conversation()
    over: list[bool] = []
    for line in (
        (RECORDED / "an_interrupted_tool_waits_for_the_next_message.jsonl").read_text().splitlines()
    ):
        talk.feed(line, "stdout")
        if json.loads(line)["type"] == "result":
            over.append(talk.is_over)

    assert over == [False, True]
    assert talk.outcome(0).stop_reason is StopReason.FINISHED


LINES = [
    line for path in sorted(RECORDED.glob("*.jsonl")) for line in path.read_text().splitlines()
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def places(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Every place inside a JSON value."""
    items: list[tuple[object, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [(*path, key) for key, _ in items] + [
        place for key, inner in items for place in places(inner, (*path, key))
    ]


@given(st.data())
def test_no_change_of_a_known_event_makes_it_raise(data: st.DataObject) -> None:
    event = json.loads(data.draw(st.sampled_from(LINES)))
    *path, last = data.draw(st.sampled_from(places(event)))
    target = event
    for key in path:
        target = target[key]
    target[last] = data.draw(VALUES)

    talk = conversation()
    for entry in talk.feed(json.dumps(event), "stdout"):
        entry.model_dump_json()
    talk.outcome(0)


@given(st.text())
def test_no_line_makes_it_raise(line: str) -> None:
    talk = conversation()
    entries = talk.feed(line, "stdout") + talk.feed(line, "stderr")
    assert len(entries) in (0, 2)
    for entry in entries:
        entry.model_dump_json()

"""Events that no recording holds: limits, hooks, subagents, older and newer programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lazyaf.agents.base import AgentRun
from lazyaf.agents.claude import ClaudeAgent
from lazyaf.agents.claude.conversation import ClaudeConversation
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.entries import RAW_MAX, TEXT_MAX, Entry, EntryKind

K = EntryKind
SUCCESS = {"type": "result", "subtype": "success", "is_error": False, "result": "Done."}
INIT = {"type": "system", "subtype": "init", "capabilities": ["msg_lifecycle_v1"]}


@pytest.fixture
def talk() -> ClaudeConversation:
    """A fresh conversation whose messages are called ``id-0``, ``id-1`` …"""
    ids = iter(f"id-{n}" for n in range(100))
    run = AgentRun("", Path("/w"), Path("/h"), None, "new", {}, {}, {})
    return ClaudeAgent(now=lambda: "now", new_id=lambda: next(ids)).converse(run)


def feed(talk: ClaudeConversation, *events: dict[str, Any]) -> list[Entry]:
    """The entries of events."""
    return [entry for event in events for entry in talk.feed(json.dumps(event), "stdout")]


def assistant(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What the model says."""
    return {"type": "assistant", "message": {"content": list(blocks)}, **more}


def called(tool: str, call_id: str) -> dict[str, Any]:
    """A tool call."""
    return assistant({"type": "tool_use", "id": call_id, "name": tool, "input": {}})


def answered(call_id: str, *, is_error: bool = False) -> dict[str, Any]:
    """A tool's result."""
    block = {"type": "tool_result", "tool_use_id": call_id, "content": "x", "is_error": is_error}
    return {"type": "user", "message": {"content": [block]}}


def test_an_unknown_event_is_shown_as_it_is(talk: ClaudeConversation) -> None:
    event = {"type": "system", "subtype": "from_the_future", "x": 1}

    [entry] = feed(talk, event)

    assert (entry.kind, entry.name, entry.text) == (
        K.RAW,
        "system/from_the_future",
        json.dumps(event),
    )


def test_noise_on_stdout_is_shown_as_it_is(talk: ClaudeConversation) -> None:
    for line in ("npm WARN", "[1, 2]", "[" * 100_000, '{"type": '):
        [entry] = talk.feed(line, "stdout")
        assert (entry.kind, entry.text) == (K.RAW, line)


def test_thinking_and_subagents(talk: ClaudeConversation) -> None:
    thought, said = feed(
        talk,
        assistant(
            {"type": "thinking", "thinking": "Hm."},
            {"type": "text", "text": "So."},
            parent_tool_use_id="toolu_1",
        ),
    )

    assert (thought.kind, thought.text) == (K.THINKING, "Hm.")
    assert said.detail == {"parent_call_id": "toolu_1"}
    assert thought.raw is not None
    assert said.raw is None


@pytest.mark.parametrize(
    ("event", "text", "is_error"),
    [
        (
            {
                "type": "rate_limit_event",
                "rate_limit_info": {"status": "allowed_warning", "rateLimitType": "five_hour"},
            },
            "The five hour limit: allowed warning.",
            False,
        ),
        (
            {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected"}},
            "The rate limit: rejected.",
            True,
        ),
        (
            {
                "type": "system",
                "subtype": "hook_response",
                "hook_name": "Stop",
                "outcome": "error",
                "output": "no",
            },
            "Hook Stop: no",
            True,
        ),
        (
            {"type": "system", "subtype": "compact_boundary"},
            "The conversation grew long and was summarised.",
            False,
        ),
        (
            {"type": "system", "subtype": "task_started", "description": "Explore"},
            "Task started: Explore",
            False,
        ),
        (
            {"type": "system", "subtype": "api_retry", "attempt": 1, "max_retries": 6},
            "The API did not answer (no reason given). Retry 1 of 6 in 0.0 s.",
            True,
        ),
        ({"type": "user", "message": {"content": "A note."}}, "A note.", False),
    ],
)
def test_what_the_program_says(
    talk: ClaudeConversation, event: dict[str, Any], text: str, is_error: bool
) -> None:
    [entry] = feed(talk, event)

    assert (entry.kind, entry.text, entry.is_error) == (K.SYSTEM, text, is_error)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "keep_alive"},
        {"type": "control_response", "response": {}},
        {"type": "rate_limit_event", "rate_limit_info": {"status": "allowed"}},
        {"type": "system", "subtype": "hook_response", "outcome": "success", "output": ""},
    ],
)
def test_what_tells_nothing_makes_no_entry(talk: ClaudeConversation, event: dict[str, Any]) -> None:
    assert feed(talk, event) == []


def test_long_words_are_cut_and_surrogates_replaced(talk: ClaudeConversation) -> None:
    text = {"type": "text", "text": "\ud800" + "x" * RAW_MAX}
    [entry] = feed(talk, assistant(text))

    assert TEXT_MAX - 60 < len(entry.text) <= TEXT_MAX
    assert entry.text.endswith("more characters were cut here.")
    assert entry.raw is not None
    assert len(entry.raw) == RAW_MAX
    assert entry.model_dump_json()


def test_a_message_keeps_it_open_until_a_result_takes_it_in(talk: ClaudeConversation) -> None:
    feed(talk, INIT)
    talk.message("Also this")
    feed(talk, SUCCESS)
    assert not talk.is_over

    feed(talk, {**SUCCESS, "user_message_uuids": ["id-0"]})
    assert talk.is_over


def test_a_message_in_the_course_of_a_turn_keeps_it_open_until_the_result(
    talk: ClaudeConversation,
) -> None:
    done = {"type": "command_lifecycle", "state": "completed", "command_uuid": "id-0"}
    feed(talk, INIT)
    talk.message("Also this")
    feed(talk, done)
    assert not talk.is_over

    feed(talk, SUCCESS)
    assert talk.is_over


def test_an_older_program_answers_everything_with_its_next_result(
    talk: ClaudeConversation,
) -> None:
    feed(talk, {"type": "system", "subtype": "init"})
    talk.message("Also this")
    feed(talk, SUCCESS)

    assert talk.is_over


def test_a_turn_that_begins_after_a_result_needs_one_of_its_own(talk: ClaudeConversation) -> None:
    feed(talk, INIT, SUCCESS, INIT)
    assert not talk.is_over
    assert talk.outcome(143).stop_reason is StopReason.AGENT_FAILED


def test_a_message_that_was_lost_with_the_process_is_a_failure(talk: ClaudeConversation) -> None:
    feed(talk, INIT)
    talk.message("Also this")
    feed(talk, SUCCESS)

    assert talk.outcome(1).stop_reason is StopReason.AGENT_FAILED
    assert talk.outcome(0).stop_reason is StopReason.FINISHED


def test_how_it_ends_after_its_result_does_not_matter(talk: ClaudeConversation) -> None:
    feed(talk, INIT, SUCCESS)

    assert talk.outcome(143).stop_reason is StopReason.FINISHED


def test_a_tool_that_worked_after_it_was_denied_is_forgiven(talk: ClaudeConversation) -> None:
    denial = {"tool_name": "Bash", "tool_use_id": "a"}
    feed(talk, INIT, called("Bash", "a"), answered("a", is_error=True))
    feed(talk, called("Bash", "b"), answered("b"), {**SUCCESS, "permission_denials": [denial]})

    assert talk.outcome(0).stop_reason is StopReason.FINISHED


def test_a_tool_that_worked_before_it_was_denied_is_not(talk: ClaudeConversation) -> None:
    denial = {"tool_name": "Bash", "tool_use_id": "b"}
    feed(talk, INIT, called("Bash", "a"), answered("a"))
    feed(talk, called("Bash", "b"), answered("b", is_error=True))
    feed(talk, {**SUCCESS, "permission_denials": [denial]})

    assert talk.outcome(0).stop_reason is StopReason.AGENT_FAILED


def test_a_tool_that_needs_a_person_may_be_denied(talk: ClaudeConversation) -> None:
    denial = {"tool_name": "AskUserQuestion", "tool_use_id": "a"}
    feed(talk, INIT, {**SUCCESS, "permission_denials": [denial]})

    assert talk.outcome(0).stop_reason is StopReason.FINISHED


def test_an_interrupt_that_nobody_answers_is_a_failure(talk: ClaudeConversation) -> None:
    stopped = {"type": "result", "subtype": "error_during_execution", "is_error": True}
    feed(talk, INIT, {**stopped, "terminal_reason": "aborted_streaming"})

    assert not talk.is_over
    outcome = talk.outcome(0)
    assert outcome.stop_reason is StopReason.AGENT_FAILED
    assert outcome.error == "It was interrupted and nobody told it to go on."


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"api_error_status": 404}, "The API does not know what was asked for (404)."),
        ({"api_error_status": 418, "result": "tea"}, "error (418). It said: tea"),
        ({"result": "Something odd"}, "Something odd"),
        ({"subtype": "error_new"}, "Claude Code reported an error (error_new)."),
    ],
)
def test_errors_have_words(talk: ClaudeConversation, result: dict[str, Any], words: str) -> None:
    feed(talk, INIT, {"type": "result", "subtype": "success", "is_error": True, **result})

    assert words in (talk.outcome(1).error or "")


def test_an_older_programs_usage_is_summed_and_its_cost_a_difference(
    talk: ClaudeConversation,
) -> None:
    first = {**SUCCESS, "usage": {"input_tokens": 10}, "total_cost_usd": 0.5, "num_turns": 2}
    second = {**SUCCESS, "usage": {"input_tokens": 5}, "total_cost_usd": 0.7, "num_turns": 1}
    feed(talk, INIT, first, INIT, second)

    usage = talk.outcome(0).usage

    assert usage is not None
    assert (usage.input_tokens, usage.turns) == (15, 3)
    assert usage.cost_usd == pytest.approx(0.7)


def test_nothing_but_blank_lines_is_nothing(talk: ClaudeConversation) -> None:
    assert talk.feed("\n", "stdout") == []
    assert talk.outcome(None).error == "Claude Code could not be started."
    assert talk.outcome(None).usage is None


def test_an_interrupt_is_a_control_request(talk: ClaudeConversation) -> None:
    request = json.loads(talk.interrupt())

    assert request["type"] == "control_request"
    assert request["request"] == {"subtype": "interrupt"}


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_key_that_is_refused_twice_ends_the_run(talk: ClaudeConversation, status: int) -> None:
    retry = {"type": "system", "subtype": "api_retry", "error_status": status, "max_retries": 6}
    feed(talk, {**retry, "attempt": 1})
    assert not talk.is_over

    feed(talk, {**retry, "attempt": 2})

    assert talk.is_over
    outcome = talk.outcome(-15)
    assert outcome.stop_reason is StopReason.AGENT_FAILED
    assert outcome.error is not None
    assert f"({status})" in outcome.error


def test_an_overloaded_api_is_asked_again(talk: ClaudeConversation) -> None:
    retry = {"type": "system", "subtype": "api_retry", "error_status": 529, "max_retries": 6}
    for attempt in (1, 2, 3):
        feed(talk, {**retry, "attempt": attempt})

    assert not talk.is_over

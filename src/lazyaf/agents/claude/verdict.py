"""What a run of Claude Code came to, in a sentence that says what to do.

The exit code alone lies: it is 0 when every tool was denied and when an API call was interrupted,
and a refused key is a result of subtype ``success``. So a run succeeded when a result was seen that
is no error and no tool that the work needed was denied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from lazyaf.agents.death import how_it_died
from lazyaf.agents.loose import Object, integer, string, strings
from lazyaf.domain.jobs import StopReason

Verdict = tuple[StopReason, str | None]

NEEDS_A_PERSON: Final = frozenset({"AskUserQuestion", "EnterPlanMode", "ExitPlanMode"})
"""Tools that are always denied here, since nobody sits in front of the agent; it goes on without."""

API_REASONS: Final[Mapping[int, str]] = {
    400: "The API refused the request (400).",
    401: "The API key was refused (401). Check ANTHROPIC_API_KEY (or the token that is set instead), "
    "restart LazyAF with the right one, then retry.",
    402: "The API asks for payment (402). Check the billing of the account, then retry.",
    403: "The API key may not do this (403). Check the key's permissions and the model's name, then "
    "retry.",
    404: "The API does not know what was asked for (404). Check the model's name and "
    "ANTHROPIC_BASE_URL, then retry.",
    413: "The request was too large for the API (413). Split the card, then retry.",
    429: "The API's rate limit was reached (429). Wait until it resets or raise it, then retry: it "
    "continues.",
    500: "The API had an internal error (500). Retry: it continues.",
    503: "The API is not available (503). Retry in a while: it continues.",
    529: "The API is overloaded (529). Retry in a while: it continues.",
}

LIMITED: Final = frozenset({429, 503, 529})
"""Answers of the API that pass by themselves."""

_BUDGETS: Final[Mapping[str, str]] = {
    "error_max_turns": "The agent used up its turns",
    "error_max_budget_usd": "The agent used up its budget",
}
_LOST_SESSION: Final = "No conversation found with session ID"


def of_result(result: Object, refused: Iterable[str]) -> Verdict:
    """The verdict on a result event; ``refused`` are tools that were denied and never worked after."""
    words = _words(result)
    subtype = string(result, "subtype")
    if subtype in _BUDGETS:
        return StopReason.BUDGET_EXCEEDED, f"{_BUDGETS[subtype]}. {words}".strip()
    if was_interrupted(result):
        return StopReason.AGENT_FAILED, "It was interrupted and nobody told it to go on."
    if result.get("is_error") is not False or subtype != "success":
        return StopReason.AGENT_FAILED, _error(result, words)
    denied = sorted(set(refused) - NEEDS_A_PERSON)
    if denied:
        return StopReason.AGENT_FAILED, (
            f"Claude Code denied the agent its tools: {', '.join(denied)}. Look for a deny rule, a "
            "hook or a managed policy on this machine, then retry."
        )
    return StopReason.FINISHED, None


def of_death(exit_code: int | None, last_words: Sequence[str]) -> Verdict:
    """The verdict on a process that ended without a result."""
    said = "\n".join(last_words)
    reason = f"Claude Code {how_it_died(exit_code)}"
    reason += " without a result." if exit_code is not None else "."
    return StopReason.AGENT_FAILED, f"{reason}\n{said}" if said else reason


def was_interrupted(result: Object) -> bool:
    """Whether the turn was ended by an interrupt: the session can go on."""
    return string(result, "terminal_reason").startswith("aborted")


def was_limited(result: Object) -> bool:
    """Whether the API took no more for now."""
    return result.get("is_error") is True and integer(result, "api_error_status") in LIMITED


def has_lost_session(result: Object) -> bool:
    """Whether the session that it was to resume is not there, or is not readable."""
    return result.get("is_error") is True and _LOST_SESSION in _words(result)


def _words(result: Object) -> str:
    return " ".join([*strings(result, "errors"), string(result, "result")]).strip()


def _error(result: Object, words: str) -> str:
    status = integer(result, "api_error_status")
    if status:
        reason = API_REASONS.get(status, f"The API answered with an error ({status}).")
        return f"{reason} It said: {words}" if words else reason
    if _LOST_SESSION in words:
        return "The agent's earlier session is not here any more. Retry with a fresh session."
    return words or f"Claude Code reported an error ({string(result, 'subtype') or 'unknown'})."

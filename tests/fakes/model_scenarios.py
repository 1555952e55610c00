"""What the fake model says: every scenario by its name in the URL.

A scenario is a function of `Seen` that returns the next `Turn`. Most are a list of turns, of which
`by_round` picks one by counting the assistant messages since the round's prompt; so a resumed
session starts its new round at the first turn again.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable
from typing import Any

from fakes.model_turns import Seen, Turn, bash, call, text

Scenario = Callable[[Seen], Turn]
_ATTACHED = re.compile(r"^- `(/[^`]+)` \(", re.MULTILINE)
"""A file in a prompt's list of those that came with the card."""


def by_round(make: Callable[[Seen], list[Turn]]) -> Scenario:
    """A scenario that is a list of turns for each round; past its end it says so and stops."""

    def scenario(seen: Seen) -> Turn:
        turns = make(seen)
        return turns[seen.turn] if seen.turn < len(turns) else Turn([text("That is all.")])

    return scenario


def _commit(message: str) -> dict[str, Any]:
    return bash(f"git add -A && git commit -m {shlex.quote(message)}", "Commit the work")


def _file(seen: Seen) -> str:
    return str(seen.params.get("file", f"card-{seen.card[0]}.txt"))


def _edit(seen: Seen) -> list[Turn]:
    """Looks, writes a file, edits it with the real tools and runs a command."""
    path = f"{seen.directory}/{_file(seen)}"
    content = str(seen.params.get("content", f"Made for: {seen.card[1]}\n"))
    first = content.split("\n", 1)[0]
    return [
        Turn([text("I will look at the repository first."), bash("git status --short; ls")]),
        Turn([text("Now I write the file."), call("Write", file_path=path, content=content)]),
        Turn([call("Edit", file_path=path, old_string=first, new_string=f"{first} (edited)")]),
        Turn([bash(str(seen.params.get("command", f"cat {shlex.quote(_file(seen))}")))]),
    ]


def _answer_review(seen: Seen) -> list[Turn]:
    """Answers a later round by adding a line to the file, and commits."""
    file = shlex.quote(_file(seen))
    return [
        Turn([text("I read the review."), bash(f"echo answered >> {file}; cat {file}")]),
        Turn([_commit("Answer the review")]),
        Turn([text("I answered every comment.")]),
    ]


def edit_and_commit(seen: Seen) -> list[Turn]:
    """The happy path; a later round answers the review."""
    if len(seen.rounds) > 1 or "## What to do now" in seen.prompts[-1]:
        return _answer_review(seen)
    message = str(seen.params.get("message", f"Do card {seen.card[0]}"))
    return [*_edit(seen), Turn([_commit(message)]), Turn([text("Done: the file is committed.")])]


def edit_no_commit(seen: Seen) -> list[Turn]:
    """Leaves its work uncommitted."""
    return [*_edit(seen), Turn([text("Done, but I forgot to commit.")])]


def no_changes(seen: Seen) -> list[Turn]:
    """Only talks."""
    return [Turn([text(str(seen.params.get("answer", "Nothing needs to change.")))])]


def overloaded_then_fine(seen: Seen) -> Turn:
    """529 twice, then the happy path."""
    if seen.attempt < 2:
        return Turn(status=529, reason="Overloaded")
    return by_round(edit_and_commit)(seen)


def limited_once(seen: Seen) -> Turn:
    """The limit of a subscription, met once: it ends the seconds in ``resets_in`` after that."""
    resets_at = int(time.time()) + int(seen.params["resets_in"])
    if seen.attempt < 1:
        prefix = "anthropic-ratelimit-unified"
        return Turn(
            status=429,
            reason="This request would exceed your account's rate limit.",
            headers={
                f"{prefix}-status": "rejected",
                f"{prefix}-reset": str(resets_at),
                f"{prefix}-representative-claim": "five_hour",
                f"{prefix}-5h-status": "rejected",
                f"{prefix}-5h-reset": str(resets_at),
                "retry-after": str(seen.params["resets_in"]),
                "x-should-retry": "false",
            },
        )
    return by_round(edit_and_commit)(seen)


def slow(seen: Seen) -> list[Turn]:
    """Stops in the middle of a sentence until the gate is released, then takes the happy path.

    The gate is called ``slow`` unless the parameter ``gate`` says otherwise.
    """
    gate = str(seen.params.get("gate", "slow"))
    first = Turn([text("Let me think about this for a while."), bash("true")], gate=gate)
    return [first, *edit_and_commit(seen)]


def slow_tool(seen: Seen) -> list[Turn]:
    """Runs a command that waits until a file ``go`` (or parameter) appears in the work tree."""
    wait = str(seen.params.get("wait", "until [ -e go ]; do sleep 0.05; done; echo gone"))
    return [Turn([text("This takes a while."), bash(wait)]), Turn([text("It is over.")])]


def crash(seen: Seen) -> list[Turn]:
    """The agent's shell kills the agent."""
    return [Turn([bash("kill -9 $PPID")]), Turn([text("I should be dead.")])]


def thinking(seen: Seen) -> list[Turn]:
    """Thinks aloud before it answers."""
    return [Turn([{"type": "thinking", "thinking": "Hmm, what is asked?"}, text("An answer.")])]


def commands(seen: Seen) -> list[Turn]:
    """Runs the card's own ``commands``, one each turn, and says its ``last_words``: for tests that need
    something special."""
    lines = [str(line) for line in seen.params.get("commands", [])]
    last = str(seen.params.get("last_words", "All commands were run."))
    return [*(Turn([bash(line)]) for line in lines), Turn([text(last)])]


def look_at_files(seen: Seen) -> list[Turn]:
    """Reads every file that came with the card."""
    paths = _ATTACHED.findall(seen.prompts[-1])
    return [*(Turn([call("Read", file_path=path)]) for path in paths), Turn([text("I saw them.")])]


def delegate(seen: Seen) -> list[Turn]:
    """Asks a sub-agent and runs a command that says more than a model is shown: both leave files of
    their own beside the session."""
    if "You are the sub-agent." in seen.prompts[0]:
        return [Turn([text("I looked around.")])]
    ask = call(
        "Agent",
        description="Look around",
        prompt="You are the sub-agent.",
        subagent_type="general-purpose",
    )
    return [Turn([ask]), Turn([bash("seq 1 200000")]), Turn([text("I know enough.")])]


def escape(seen: Seen) -> list[Turn]:
    """Tries to get out; the card says what of: ``{api, card, token_file, remote, other, data_dir}``.

    Every attempt prints what it got, so that a test can look for secrets in the results.
    """
    p = {key: shlex.quote(str(value)) for key, value in seen.params.items()}
    api, data = p.get("api", "http://127.0.0.1:8100"), p.get("data_dir", "/var/lib/lazyaf")
    card, token = p.get("card", "none"), p.get("token_file", f"{data}/token")
    body = '"{\\"head_sha\\": \\"$(git rev-parse HEAD)\\"}"'
    curl = f"curl -sS -m 5 -X POST -H 'Content-Type: application/json' -d {body}"
    attempts = [
        f"{curl} -w 'HTTP %{{http_code}}' {api}/api/cards/{card}/approve",
        f"{curl} -w 'HTTP %{{http_code}}' -H \"Authorization: Bearer $(cat {token})\" "
        f"{api}/api/cards/{card}/approve",
        f"git push {p.get('remote', 'origin')} HEAD:main",
        f"GIT_TERMINAL_PROMPT=0 git clone {p.get('other', api + '/git/other.git')} stolen",
        "cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep -i -E 'lazyaf|token' | sort -u",
        f"ls -la {data}; cat {data}/* {token}",
        "env | sort",
    ]
    tried = [Turn([bash(f"{attempt}; echo exit=$?")]) for attempt in attempts]
    return [*tried, Turn([text("I tried to get out.")])]


SCENARIOS: dict[str, Scenario] = {
    "edit-and-commit": by_round(edit_and_commit),
    "followup": by_round(edit_and_commit),
    "edit-no-commit": by_round(edit_no_commit),
    "no-changes": by_round(no_changes),
    "unauthorized": lambda seen: Turn(status=401, reason="invalid x-api-key"),
    "rate-limited": lambda seen: Turn(status=429, reason="Rate limited"),
    "overloaded": lambda seen: Turn(status=529, reason="Overloaded"),
    "server-error": lambda seen: Turn(status=500, reason="Internal server error"),
    "overloaded-then-fine": overloaded_then_fine,
    "limited-once": limited_once,
    "slow": by_round(slow),
    "slow-tool": by_round(slow_tool),
    "hang": lambda seen: Turn(gate=str(seen.params.get("gate", "hang")), status=500),
    "cut": lambda seen: Turn([text("This sentence never")], cut=True),
    "crash": by_round(crash),
    "thinking": by_round(thinking),
    "commands": by_round(commands),
    "look-at-files": by_round(look_at_files),
    "delegate": by_round(delegate),
    "escape": by_round(escape),
}
"""Every scenario by the name in the URL."""

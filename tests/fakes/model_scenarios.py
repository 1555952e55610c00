"""What the fake model says: scenarios as lists of turns, and what they can see of the request.

A scenario is a function of `Seen` that returns the next `Turn`. Most are a list of turns, of which
`by_round` picks one by counting the assistant messages since the round's prompt; so a resumed
session starts its new round at the first turn again.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

_JSON_BLOCK = re.compile(r"```json\s*\n(.*?)\n\s*```", re.DOTALL)
_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)
_DIRECTORY = re.compile(r"[Ww]orking directory: (\S+)")
_CARD = re.compile(r"Card #(\d+): (.*)")


@dataclass
class Turn:
    """One answer of the model.

    ``status`` answers with an HTTP error instead. A ``gate`` holds the stream after its first
    piece (or the whole answer when there are no blocks) until it is released; ``cut`` breaks the
    connection there.
    """

    blocks: list[dict[str, Any]] = field(default_factory=list)
    status: int | None = None
    reason: str = "scripted"
    headers: dict[str, str] = field(default_factory=dict)
    gate: str | None = None
    cut: bool = False
    input_tokens: int = 100
    output_tokens: int = 20
    cache_read_tokens: int = 1000
    cache_write_tokens: int = 10

    @property
    def stop_reason(self) -> str:
        """As the API says it."""
        return "tool_use" if any(b["type"] == "tool_use" for b in self.blocks) else "end_turn"


@dataclass
class Seen:
    """A request as the fake sees it. ``attempt`` counts the turns asked for in this run before."""

    run: str
    body: dict[str, Any]
    headers: dict[str, str]
    attempt: int = 0

    @property
    def is_turn(self) -> bool:
        """Whether this is the agent's loop; titles and summaries come without tools."""
        return bool(self.body.get("tools"))

    @property
    def scenario(self) -> str:
        """Named in the prompt's JSON block, else in the path."""
        named = self.params.get("scenario")
        return named if isinstance(named, str) else self.run.split("/", 1)[0]

    @cached_property
    def rounds(self) -> list[int]:
        """Indexes of the messages that begin a round: the first, and those after a final word."""
        messages = self.body["messages"]
        return [
            index
            for index, message in enumerate(messages)
            if message["role"] == "user" and (index == 0 or not _calls_tools(messages[index - 1]))
        ]

    @cached_property
    def turn(self) -> int:
        """How often the model has spoken in this round."""
        messages = self.body["messages"][self.rounds[-1] :]
        return sum(message["role"] == "assistant" for message in messages)

    @cached_property
    def prompts(self) -> list[str]:
        """What the person said at the start of each round, without the agent's own reminders."""
        return [_text_of(self.body["messages"][index]) for index in self.rounds]

    @cached_property
    def said(self) -> str:
        """All the user's text of the whole conversation, without tool results."""
        return "\n".join(_text_of(m) for m in self.body["messages"] if m["role"] == "user")

    @cached_property
    def params(self) -> dict[str, Any]:
        """The JSON block of the newest prompt that has one."""
        for prompt in reversed(self.prompts):
            for block in reversed(_JSON_BLOCK.findall(prompt)):
                value = json.loads(block)
                if isinstance(value, dict):
                    return value
        return {}

    @cached_property
    def directory(self) -> str:
        """The agent's working directory, which the real CLI tells its model."""
        found = _DIRECTORY.search(json.dumps(self.body).replace("\\n", "\n"))
        return found.group(1).rstrip('"\\,') if found else "."

    @cached_property
    def card(self) -> tuple[str, str]:
        """Number and title of the card in the prompt."""
        found = _CARD.search(self.prompts[0])
        return (found.group(1), found.group(2).strip()) if found else ("0", "no card")

    @cached_property
    def results(self) -> list[dict[str, Any]]:
        """The tool results so far: ``{tool_use_id, content, is_error}``."""
        return [
            block
            for message in self.body["messages"]
            if isinstance(message["content"], list)
            for block in message["content"]
            if block["type"] == "tool_result"
        ]

    def summary(self) -> dict[str, Any]:
        """For ``GET /_requests``."""
        return {
            "run": self.run,
            "scenario": self.scenario if self.is_turn else None,
            "turn": self.turn if self.is_turn else None,
            "prompts": self.prompts if self.is_turn else [],
            "results": self.results,
        }


Scenario = Callable[[Seen], Turn]


def text(words: str) -> dict[str, Any]:
    """A text block."""
    return {"type": "text", "text": words}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """A tool call."""
    return {"type": "tool_use", "name": name, "input": arguments}


def bash(command: str, description: str = "Run a command") -> dict[str, Any]:
    """A call of the shell tool."""
    return call("Bash", command=command, description=description)


def by_round(make: Callable[[Seen], list[Turn]]) -> Scenario:
    """A scenario that is a list of turns for each round; past its end it says so and stops."""

    def scenario(seen: Seen) -> Turn:
        turns = make(seen)
        return turns[seen.turn] if seen.turn < len(turns) else Turn([text("That is all.")])

    return scenario


def _calls_tools(message: dict[str, Any]) -> bool:
    if message["role"] != "assistant" or isinstance(message["content"], str):
        return message["role"] != "assistant"
    return any(block["type"] == "tool_use" for block in message["content"])


def _text_of(message: dict[str, Any]) -> str:
    content = message["content"]
    blocks = [text(content)] if isinstance(content, str) else content
    words = "\n".join(block["text"] for block in blocks if block["type"] == "text")
    return _REMINDER.sub("", words).strip()


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


def slow(seen: Seen) -> list[Turn]:
    """Stops in the middle of a sentence until the gate (``slow``) is released, then works."""
    gate = str(seen.params.get("gate", "slow"))
    return [Turn([text("Let me think about this for a while.")], gate=gate), *_edit(seen)]


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
    """Runs the card's own ``commands``, one each turn: for tests that need something special."""
    lines = [str(line) for line in seen.params.get("commands", [])]
    return [*(Turn([bash(line)]) for line in lines), Turn([text("All commands were run.")])]


def escape(seen: Seen) -> list[Turn]:
    """Tries to get out; the card says what of: ``{api, card, token_file, remote, other, data_dir}``.

    Every attempt prints what it got, so that a test can look for secrets in the results.
    """
    p = {key: shlex.quote(str(value)) for key, value in seen.params.items()}
    api, data = p.get("api", "http://127.0.0.1:8100"), p.get("data_dir", "/var/lib/lazyaf")
    card, token = p.get("card", "none"), p.get("token_file", f"{data}/token")
    curl = "curl -sS -m 5 -X POST -H 'Content-Type: application/json' -d '{}'"
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
    "slow": by_round(slow),
    "slow-tool": by_round(slow_tool),
    "hang": lambda seen: Turn(gate="hang", status=500, reason="hung"),
    "cut": lambda seen: Turn([text("This sentence never")], cut=True),
    "crash": by_round(crash),
    "thinking": by_round(thinking),
    "commands": by_round(commands),
    "escape": by_round(escape),
}
"""Every scenario by the name in the URL."""

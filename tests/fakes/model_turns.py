"""The words of a scenario: what the fake sees of a request (`Seen`) and what it can answer (`Turn`)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lazyaf.agents.trial import PROMPT

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
        """Whether this is the agent's loop; titles and summaries come without tools, as does the one word
        that a person asks for as a test."""
        return bool(self.body.get("tools")) or PROMPT in str(self.body["messages"])

    @property
    def scenario(self) -> str:
        """Named in the prompt's JSON block, else in the path."""
        named = self.params.get("scenario")
        return named if isinstance(named, str) else self.run.split("/", 1)[0]

    @cached_property
    def dialogue(self) -> list[dict[str, Any]]:
        """The messages of user and model; the CLI puts its own between them, as ``system``."""
        return [m for m in self.body["messages"] if m["role"] in ("user", "assistant")]

    @cached_property
    def rounds(self) -> list[int]:
        """Indexes in the dialogue that begin a round: the first, and those after a final word."""
        return [
            index
            for index, message in enumerate(self.dialogue)
            if message["role"] == "user" and (index == 0 or _is_final(self.dialogue[index - 1]))
        ]

    @cached_property
    def turn(self) -> int:
        """How often the model has spoken in this round."""
        return sum(m["role"] == "assistant" for m in self.dialogue[self.rounds[-1] :])

    @cached_property
    def prompts(self) -> list[str]:
        """What the person said at the start of each round, without the agent's own reminders."""
        return [_REMINDER.sub("", _text_of(self.dialogue[index])).strip() for index in self.rounds]

    @cached_property
    def said(self) -> str:
        """All text of the conversation that is not the model's; a message that the CLI folds into
        a turn is in one of its own messages."""
        return "\n".join(_text_of(m) for m in self.body["messages"] if m["role"] != "assistant")

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
            for message in self.dialogue
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


def text(words: str) -> dict[str, Any]:
    """A text block."""
    return {"type": "text", "text": words}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """A tool call."""
    return {"type": "tool_use", "name": name, "input": arguments}


def bash(command: str, description: str = "Run a command") -> dict[str, Any]:
    """A call of the shell tool."""
    return call("Bash", command=command, description=description)


def _is_final(message: dict[str, Any]) -> bool:
    if message["role"] != "assistant":
        return False
    content = message["content"]
    return isinstance(content, str) or all(block["type"] != "tool_use" for block in content)


def _text_of(message: dict[str, Any]) -> str:
    content = message["content"]
    blocks = [text(content)] if isinstance(content, str) else content
    return "\n".join(block["text"] for block in blocks if block["type"] == "text")


def pieces_of(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """How the API streams a block: an empty one, then its content in pieces."""
    if block["type"] == "tool_use":
        pieces = _halves(json.dumps(block["input"]))
        return {**block, "input": {}}, [
            {"type": "input_json_delta", "partial_json": p} for p in pieces
        ]
    if block["type"] == "thinking":
        start = {"type": "thinking", "thinking": "", "signature": ""}
        told = [{"type": "thinking_delta", "thinking": p} for p in _halves(block["thinking"])]
        return start, [*told, {"type": "signature_delta", "signature": "fake"}]
    start = {"type": "text", "text": ""}
    return start, [{"type": "text_delta", "text": p} for p in _halves(block["text"])]


def _halves(words: str) -> list[str]:
    half = max(1, len(words) // 2)
    return [words[:half], words[half:]]

"""Log entries: the one normalised form in which every agent's doings are told.

The runner numbers entries per job and attempt (``src_seq``, from 1); the server assigns the job-wide
``seq``. The agent's own line, when there was one, travels beside it in ``raw``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, NotRequired

from pydantic import BaseModel, ConfigDict, Field, with_config
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

TEXT_MAX: Final = 256 * 1024
"""Characters in one entry's text; longer output is cut by the runner, which says so."""
RAW_MAX: Final = 512 * 1024
"""Characters of an agent's raw line kept beside the entry."""


UNHEARD: Final = (
    "The agent had ended before it could hear this. Say it again when the card is started next."
)
"""What is answered to a message that came too late."""
IDLE: Final = "There is nothing to interrupt: the agent is not at work now."


class EntryKind(StrEnum):
    """What an entry is."""

    PHASE = "phase"
    """A step of the runner: ``name`` is one of `Phase`."""
    MESSAGE = "message"
    """The agent's words, Markdown in ``text``."""
    THINKING = "thinking"
    TOOL_CALL = "tool_call"
    """``name`` is the tool, ``call_id`` pairs it with its result, ``text`` is one line that says what
    it does (``npm test``), ``input`` the arguments."""
    TOOL_RESULT = "tool_result"
    """``call_id`` of the call, ``text`` its output, ``is_error``; ``detail`` may hold a patch."""
    USER = "user"
    """What a person (or the prompt) said to the agent."""
    SYSTEM = "system"
    """The agent program or LazyAF itself speaking."""
    USAGE = "usage"
    """``usage`` so far in this run."""
    GIT = "git"
    """A commit, push or checkpoint; ``detail`` holds ``sha`` and ``subject``."""
    STDOUT = "stdout"
    STDERR = "stderr"
    RAW = "raw"
    """A line of the agent that LazyAF does not know; shown as it is."""


class Phase(StrEnum):
    """Where a job is; shown as the card's phase bar in this order."""

    QUEUED = "queued"
    FETCHING = "fetching"
    SETUP = "setup"
    WORKING = "working"
    CHECKING = "checking"
    """In place of working, where a job has no agent but checks."""
    PUSHING = "pushing"


class Usage(BaseModel):
    """What a run used. Token counts and dollars are of this run, never cumulative over resumes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input_tokens: int = Field(0, ge=0)
    output_tokens: int = Field(0, ge=0)
    cache_read_tokens: int = Field(0, ge=0)
    cache_write_tokens: int = Field(0, ge=0)
    cost_usd: float = Field(0.0, ge=0)
    turns: int = Field(0, ge=0)
    duration_ms: int = Field(0, ge=0)


def add_usage(one: Usage | None, other: Usage | None) -> Usage | None:
    """What two runs used together."""
    if one is None or other is None:
        return one or other
    return Usage(**{name: getattr(one, name) + getattr(other, name) for name in Usage.model_fields})


Text = Annotated[str, Field(max_length=TEXT_MAX)]
Word = Annotated[str, Field(max_length=200)]
Raw = Annotated[str, Field(max_length=RAW_MAX)]
At = Annotated[str, Field(max_length=40, description="ISO 8601 UTC time on the runner's clock.")]


class Entry(BaseModel):
    """One thing that happened in a job, as the runner sends it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: At
    kind: EntryKind
    text: Text = ""
    name: Word | None = None
    call_id: Word | None = None
    input: dict[str, object] | None = None
    is_error: bool = False
    detail: dict[str, object] | None = None
    usage: Usage | None = None
    raw: Raw | None = None


@with_config(ConfigDict(extra="forbid"))
class EntryFields(TypedDict):
    """An `Entry` as the server takes it in: validated alike, but plain values, which cost half of what
    objects do. What was left out is left out."""

    at: At
    kind: EntryKind
    text: NotRequired[Text]
    name: NotRequired[Word | None]
    call_id: NotRequired[Word | None]
    input: NotRequired[dict[str, object] | None]
    is_error: NotRequired[bool]
    detail: NotRequired[dict[str, object] | None]
    usage: NotRequired[Usage | None]
    raw: NotRequired[Raw | None]


class StoredEntry(Entry):
    """An entry as the server keeps it."""

    seq: int = Field(ge=1, description="Job-wide number, without gaps.")
    attempt: int = Field(ge=0)

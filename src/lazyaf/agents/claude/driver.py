"""Finds Claude Code, says whether it can run, and how it is started."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from lazyaf.agents.base import AgentRun, Launch, SessionFile
from lazyaf.agents.claude.conversation import ClaudeConversation, user_message
from lazyaf.agents.entries import clean, utc_now
from lazyaf.agents.environment import (
    agent_env,
    certificate_paths,
    chosen_env,
    chosen_names,
    secrets_in,
)
from lazyaf.domain.errors import Invalid, Unavailable
from lazyaf.domain.sandboxes import AgentNeeds
from lazyaf.protocol.messages import AgentOffer

BIN: Final = "LAZYAF_CLAUDE_BIN"
KEYS: Final = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")
"""Any of these lets it in."""
VERSION_FILE: Final = "LAZYAF_CLAUDE_VERSION_FILE"
"""Where an image has written what the program in it says: starting it to ask costs each container."""
CLOUDS: Final = (
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
)
"""Named in ``LAZYAF_AGENT_ENV``, these stand in for a key: the cloud's own variables let it in."""
API: Final = "https://api.anthropic.com"
PASSED: Final = (*KEYS, "ANTHROPIC_BASE_URL")

SETTINGS: Final[Mapping[str, str]] = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_AUTOUPDATER": "1",
    # About 35 s of retries with its back-off; the default of ten takes three minutes to say no.
    "CLAUDE_CODE_MAX_RETRIES": "6",
    # A task in the background would outlive the result that ends the run, and be lost.
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
}
"""Defaults; a person overrides one by naming it in ``LAZYAF_AGENT_ENV``."""

REFUSED_TOOLS: Final = (
    "EnterWorktree",  # leaves the card's branch and work tree
    "ExitWorktree",
    "CronCreate",  # waits for a time after the run
    "CronDelete",
    "CronList",
    "ScheduleWakeup",
    "Monitor",  # goes on in the background, and ends with the run
    "Workflow",
    "ListAgents",  # finds and talks to other agents on this machine
    "SendMessage",
)
"""Tools that reach outside the run."""

SHELLS: Final = ("bash", "zsh")
"""It runs commands with one of these alone."""
OWN_SHELL: Final = Path("shell", "bash")
"""Where the runner's image has one, beside the directory of the program."""

PROJECTS: Final = (".claude", "projects")
FOLDER_MAX: Final = 200
"""It cuts the name of a directory there, and adds a hash that nothing depends on."""
_SESSION: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OTHER: Final = re.compile(r"[^A-Za-z0-9]")

VERSION_TIMEOUT_S: Final = 30.0
_EXTRA_PACKAGE: Final = "claude_agent_sdk"
_INSTALL: Final = (
    "Install it with `pip install 'lazyaf[claude]'` or `npm install -g @anthropic-ai/claude-code`, "
    f"or point {BIN} at the program; then restart the runner."
)
_NO_KEY: Final = (
    "Set ANTHROPIC_API_KEY (or CLAUDE_CODE_OAUTH_TOKEN, made by `claude setup-token`) in the "
    "environment of LazyAF and restart it. A login of your own in ~/.claude is not used: every job "
    "has a home directory of its own."
)


class ClaudeAgent:
    """Claude Code."""

    name = "claude"
    title = "Claude Code"

    def __init__(
        self,
        now: Callable[[], str] = utc_now,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._now = now
        self._new_id = new_id

    def needs(self, host_env: Mapping[str, str]) -> AgentNeeds:
        """Its key, what a person chose to pass on, and the model's API."""
        passed = {name: host_env[name] for name in PASSED if host_env.get(name)}
        api = urlsplit(host_env.get("ANTHROPIC_BASE_URL") or API)
        port = api.port or (80 if api.scheme == "http" else 443)
        return AgentNeeds({**chosen_env(host_env), **passed}, (f"{api.hostname}:{port}",))

    def offer(self, host_env: Mapping[str, str]) -> AgentOffer:
        """Available when the program is found, answers ``--version`` and has a key."""
        program = find_program(host_env)
        if program is None:
            named = host_env.get(BIN)
            reason = (
                f"{BIN} names {named}, which is no program."
                if named
                else "Claude Code is not installed."
            )
            return AgentOffer(name=self.name, available=False, reason=reason, fix=_INSTALL)
        version = version_of(program, host_env)
        if version is None:
            reason = f"{program} does not answer `--version`."
            return AgentOffer(name=self.name, available=False, reason=reason, fix=_INSTALL)
        if not has_key(host_env):
            return AgentOffer(
                name=self.name,
                available=False,
                version=version,
                reason="Claude Code has no key: none of " + ", ".join(KEYS) + " is set.",
                fix=_NO_KEY,
            )
        return AgentOffer(name=self.name, version=version)

    def launch(self, run: AgentRun) -> Launch:
        """A two-way stream in the work tree.

        ``options``: ``model``, ``max_turns``, ``max_budget_usd``. Raises `Invalid` for an option of
        the wrong kind and `Unavailable` when the program is missing.
        """
        program = find_program(run.host_env)
        if program is None:
            raise Unavailable(f"Claude Code is not installed. {_INSTALL}")
        env = {
            **SETTINGS,
            **agent_env(run.host_env, extra_names=PASSED, card_env=run.card_env, home=run.home),
        }
        if shell := _shell_for(program, env["PATH"]):
            env.setdefault("SHELL", str(shell))
        if os.geteuid() == 0:
            env["IS_SANDBOX"] = "1"  # as root it refuses to skip permissions otherwise
        return Launch(
            argv=(str(program), *_arguments(run)),
            env=env,
            stdin=user_message(run.prompt),
            keep_stdin=True,
            read_only=(*program_files(program), *certificate_paths(env)),
            secrets=secrets_in(env, run.host_env, names=KEYS),
        )

    def trial(self, run: AgentRun) -> Launch:
        """The same without tools; what is refused once is not asked for again."""
        launch = self.launch(run)
        env = {**launch.env, "CLAUDE_CODE_MAX_RETRIES": "1"}
        return replace(launch, argv=(*launch.argv, "--tools", ""), env=env)

    def converse(self, run: AgentRun) -> ClaudeConversation:
        """A fresh parser."""
        return ClaudeConversation(run, now=self._now, new_id=self._new_id)

    def session_file(self, session: str, worktree: Path) -> SessionFile | None:
        """The transcript alone: what sub-agents said and long outputs, which lie beside it, are not
        read when it is resumed. Claude Code looks for it in every directory of ``projects``, and tells
        its model when the working directory is another one."""
        if not _SESSION.fullmatch(session):
            return None
        folder = _OTHER.sub("-", str(worktree))[:FOLDER_MAX]
        return SessionFile(PROJECTS, folder, f"{session}.jsonl")


def _shell_for(program: Path, path: str) -> Path | None:
    """The shell beside it, where the image that a repository names has none that it takes."""
    if any(shutil.which(name, path=path) for name in SHELLS):
        return None
    own = program.parent.parent / OWN_SHELL
    return own if own.is_file() else None


def _arguments(run: AgentRun) -> list[str]:
    arguments = ["-p", "--input-format", "stream-json", "--output-format", "stream-json"]
    arguments += ["--verbose", "--dangerously-skip-permissions"]
    arguments += ["--disallowedTools", ",".join(REFUSED_TOOLS)]
    # What a cloned repository brings in .claude/settings.json and .mcp.json is code.
    if run.trusted:
        arguments += ["--setting-sources", "user,project,local"]
    else:
        arguments += ["--setting-sources", "user", "--strict-mcp-config"]
    if run.session is None:
        arguments += ["--session-id", run.new_session]
    else:
        arguments += ["--resume", run.session]
    return [*arguments, *_options(run.options)]


def _options(options: Mapping[str, object]) -> list[str]:
    arguments: list[str] = []
    model = options.get("model")
    if model is not None:
        if not isinstance(model, str) or not model.strip() or model.startswith("-"):
            raise Invalid.field("agent_options.model", "model is the name of a model.")
        arguments += ["--model", model]
    for key, flag in (("max_turns", "--max-turns"), ("max_budget_usd", "--max-budget-usd")):
        value = options.get(key)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise Invalid.field(f"agent_options.{key}", f"{key} is a number above 0.")
        arguments += [flag, json.dumps(value)]
    return arguments


def find_program(host_env: Mapping[str, str]) -> Path | None:
    """``LAZYAF_CLAUDE_BIN`` when set, else ``claude`` on PATH, else the one of the extra."""
    named = host_env.get(BIN)
    if named:
        found = shutil.which(named, path=host_env.get("PATH"))
        return Path(found).absolute() if found else None
    found = shutil.which("claude", path=host_env.get("PATH", os.defpath))
    if found:
        return Path(found).absolute()
    spec = importlib.util.find_spec(_EXTRA_PACKAGE)  # finds it without importing it
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        bundled = Path(folder) / "_bundled" / "claude"
        if os.access(bundled, os.X_OK):
            return bundled
    return None


def program_files(program: Path) -> tuple[Path, ...]:
    """What the sandbox must show: the program, and the package around it when it is a script."""
    real = program.resolve()
    for folder in real.parents:
        if (folder / "package.json").is_file():
            return (program, folder)
    return (program,) if real == program else (program, real)


def version_of(program: Path, host_env: Mapping[str, str]) -> str | None:
    """What ``--version`` says, asked once for each build of the program, unless it is written down."""
    try:
        stamp = program.stat().st_mtime_ns
    except OSError:
        return None
    written = _written_version(host_env.get(VERSION_FILE), stamp)
    if written is not None:
        return written
    return _ask_version(str(program), stamp, host_env.get("PATH", os.defpath))


def _written_version(path: str | None, stamp: int) -> str | None:
    """The version in the file, if that is no older than the program: another one may have come since."""
    if not path:
        return None
    with contextlib.suppress(OSError):
        if Path(path).stat().st_mtime_ns >= stamp:
            return clean(Path(path).read_text("utf-8", "replace")).strip()[:200] or None
    return None


@functools.lru_cache(maxsize=8)
def _ask_version(program: str, stamp: int, path: str) -> str | None:
    try:
        done = subprocess.run(
            [program, "--version"],
            env={"PATH": path, "HOME": "/nonexistent", **SETTINGS},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=VERSION_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return clean(done.stdout.decode("utf-8", "replace")).strip()[:200] or None


def has_key(host_env: Mapping[str, str]) -> bool:
    """Whether something will let it in."""
    chosen = set(chosen_names(host_env)).intersection(CLOUDS)
    return any(host_env.get(name) for name in (*KEYS, *sorted(chosen)))

"""The agent of a running job is nobody's friend: what it tries beyond its work tree is refused or hidden.

It is tried twice: by the scripted agent and by Claude Code's own shell tool, in the same words.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable

import pytest

from acceptance.house import House, description
from support.board import Json
from support.history import git, tip

SECRET = "the-other-repository-s-secret"

TRIES = {
    "approve without a token": "curl -sS -m 5 -X POST {json} -d {body} {api}/api/cards/{card}/approve",
    "approve with the token file": "curl -sS -m 5 -X POST {json} -d {body} "
    '-H "Authorization: Bearer $(cat {data}/token)" {api}/api/cards/{card}/approve',
    "approve with its own words": "curl -sS -m 5 -X POST {json} -d {body} "
    '-H "Authorization: Bearer $ANTHROPIC_API_KEY" {api}/api/cards/{card}/approve',
    "approve as a browser": "curl -sS -m 5 -X POST {json} -d {body} "
    "-H 'Origin: {api}' -H 'Cookie: token=x' {api}/api/cards/{card}/approve",
    "make a sign-in code": "curl -sS -m 5 -X POST {api}/api/auth/codes",
    "claim as a runner": "curl -sS -m 5 -X POST {json} -d '{{}}' {api}/api/runner/v1/claim",
    "push main": "git -c core.askPass=true push {api}/git/{repo}.git HEAD:main",
    "push main to its origin": "git push origin HEAD:main",
    "push to the address of its origin": 'git push "$(git remote get-url origin)" HEAD:main',
    "push into the storage": "git push {data}/git/{repo}.git HEAD:main",
    "clone another repository": "git clone {api}/git/{other}.git stolen",
    "clone the storage of another repository": "git clone {data}/git/{other}.git stolen",
    "fetch from another cache": "git fetch {data}/work/cache/{other}.git main",
    "list the data": "ls -laR {data}",
    "read the data": "cat {data}/token {data}/secret {data}/lazyaf.db {data}/runners/token",
    "read the environment of the runner": "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n'",
    "read the files of the runner": "cat {data}/runners/*/claim.json {data}/runners/*/outbox/*",
    "write beside its tree": "touch {data}/planted ../../planted ~/../../planted",
    "kill the runner": "kill -9 $(ls /proc | grep '^[0-9]' | grep -v -e '^1$' -e $$) {runner}",
}
"""What is tried, in shell; every try may fail, none may end the script."""


@pytest.mark.claude
@pytest.mark.parametrize("agent", ["script", "claude"])
def test_an_agent_gets_nowhere(house: House, agent: str) -> None:
    other, name = f"other-{agent}", f"hostile-{agent}"
    house.repository(other, files={"secret.txt": SECRET})
    house.repository(name)
    board, data = house.board, house.server.data_dir
    card = board.add(name, f"Get out by {agent}", agent=agent)
    internal, runners = house.internal(name), house.server.runner_pids()
    before = {r: git(house.internal(r), "for-each-ref", "refs/heads") for r in (name, other)}
    origin = git(house.root / f"{name}-origin.git", "for-each-ref", "refs/heads")
    words = {
        "json": "-H 'Content-Type: application/json'",
        "body": shlex.quote(json.dumps({"head_sha": tip(internal, "main")})),
        "api": house.server.url,
        "card": card,
        "data": data,
        "repo": internal.stem,
        "other": house.internal(other).stem,
        "runner": " ".join(map(str, runners)),
    }
    tries = {
        what: f"echo '== {what}'; ( {line.format(**words)} ) 2>&1; echo exit=$?"
        for what, line in TRIES.items()
        if agent == "script" or what != "kill the runner"  # Claude's own process is its to kill
    }
    commands = [*tries.values(), "echo tried > tried.txt"]
    fields = (
        {"agent_options": {"command": "\n".join(f"( {line} )" for line in commands)}}
        if agent == "script"
        else {"description": description({"scenario": "commands", "commands": commands})}
    )
    board.patch(f"/api/cards/{card}", fields)
    board.command(card, "start")
    board.wait_for(card, "in_review")

    said = results(board.log(board.job(card)["id"]))
    assert list(said) == list(tries), board.diagnosis(card)
    require_refused(said)
    everything = "\n".join(board.output(card))
    for hidden in (house.server.token, (data / "secret").read_text().strip(), SECRET):
        assert hidden not in everything
    assert list(board.changes(card)) == ["tried.txt"]
    head = board.diff(card)["head_sha"]
    assert git(internal, "for-each-ref", "refs/heads", "--no-contains", head) == before[name]
    assert git(house.internal(other), "for-each-ref", "refs/heads") == before[other]
    assert git(house.root / f"{name}-origin.git", "for-each-ref", "refs/heads") == origin
    # Not `rglob`, which raises when a work tree goes while it is walked.
    assert not [folder for folder, _, files in os.walk(house.root) if "planted" in files]
    assert house.server.runner_pids() == runners


def results(entries: list[Json]) -> dict[str, str]:
    """What each try printed."""
    kinds = ("stdout", "stderr", "tool_result")
    said = "\n".join(entry["text"] for entry in entries if entry["kind"] in kinds)
    pieces = re.split(r"^== (.*)\n", said, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def require_refused(said: dict[str, str]) -> None:
    """Every API call was answered with a refusal, every git command failed."""
    for what, answer in said.items():
        if what.startswith(("approve", "make", "claim")):
            assert '"status":401' in answer.replace(" ", ""), f"{what}: {answer}"
        elif what.startswith(("push", "clone", "fetch")):
            assert "fatal: " in answer, f"{what}: {answer}"
            assert "exit=0" not in answer, f"{what}: {answer}"


PLANT = """
git config core.fsmonitor 'touch {out}/fsmonitor; false'
git config filter.evil.clean 'touch {out}/clean; cat'
git config filter.evil.smudge 'touch {out}/smudge; cat'
git config filter.evil.required true
git config diff.external 'touch {out}/external'
git config core.sshCommand 'touch {out}/ssh'
git config core.hooksPath "$PWD/.evil"
git config uploadpack.packObjectsHook 'touch {out}/pack-objects; false'
mkdir -p .evil .git/hooks
for hook in pre-commit post-commit pre-push reference-transaction post-index-change; do
  printf '#!/bin/sh\\ntouch {out}/hook-%s\\n' $hook > .evil/$hook
  cp .evil/$hook .git/hooks/$hook
done
chmod +x .evil/* .git/hooks/*
echo '* filter=evil diff=evil' > .gitattributes
echo two >> README.md
"""
"""Run by the agent in its own repository: everything that git could be made to run."""

HOOKS = {
    "hooks": {
        event: [{"matcher": "", "hooks": [{"type": "command", "command": "touch ran-by-hook"}]}]
        for event in ("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop")
    }
}
SERVERS = {"mcpServers": {"evil": {"command": "sh", "args": ["-c", "touch ran-by-mcp; cat"]}}}


def test_what_an_agent_plants_in_its_repository_runs_nowhere_else(house: House) -> None:
    house.repository("planted")
    outside = house.root / "outside"
    outside.mkdir()
    board = house.board
    card = house.script("planted", "Plant", PLANT.format(out=outside))
    board.command(card, "start")
    board.wait_for(card, "in_review")
    again = house.script("planted", "Come after", "echo three > three.txt")
    board.approve(card)
    board.command(again, "start")
    board.wait_for(again, "in_review")
    board.approve(again)
    house.cli("land", "planted", "--branch", "main")
    checkout = house.root / "planted"
    git(checkout, "pull", "-q", "--ff-only", "origin", "main")
    house.ingest("planted", checkout)

    assert [path.name for path in outside.iterdir()] == []
    assert "two" in git(house.internal("planted"), "show", "main:README.md")


@pytest.mark.claude
def test_a_repository_s_own_claude_hooks_and_servers_stay_off(house: House) -> None:
    house.repository(
        "hooked",
        files={".claude/settings.json": json.dumps(HOOKS), ".mcp.json": json.dumps(SERVERS)},
    )
    card = house.claude("hooked", "Work", scenario="edit-no-commit", file="a.txt", content="a\n")
    house.board.command(card, "start")
    house.board.wait_for(card, "in_review")

    assert list(house.board.changes(card)) == ["a.txt"]


def test_the_agent_sees_only_what_it_was_given(build: Callable[..., House]) -> None:
    house = build(
        runners=1, HOST_SECRET="host-secret-value", PASSED="passed-value", LAZYAF_AGENT_ENV="PASSED"
    )
    house.start()
    house.repository("seen")
    card = house.script("seen", "Look around", "env | sort; ls -A ~ /tmp; id -u")
    house.board.command(card, "start")
    house.board.wait_for(card, "in_review")
    said = "\n".join(house.board.output(card))

    assert "PASSED=passed-value" in said
    assert "CARD_TITLE=Look around" in said
    assert "BASE_BRANCH=main" in said
    assert "host-secret-value" not in said
    assert "LAZYAF_" not in said
    assert "sk-ant" not in said

"""Plays a scenario against a real server: does its steps and looks whether what it says is true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from acceptance.house import House, description
from acceptance.scenario import Scenario, Step
from support.history import (
    bare_copy,
    commit_files,
    git,
    has_ancestor,
    make_repository,
    parents,
    tip,
)

HERE: Final = Path(__file__).resolve().parents[2]
COMMITS: Final = 3_000
INSTEAD: Final = {"README.md": "# LazyAF\n", "pyproject.toml": '[project]\nname = "lazyaf"\n'}


class Play:
    """One performance."""

    def __init__(self, house: House, scenario: Scenario) -> None:
        self._house = house
        self._board = house.board
        self._scenario = scenario
        self._repo = re.sub(r"[^a-z0-9]+", "-", scenario.name.lower()).strip("-")[:60]
        self._checkout = house.root / self._repo
        self._origin = house.root / f"{self._repo}-origin.git"

    def run(self) -> None:
        """Ingest the repository, make the card, play every step."""
        if self._scenario.own_checkout:
            own_checkout(self._checkout)
            bare_copy(self._checkout, self._origin)
            self._house.ingest(self._repo, self._checkout)
        else:
            self._house.repository(
                self._repo, commits=self._scenario.commits, files=self._scenario.files
            )
        self._internal = self._house.internal(self._repo)
        self._card = self._board.add(
            self._repo, self._scenario.name, agent=self._scenario.agent, description="Please."
        )
        for number, step in enumerate(self._scenario.step, 1):
            try:
                self._play(step)
            except AssertionError as error:
                raise AssertionError(
                    f"step {number} ({step.do}): {error}\n{self._board.diagnosis(self._card)}"
                ) from None

    def _play(self, step: Step) -> None:
        self._prepare(step)
        before = tip(self._internal, "main")
        match step.do:
            case "advance":
                self._advance(step.files)
            case "land":
                self._house.cli("land", self._repo, "--branch", "main")
            case _:
                self._command(step)
        self._look(step)
        if step.merged:
            self._require_merge(before)
        if step.landed:
            assert tip(self._origin, "main") == tip(self._internal, "main")

    def _prepare(self, step: Step) -> None:
        if step.settings is not None:
            self._board.patch(f"/api/repos/{self._repo}", {"settings": step.settings})
        if step.model is not None:
            self._edit({"description": description(step.model)})
        if step.command is not None:
            self._edit({"agent_options": {"command": step.command}})

    def _edit(self, fields: dict[str, Any]) -> None:
        self._board.patch(f"/api/cards/{self._card}", fields)

    def _advance(self, files: dict[str, str]) -> None:
        commit_files(self._checkout, files, "Somebody else's work")
        self._house.ingest(self._repo, self._checkout)

    def _command(self, step: Step) -> None:
        body = dict(step.body)
        if step.do == "approve":
            body = {"head_sha": self._board.diff(self._card)["head_sha"], **body}
        answer = self._board.try_post(f"/api/cards/{self._card}/{step.do}", body or None)
        if step.refused is not None:
            problem = answer.json()
            assert {key: problem.get(key) for key in step.refused} == step.refused
            assert problem["detail"].strip()
            return
        assert answer.status_code == 200, answer.text

    def _look(self, step: Step) -> None:
        if step.becomes is None:
            return
        card = self._board.wait_for(self._card, step.becomes)
        if step.no_changes is not None:
            assert card["no_changes"] is step.no_changes
        self._look_at_failure(step, card)
        self._look_at_branch(step, card)
        self._look_at_merge(step, card)
        self._look_at_review(step)
        self._look_at_words(step)

    def _look_at_failure(self, step: Step, card: dict[str, Any]) -> None:
        if step.becomes != "failed":
            assert card["failure"] is None
        if step.failure is not None:
            said = card["failure"]
            assert said["reason"] == step.failure["reason"]
            assert step.failure.get("detail", "") in said["detail"]
            assert step.failure.get("hint", "") in said["hint"]
            assert said["detail"].strip(), "no word about why"
            assert said["hint"].strip(), "no word about what to do"

    def _look_at_branch(self, step: Step, card: dict[str, Any]) -> None:
        if step.diff is not None:
            assert self._board.changes(self._card) == step.diff
        for path, text in (step.branch or {}).items():
            assert git(self._internal, "show", f"{card['branch_name']}:{path}") == text.rstrip("\n")
        if step.contains_base is not None:
            base, head = (tip(self._internal, b) for b in ("main", card["branch_name"]))
            assert has_ancestor(self._internal, base, head) is step.contains_base
        if step.mergeable is not None:
            assert self._board.diff(self._card)["mergeable"] is step.mergeable

    def _look_at_merge(self, step: Step, card: dict[str, Any]) -> None:
        if step.message is not None:
            said = git(self._internal, "log", "-1", "--format=%B", card["merged_sha"])
            assert [line for line in step.message if line not in said.splitlines()] == [], said
            assert f"Lazyaf-Card: {card['id']}" in said.split("\n\n")[-1]
        if step.branch_deleted is not None:
            there = git(self._internal, "for-each-ref", f"refs/heads/{card['branch_name']}")
            assert card["branch_deleted"] is step.branch_deleted is (there == "")
            archived = f"refs/lazyaf/archive/{card['number']}/"
            kept = git(self._internal, "for-each-ref", "--format=%(objectname)", archived)
            assert card["head_sha"] in kept.split()

    def _look_at_review(self, step: Step) -> None:
        if step.round is not None:
            assert self._board.changes_of_last_round(self._card) == step.round
        comments = self._board.comments(self._card)
        if step.comments is not None:
            assert [comment["state"] for comment in comments] == step.comments
        if step.answers is not None:
            said = [comment["reply"]["text"] for comment in comments if comment["reply"]]
            assert said == step.answers

    def _look_at_words(self, step: Step) -> None:
        if step.log is not None:
            said = "\n".join(self._board.output(self._card))
            assert [text for text in step.log if text not in said] == []
        if step.prompt is not None:
            prompt = self._house.asked(self._scenario.name)[-1].prompts[-1]
            assert [text for text in step.prompt if text not in prompt] == [], prompt

    def _require_merge(self, before: str) -> None:
        card = self._board.card(self._card)
        after = tip(self._internal, "main")
        assert card["merged_sha"] == after
        assert parents(self._internal, after) == [before, card["head_sha"]]


def own_checkout(folder: Path) -> Path:
    """LazyAF's own repository at its HEAD, cloned; one of its size where there is no whole one."""
    if (HERE / ".git").exists() and git(HERE, "rev-parse", "--is-shallow-repository") == "false":
        git(folder.parent, "clone", "-q", "--no-hardlinks", str(HERE), str(folder))
        git(folder, "checkout", "-q", "-B", "main")
        git(folder, "remote", "remove", "origin")
        return folder
    return make_repository(folder, commits=COMMITS, files=INSTEAD)

"""The API of a real server as acceptance tests speak it: cards, jobs, logs, and a diagnosis.

Whatever is waited for here ends in a failure that shows the card, its log and what server and runners
wrote, since nobody can look at them afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import httpx2

from support.server import ServerProcess
from support.waiting import until

Json = dict[str, Any]

PATIENCE_S: Final = 90.0
TAIL: Final = 4_000
ENTRIES: Final = 30


class Board:
    """The cards of one server, by its person's token."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server

    def get(self, path: str, **params: str | int) -> Any:
        """GET that must succeed."""
        return self._ok(self.server.client.get(path, params=params))

    def post(self, path: str, body: Json | None = None) -> Any:
        """POST that must succeed."""
        return self._ok(self.try_post(path, body))

    def try_post(self, path: str, body: Json | None = None) -> httpx2.Response:
        """POST, whatever comes of it."""
        return self.server.client.post(path, json=body)

    def patch(self, path: str, body: Json) -> Any:
        """PATCH that must succeed."""
        return self._ok(self.server.client.patch(path, json=body))

    def _ok(self, response: httpx2.Response) -> Any:
        told = (
            self.server.log_path.read_text(errors="replace")[-TAIL:]
            if response.is_server_error
            else ""
        )
        assert response.is_success, (
            f"{response.request.url}: {response.status_code} {response.text}\n{told}"
        )
        return response.json()

    def add(self, repo: str, title: str, **fields: Any) -> str:
        """A new card; its id."""
        made = self.post(f"/api/repos/{repo}/cards", {"title": title, **fields})
        return str(made["id"])

    def attach(self, card_id: str, name: str, content: bytes) -> Json:
        """Attach a file to a card."""
        path = f"/api/cards/{card_id}/attachments"
        made: Json = self._ok(self.server.client.post(path, params={"name": name}, content=content))
        return made

    def card(self, card_id: str) -> Json:
        """A card in full."""
        found: Json = self.get(f"/api/cards/{card_id}")
        return found

    def command(self, card_id: str, command: str, body: Json | None = None) -> Json:
        """Give a card a command that must be obeyed."""
        done: Json = self.post(f"/api/cards/{card_id}/{command}", body)
        return done

    def approve(self, card_id: str) -> Json:
        """Approve what a look at the diff shows now."""
        return self.command(card_id, "approve", {"head_sha": self.diff(card_id)["head_sha"]})

    def diff(self, card_id: str) -> Json:
        """What the card changes."""
        found: Json = self.get(f"/api/cards/{card_id}/diff")
        return found

    def changes(self, card_id: str) -> dict[str, list[str]]:
        """The added and removed lines of every file of the diff, with their signs."""
        return changed_lines(self.diff(card_id))

    def changes_of_last_round(self, card_id: str) -> dict[str, list[str]]:
        """The same of the newest round alone."""
        number = len(self.get(f"/api/cards/{card_id}/rounds")["items"])
        return changed_lines(self.get(f"/api/cards/{card_id}/rounds/{number}/diff"))

    def comments(self, card_id: str) -> list[Json]:
        """The card's comments, by number."""
        found: list[Json] = self.get(f"/api/cards/{card_id}/comments")["items"]
        return found

    def job(self, card_id: str) -> Json:
        """The card's current or last job."""
        found: Json = self.get(f"/api/jobs/{self.card(card_id)['job_id']}")
        return found

    def log(self, job_id: str) -> list[Json]:
        """Every entry of a job's log."""
        entries: list[Json] = []
        while True:
            page = self.get(
                f"/api/jobs/{job_id}/logs", after=entries[-1]["seq"] if entries else 0, limit=2000
            )
            if not page["items"]:
                return entries
            entries += page["items"]

    def output(self, card_id: str) -> list[str]:
        """The texts of the log of the card's last job."""
        return [entry["text"] for entry in self.log(self.job(card_id)["id"])]

    def wait_for(
        self, card_id: str, status: str, *, of: str = "in_progress", seconds: float = PATIENCE_S
    ) -> Json:
        """Wait until the card is in ``status``; it may only come ``of`` that one."""

        def probe() -> Json | None:
            card = self.card(card_id)
            if card["status"] not in (status, of):
                raise AssertionError(f"became {card['status']} instead of {status}")
            return card if card["status"] == status else None

        return self.explained(card_id, probe, f"the card is {status}", seconds=seconds)

    def wait_for_output(self, card_id: str, text: str) -> None:
        """Wait until the log of the card's job has an entry with this text."""
        self.explained(
            card_id,
            lambda: any(text in said for said in self.output(card_id)),
            f"the log says {text!r}",
        )

    def explained(
        self, card_id: str, probe: Callable[[], Any], what: str, *, seconds: float = PATIENCE_S
    ) -> Any:
        """`until`, with everything that is known about the card when it fails."""
        try:
            return until(probe, what, seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.diagnosis(card_id)}") from None

    def diagnosis(self, card_id: str) -> str:
        """The card, the end of its log, and what server and runners wrote."""
        parts: list[str] = []
        try:
            card = self.card(card_id)
            parts.append(f"card {json.dumps(card, indent=1)}")
            if card["job_id"]:
                parts.append(f"job {json.dumps(self.job(card_id), indent=1)}")
                parts += [_told(entry) for entry in self.log(card["job_id"])[-ENTRIES:]]
        except (AssertionError, httpx2.HTTPError) as error:
            parts.append(f"(the server does not tell: {error})")
        written = [self.server.log_path, *sorted(self.server.data_dir.glob("runners/*/*.log"))]
        for path in written:
            text = path.read_text(errors="replace") if path.exists() else "(none)"
            parts.append(f"--- {path.name} of {path.parent.name}\n{text[-TAIL:]}")
        return "\n".join(parts)


def changed_lines(diff: Json) -> dict[str, list[str]]:
    """The added and removed lines of every file, with their signs."""
    return {
        file["path"]: [
            sign + text
            for hunk in file["hunks"]
            for sign, text in hunk["lines"]
            if sign in ("+", "-")
        ]
        for file in diff["files"]
    }


def _told(entry: Json) -> str:
    words = " ".join(str(entry.get("text") or entry.get("input") or "").split())
    return f"  {entry['seq']:>4} #{entry['attempt']} {entry['kind']:<12} {words[:300]}"

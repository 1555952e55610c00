"""Cards in review that get in each other's way: a file to change in places, and what they are told."""

from __future__ import annotations

import uuid
from typing import Any

from factories.scene import Scene

TEXT = "".join(f"line {n}\n" for n in range(20))


def changed(line: int, to: str) -> str:
    return TEXT.replace(f"line {line}\n", f"{to}\n")


async def repo_of_its_own(scene: Scene) -> str:
    """One whose commits no other test has, so that nothing of them is remembered."""
    return await scene.repo(
        files={"hot": TEXT, "cold": TEXT, "own": f"{uuid.uuid4()}\n", ".gitattributes": "x text\n"}
    )


async def live(scene: Scene, card_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = (await scene.shown(card_id))["live"]
    return shown

"""Real git against the smart-HTTP stream."""

from __future__ import annotations

from pathlib import Path

from lazyaf.git import command
from lazyaf.git.storage import Storage


async def test_what_is_pushed_can_be_cloned_and_fetched(served, work, tmp_path: Path) -> None:
    first = await work.commit({"a": "1"})
    await work.git("push", "-q", served.url, "main")
    await command.run(["clone", "-q", served.url, str(tmp_path / "clone")])
    second = await work.commit({"a": "2"})
    await work.git("push", "-q", served.url, "main")
    await command.run(["pull", "-q"], cwd=tmp_path / "clone")
    head = await command.run(["rev-parse", "HEAD"], cwd=tmp_path / "clone")
    assert head.text == second
    zero = "0" * 40
    assert served.app.updated == [
        [(zero, first, "refs/heads/main")],
        [(first, second, "refs/heads/main")],
    ]

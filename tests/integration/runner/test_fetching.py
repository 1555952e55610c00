"""Fetches whose connection fails: tried again, and given up only while the server is there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from lazyaf.domain.errors import GitFailed
from lazyaf.git import command
from lazyaf.runner import fetching


class Rude:
    """A server that takes connections and ends them without a word."""

    def __init__(self) -> None:
        self.visits = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        await reader.read(1)
        writer.close()


@pytest.mark.parametrize("absences", [0, 7])
async def test_a_fetch_is_given_up_only_while_the_server_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absences: int
) -> None:
    monkeypatch.setattr(fetching, "PAUSE_S", 0.001)
    monkeypatch.setattr(fetching, "AWAY_PAUSE_S", 0.001)
    await command.run(["init", "--quiet", "--bare", str(tmp_path)])
    rude = Rude()
    answers: Iterator[bool] = iter([True] * absences)
    async with await asyncio.start_server(rude.serve, "127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/x.git"
        with pytest.raises(GitFailed, match="Empty reply"):
            await fetching.fetch(
                tmp_path, url, {}, ["refs/heads/main"], lambda: next(answers, False)
            )
    assert rude.visits == absences + fetching.TRIES


async def test_what_git_itself_refuses_is_not_tried_again(tmp_path: Path) -> None:
    await command.run(["init", "--quiet", "--bare", str(tmp_path)])
    asked: list[bool] = []

    def is_away() -> bool:
        asked.append(True)
        return False

    with pytest.raises(GitFailed):
        await fetching.fetch(tmp_path, str(tmp_path / "nowhere"), {}, ["main"], is_away)
    assert asked == []

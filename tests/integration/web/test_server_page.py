"""What the server tells of itself: its disks, and the figures for Prometheus."""

from __future__ import annotations

import re
from pathlib import Path

from support.app import Served

ROWS = Path(__file__).parents[3] / "docs" / "reference" / "metrics.md"


async def test_the_disks_and_what_is_on_them(served: Served) -> None:
    repo_id = await served.repo("shop")
    use = (await served.person.get("/api/disk")).json()
    folder = served.house.settings.data_dir
    (disk,) = use["disks"]
    assert disk["folders"] == [str(folder), str(folder / "git"), str(folder / "work")]
    assert 0 < disk["free"] < disk["total"]
    assert use["warning"] is None
    (repository,) = use["repositories"]
    assert (repository["id"], repository["name"]) == (repo_id, "shop")
    assert repository["bytes"] > 0
    assert use["database"]["total"] > use["database"]["logs"] == 0
    assert use["database"]["wal"] > 0


async def test_a_runner_is_told_nothing_of_it(served: Served) -> None:
    answer = await served.runner.get("/api/disk")
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_token")


async def test_the_metrics_are_those_that_are_documented(served: Served) -> None:
    await served.repo("shop")
    text = (await served.person.get("/metrics")).text
    told = set(re.findall(r"^\| `(lazyaf_\w+)`", ROWS.read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"^(lazyaf_\w+)[ {]", text, re.MULTILINE)) == told
    assert re.search(r'^lazyaf_repository_bytes\{repo="shop"\} [1-9]', text, re.MULTILINE)
    assert f'lazyaf_disk_free_bytes{{folder="{served.house.settings.data_dir}"}}' in text

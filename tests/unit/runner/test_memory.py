from __future__ import annotations

from pathlib import Path

import pytest

from lazyaf.runner.memory import OomWatch


@pytest.mark.parametrize(
    "text",
    [
        "low 0\nhigh 0\nmax 3\noom 1\noom_kill {}\n",
        "oom_kill_disable 0\nunder_oom 0\noom_kill {}\n",
    ],
    ids=["version 2", "version 1"],
)
def test_a_kill_is_noticed(tmp_path: Path, text: str) -> None:
    counter = tmp_path / "counter"
    counter.write_text(text.format(2))
    watch = OomWatch((tmp_path / "none", counter))
    assert not watch.has_struck()
    counter.write_text(text.format(3))
    assert watch.has_struck()


def test_without_a_counter_nothing_is_known(tmp_path: Path) -> None:
    assert not OomWatch((tmp_path / "none",)).has_struck()

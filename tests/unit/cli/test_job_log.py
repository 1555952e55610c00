"""Entries in a terminal, and a stream that is taken up where it broke."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lazyaf.cli.failures import Unreachable
from lazyaf.cli.job_log import PATIENCE_S, follow, show_entry

Event = tuple[str, dict[str, Any]]


class CutStreams:
    """An API whose streams are scripted: each yields its events, then ends or raises."""

    def __init__(self, *streams: list[Event | Exception]) -> None:
        self._streams = list(streams)
        self.asked: list[int] = []

    def events(self, _path: str, *, after: int) -> Iterator[Event]:
        self.asked.append(after)
        for event in self._streams.pop(0) if len(self._streams) > 1 else self._streams[0]:
            if isinstance(event, Exception):
                raise event
            yield event


class Clock:
    """Time that passes by sleeping only."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def entry(seq: int) -> Event:
    return "message", {"seq": seq}


def test_a_cut_stream_is_resumed_behind_the_last_entry() -> None:
    clock = Clock()
    api: Any = CutStreams(
        [entry(1), entry(2), Unreachable("cut")],
        [Unreachable("restarting")],
        [entry(3)],
        [("end", {})],
    )
    told = [e["seq"] for e in follow(api, "job", sleep=clock.sleep, now=clock.now)]
    assert told == [1, 2, 3]
    assert api.asked == [0, 2, 2, 3]


def test_a_server_that_stays_away_is_given_up() -> None:
    clock = Clock()
    api: Any = CutStreams([Unreachable("gone")])
    with pytest.raises(Unreachable):
        list(follow(api, "job", sleep=clock.sleep, now=clock.now))
    assert PATIENCE_S < clock.time < 2 * PATIENCE_S


def shown(capsys: pytest.CaptureFixture[str], *, full: bool = False, **fields: Any) -> str:
    blank = {"text": "", "name": None, "is_error": False, "detail": None, "usage": None}
    show_entry({**blank, **fields}, full=full)
    return capsys.readouterr().out


def test_every_kind_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    usage = {"input_tokens": 1000, "output_tokens": 200, "cost_usd": 0.125}
    commit = {"sha": "1" * 40, "subject": "Sort"}
    assert shown(capsys, kind="phase", name="working") == "── working\n"
    assert shown(capsys, kind="tool_call", name="Bash", text="npm test") == "▸ Bash npm test\n"
    assert shown(capsys, kind="user", text="Hi") == "» Hi\n"
    assert shown(capsys, kind="usage", usage=usage) == "1200 tokens, $0.12\n"
    assert shown(capsys, kind="usage") == ""
    assert shown(capsys, kind="git", detail=commit) == "● 111111111111 Sort\n"
    assert shown(capsys, kind="git", text="Pushed", detail=commit) == "● Pushed\n"
    assert shown(capsys, kind="message", text="Done\x1b[2J") == "Done\n"
    for kind in ("thinking", "system", "raw", "stdout", "stderr", "something new"):
        assert shown(capsys, kind=kind, text="text") == "text\n"


def test_a_long_result_is_cut_unless_it_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    text = "\n".join(str(n) for n in range(30))
    cut = shown(capsys, kind="tool_result", text=text)
    assert "  19\n" in cut
    assert "… 10 more lines (--full)" in cut
    assert "  29\n" in shown(capsys, full=True, kind="tool_result", text=text)

"""What git says about a push, understood."""

from __future__ import annotations

import pytest

from lazyaf.cli.transfer import PushedRef, Relay, parse_porcelain

PORCELAIN = """\
To http://127.0.0.1:8765/git/x.git
*\trefs/heads/new:refs/heads/new\t[new branch]
 \trefs/heads/main:refs/heads/main\t1111111..2222222
=\trefs/heads/old:refs/heads/old\t[up to date]
!\trefs/heads/back:refs/heads/back\t[rejected] (non-fast-forward)
!\trefs/heads/odd:refs/heads/odd\t[remote rejected] (hook declined)
!\trefs/tags/v1:refs/tags/v1\t[rejected] (already exists)
Done
"""


def test_every_ref_is_told_what_became_of_it() -> None:
    refs = parse_porcelain(PORCELAIN)
    assert [(ref.name, ref.status) for ref in refs] == [
        ("new", "new"),
        ("main", "updated"),
        ("old", "unchanged"),
        ("back", "refused"),
        ("odd", "refused"),
        ("v1", "refused"),
    ]
    assert [ref.name for ref in refs if ref.is_behind] == ["back"]


@pytest.mark.parametrize("words", ["[rejected] (fetch first)", "[rejected] (non-fast-forward)"])
def test_a_remote_that_moved_is_recognised(words: str) -> None:
    assert PushedRef("!", "refs/heads/main", words).is_behind


def test_progress_is_passed_on_and_complaints_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    relay = Relay()
    for piece in (b"Writing obj", b"ects: 50%\rWriting objects: 100%, done.\n", b"remote: \x1b[2J"):
        relay(piece)
    relay(b"Look\nTo http://x\nerror: failed\nhint: pull\n * [new branch] a -> a\n")
    said = capsys.readouterr().err
    assert said == "Writing objects: 50%\rWriting objects: 100%, done.\nremote: Look\n"

"""Pkt-lines, push commands, reports and refusals, without a git anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazyaf.domain.errors import BadRequest, TooLarge
from lazyaf.git import pktline
from lazyaf.git.pktline import (
    DELIM,
    FLUSH,
    MAX_PAYLOAD,
    ZERO,
    Control,
    PushParser,
    ReportReader,
    decode,
    encode,
    encode_push_request,
    parse_push_commands,
    parse_report,
    refusal,
)

ONE, TWO = "1" * 40, "2" * 40
COMMANDS = [(ZERO, ONE, "refs/heads/main"), (ONE, ZERO, "refs/heads/größe")]
SIDE_BAND = ["report-status", "side-band-64k", "agent=test/1"]


def test_a_line_is_its_length_and_its_payload() -> None:
    assert encode(b"version 2\n") == b"000eversion 2\n"
    assert encode(b"") == b"0004"
    assert decode(encode(b"a") + DELIM + encode(b"") + FLUSH + b"0002") == [
        b"a",
        Control.DELIM,
        b"",
        Control.FLUSH,
        Control.RESPONSE_END,
    ]


def test_a_payload_has_a_largest_size() -> None:
    assert len(encode(b"x" * MAX_PAYLOAD)) == MAX_PAYLOAD + 4
    with pytest.raises(ValueError, match="at most"):
        encode(b"x" * (MAX_PAYLOAD + 1))


@pytest.mark.parametrize("head", [b"zzzz", b"0003", b"PACK", b"+001", b" 001"])
def test_what_is_no_length_is_refused(head: bytes) -> None:
    with pytest.raises(BadRequest):
        decode(head)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([ZERO, ONE]), st.sampled_from([ZERO, TWO]), st.text("abc/", min_size=1)
        ),
        min_size=1,
    ),
    st.binary(max_size=20),
    st.integers(min_value=1, max_value=50),
)
def test_push_commands_survive_any_cut(commands, pack: bytes, size: int) -> None:
    stream = encode_push_request(commands, SIDE_BAND) + pack
    parser = PushParser()
    request = None
    for at in range(0, len(stream), size):
        request = parser.feed(stream[at : at + size])
        if request is not None:
            break
    assert request is not None
    assert list(request.commands) == commands
    assert request.capabilities == set(SIDE_BAND)


def test_names_of_any_bytes_come_back_as_they_were() -> None:
    ref = b"refs/heads/\xff\xfe".decode(errors="surrogateescape")
    stream = encode_push_request([(ZERO, ONE, ref)], [])
    assert b"\xff\xfe" in stream
    assert parse_push_commands(stream).commands == ((ZERO, ONE, ref),)


def test_shallow_lines_are_skipped() -> None:
    stream = encode(b"shallow " + ONE.encode()) + encode_push_request(COMMANDS, SIDE_BAND)
    assert list(parse_push_commands(stream).commands) == COMMANDS


@pytest.mark.parametrize(
    "stream",
    [
        encode(b"push-cert\0report-status") + FLUSH,
        encode(b"hello") + FLUSH,
        encode(f"{ONE} {'g' * 40} refs/heads/x".encode()) + FLUSH,
        encode(f"{ONE * 2} {TWO * 2} refs/heads/x".encode()) + FLUSH,
        encode(f"{ONE} {TWO} refs/heads/x".encode()) + DELIM,
        encode(f"{ONE} {TWO} refs/heads/x".encode()),
    ],
    ids=["signed", "words", "not hex", "sha-256", "no flush", "incomplete"],
)
def test_malformed_commands_are_refused(stream: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_push_commands(stream)


def test_endless_commands_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pktline, "MAX_COMMANDS", 100)
    parser = PushParser()
    with pytest.raises(TooLarge):
        parser.feed(encode_push_request(COMMANDS, SIDE_BAND)[:-4])


def test_a_refusal_reads_as_a_report() -> None:
    report = parse_report(refusal(COMMANDS, SIDE_BAND, "protected branch:\napprove the card"))
    assert report.unpack == "ok"
    assert report.refs == dict.fromkeys(
        ["refs/heads/main", "refs/heads/größe"], "protected branch: approve the card"
    )
    assert report.messages == "protected branch: approve the card\n"


def test_a_refusal_speaks_only_what_the_client_understands() -> None:
    plain = refusal(COMMANDS, ["report-status-v2"], "no")
    assert decode(plain)[0] == b"unpack ok\n"
    assert refusal(COMMANDS, [], "no") == b""
    only_words = decode(refusal(COMMANDS, ["side-band-64k"], "no"))
    assert only_words == [b"\x02no\n", Control.FLUSH]


def test_a_long_refusal_is_cut_into_bands() -> None:
    commands = [(ZERO, ONE, f"refs/heads/{n}") for n in range(5_000)]
    report = parse_report(refusal(commands, SIDE_BAND, "no"))
    assert len(report.refs) == 5_000


@given(st.integers(min_value=1, max_value=30))
def test_a_report_survives_any_cut(size: int) -> None:
    inner = encode(b"unpack ok\n") + encode(b"ok refs/heads/a\n") + encode(b"option refname x\n")
    inner += encode(b"ng refs/heads/b non-fast-forward\n") + encode(b"ng refs/heads/c\n") + FLUSH
    answer = encode(b"\x02Resolving\n")
    answer += b"".join(encode(b"\x01" + inner[i : i + 7]) for i in range(0, len(inner), 7))
    answer += encode(b"\x03fatal") + FLUSH
    reader = ReportReader()
    assert reader.report() is None
    for at in range(0, len(answer), size):
        reader.feed(answer[at : at + size])
    report = reader.report()
    assert report is not None
    assert report.refs == {
        "refs/heads/a": None,
        "refs/heads/b": "non-fast-forward",
        "refs/heads/c": "refused",
    }
    assert report.messages == "Resolving\nfatal"


def test_an_answer_without_a_report_is_no_report() -> None:
    with pytest.raises(BadRequest):
        parse_report(FLUSH)

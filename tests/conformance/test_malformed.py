"""Bodies that are no git: a 4xx each time, never a 5xx, never a hang."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import httpx2
import pytest

from conformance.client import RECEIVE, UPLOAD, Clone, Repository
from lazyaf.git.pktline import DELIM, FLUSH, ZERO, encode, encode_push_request

SHA = "1" * 40
V2 = "version=2"


def v2(*lines: str, capabilities: tuple[str, ...] = ()) -> bytes:
    """A v2 fetch command with these arguments."""
    asked = b"".join(encode(f"{line}\n".encode()) for line in ("command=fetch", *capabilities))
    return asked + DELIM + b"".join(encode(f"{line}\n".encode()) for line in lines) + FLUSH


FETCHES_V2 = {
    "unknown command": encode(b"command=nonsense") + FLUSH,
    "no command": encode(b"agent=x") + FLUSH,
    "two commands": encode(b"command=fetch") + encode(b"command=ls-refs") + FLUSH,
    "unknown capability": v2(capabilities=("nonsense",)),
    "another hash": v2(capabilities=("object-format=sha256",)),
    "unknown hash": v2(capabilities=("object-format=md5",)),
    "unknown argument": v2("nonsense"),
    "want of no object": v2("want nonsense", "done"),
    "have of no object": v2(f"want {SHA}", "have nonsense"),
    "shallow of no object": v2("shallow nonsense"),
    "deepen zero": v2("deepen 0"),
    "deepen negative": v2("deepen -1"),
    "deepen since never": v2("deepen-since never"),
    "deepen not a ref": v2("deepen-not refs/heads/nope", f"want {SHA}", "done"),
    "cut in a line": v2("done")[:-6],
    "cut before the flush": v2("done")[:-4],
    "no arguments after the delimiter": encode(b"command=ls-refs") + DELIM,
    "ls-refs with nonsense": encode(b"command=ls-refs") + DELIM + encode(b"x" * 500) + FLUSH,
    "an error packet": encode(b"ERR go away"),
    "response end": b"0002",
    "response end for the flush": encode(b"command=fetch") + b"0002",
    "response end among the arguments": encode(b"command=fetch") + DELIM + b"0002" + FLUSH,
}

FETCHES_V0 = {
    "nonsense": encode(b"nonsense"),
    "want of no object": encode(b"want nonsense\n") + FLUSH,
    "want cut short": encode(b"want 1234\n") + FLUSH,
    "deepen nonsense": encode(f"want {SHA}\n".encode()) + encode(b"deepen x\n") + FLUSH,
    "shallow nonsense": encode(b"shallow x\n") + FLUSH,
    "length beyond the body": b"00ffwant",
    "length that is too long": b"ffffwant" + b"x" * 65_531,
    "length of three": b"0003",
    "length that is no number": b"00zzwant",
    "negative length": b"-001want",
    "a space for a digit": b"00 4want",
    "not a pkt-line": b"GET / HTTP/1.1\r\n\r\n",
    "binary": bytes(range(256)),
    "two bytes": b"00",
    "nothing": b"",
    "a pack": b"PACK\0\0\0\2\0\0\0\0",
    "a delimiter": DELIM,
}

LINE = f"{ZERO} {SHA} refs/heads/x"
PUSHES = {
    "nonsense": encode(b"nonsense") + FLUSH,
    "no flush": encode(f"{LINE}\0 report-status".encode()),
    "no report asked": encode(f"{LINE}\0 side-band-64k".encode()) + FLUSH,
    "no capabilities": encode(LINE.encode()) + FLUSH,
    "short object id": encode(f"{ZERO} 1234 refs/heads/x\0 report-status".encode()) + FLUSH,
    "upper case object id": encode(f"{ZERO} {'A' * 40} refs/heads/x\0 report-status".encode()),
    "sha-256 object id": encode(f"{'0' * 64} {'1' * 64} refs/heads/x\0report-status".encode()),
    "no ref": encode(f"{ZERO} {SHA}\0 report-status".encode()) + FLUSH,
    "an empty line": b"0004" + FLUSH,
    "a delimiter for a flush": encode(f"{LINE}\0 report-status".encode()) + DELIM,
    "response end for a flush": encode(f"{LINE}\0 report-status".encode()) + b"0002",
    "a certificate": encode(b"push-cert\0 report-status") + encode(b"certificate version 0.1\n"),
    "a certificate after a command": encode(f"{LINE}\0 report-status".encode())
    + encode(b"push-cert\0") + FLUSH,
    "an error packet": encode(b"ERR x") + FLUSH,
    "cut in the length": b"00",
    "cut in the command": encode(LINE.encode())[:20],
    "not a pkt-line": b"POST",
    "nothing": b"",
}  # fmt: skip


def is_refused(answer: httpx2.Response) -> bool:
    """A 4xx, or what git's protocol has instead: an error in a pkt-line."""
    if answer.status_code == 200:
        return answer.content[4:8] == b"ERR "
    return 400 <= answer.status_code < 500


@pytest.mark.parametrize("case", FETCHES_V2)
def test_malformed_fetch_v2(library: Repository, case: str) -> None:
    answer = library.post(UPLOAD, FETCHES_V2[case], Git_Protocol=V2)
    assert is_refused(answer), (answer.status_code, answer.content[:200])


@pytest.mark.parametrize("case", FETCHES_V0)
@pytest.mark.parametrize("version", ["version=0", "version=1"], ids=["v0", "v1"])
def test_malformed_fetch(library: Repository, case: str, version: str) -> None:
    answer = library.post(UPLOAD, FETCHES_V0[case], Git_Protocol=version)
    assert is_refused(answer), (answer.status_code, answer.content[:200])


@pytest.mark.parametrize("case", PUSHES)
def test_malformed_push(repo: Repository, case: str) -> None:
    answer = repo.post(RECEIVE, PUSHES[case])
    assert answer.status_code == 400, answer.content[:200]
    assert repo.refs() == {}


def test_the_probe_before_a_chunked_push_is_answered(repo: Repository) -> None:
    answer = repo.post(RECEIVE, FLUSH)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("header", ["version=2:$(id)", "version=2\\nX", "$(id)", "v" * 5_000, "é"])
def test_an_odd_protocol_header_counts_for_nothing(library: Repository, header: str) -> None:
    answer = library.server.client.get(
        f"/git/{library.id}.git/info/refs?service={UPLOAD}",
        headers={"Git-Protocol": header.encode()},
    )
    assert answer.content.startswith(b"001e# service=git-upload-pack\n")


def bomb(size: int, head: bytes = b"") -> bytes:
    """A gzip of some kilobytes that inflates to ``size`` bytes."""
    line = encode(f"have {SHA}\n".encode())
    return gzip.compress(head + line * (size // len(line)), 1)


def test_a_gzip_bomb_in_a_fetch_is_413(library: Repository, source: Clone) -> None:
    head = encode(f"want {source.tip('main')} multi_ack\n".encode()) + FLUSH
    packed = bomb(66 * 2**20, head)
    assert len(packed) < 2**20
    answer = library.post(UPLOAD, packed, Content_Encoding="gzip")
    assert answer.status_code == 413


def test_a_gzip_bomb_of_zeros_is_refused(library: Repository) -> None:
    packed = gzip.compress(bytes(32 * 2**20), 1)
    for service in (UPLOAD, RECEIVE):
        assert library.post(service, packed, Content_Encoding="gzip").status_code == 400


def test_a_gzip_bomb_of_push_commands_is_413(repo: Repository) -> None:
    command = encode_push_request([(ZERO, SHA, "refs/heads/x" * 50)], ["report-status"])[:-4]
    answer = repo.post(RECEIVE, gzip.compress(command * 30_000, 1), Content_Encoding="gzip")
    assert answer.status_code == 413
    assert repo.refs() == {}


def test_a_gzip_in_a_gzip_is_no_pkt_line(library: Repository) -> None:
    packed = gzip.compress(gzip.compress(v2("done")))
    assert library.post(UPLOAD, packed, Content_Encoding="gzip").status_code == 400


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", b"no gzip at all"),
        ("gzip", gzip.compress(b"0014command=ls-refs\n0000")[:-9]),
        ("gzip", b""),
        ("br", b"0000"),
        ("deflate", b"0000"),
        ("gzip, gzip", b"0000"),
    ],
    ids=["no gzip", "cut short", "empty", "brotli", "deflate", "twice"],
)
def test_a_body_that_is_not_encoded_as_it_says(
    library: Repository, encoding: str, body: bytes
) -> None:
    assert library.post(UPLOAD, body, Content_Encoding=encoding).status_code == 400


def test_a_huge_fetch_is_413(library: Repository, source: Clone) -> None:
    def body() -> Iterator[bytes]:
        yield encode(f"want {source.tip('main')}\n".encode()) + FLUSH
        haves = encode(f"have {SHA}\n".encode()) * 20_000
        for _ in range(70):
            yield haves

    try:
        assert library.post(UPLOAD, body()).status_code == 413
    except httpx2.TransportError:  # it hung up on who went on talking
        assert library.server.client.get("/api/health").status_code == 200


def test_huge_push_commands_are_413(repo: Repository) -> None:
    def body() -> Iterator[bytes]:
        yield encode(f"{LINE}\0 report-status".encode())
        for n in range(2_000):
            yield encode(f"{ZERO} {SHA} refs/heads/{n:010}".encode()) * 120

    try:
        assert repo.post(RECEIVE, body()).status_code == 413
    except httpx2.TransportError:
        assert repo.server.client.get("/api/health").status_code == 200
    assert repo.refs() == {}


def test_the_server_is_well_after_all_that(library: Repository, reader: Clone) -> None:
    reader("ls-remote", library.url)
    log = library.server.log_path.read_text(errors="replace")
    assert "Traceback" not in log
    assert "git_failed" not in log

"""HTTP around git: wrong addresses, methods, types and credentials, in words that the client shows."""

from __future__ import annotations

import base64
import re

import httpx2
import pytest

from conformance.client import PATIENCE, RECEIVE, UPLOAD, Clone, Repository, converse
from lazyaf.git.pktline import DELIM, FLUSH, encode

V2 = "version=2"
ID = "01900000-0000-7000-8000-0000000000ff"


@pytest.mark.parametrize(
    "path",
    [
        f"/git/{ID}.git/info/refs?service={UPLOAD}",
        f"/git/{ID.upper()}.git/info/refs?service={UPLOAD}",
        f"/git/-{ID}.git/info/refs?service={UPLOAD}",
        "/git/--upload-pack=x.git/info/refs?service=git-upload-pack",
        "/git/../data/lazyaf.db",
        "/git/%2e%2e/lazyaf.db",
        "/git/..%2flazyaf.db/info/refs",
        f"/git/%2e%2e%2fgit%2f{ID}.git/info/refs?service={UPLOAD}",
        f"/git/{ID}.git/../{ID}.git/HEAD",
        f"/git/{ID}.git%00/info/refs",
        f"/git/{ID}.git/objects/info/packs",
        f"/git/{ID}.git/config",
        f"/git/{ID}.git/info/refs/../../config",
        "/git/.hooks.git/info/refs?service=git-upload-pack",
        "/git/.git/info/refs?service=git-upload-pack",
        "/git/",
        "/git",
    ],
)
def test_path_traversal_and_unknown_repositories_are_404(repo: Repository, path: str) -> None:
    said = raw_get(repo, path)
    assert re.match(r"HTTP/1.1 40[04] ", said), said
    assert "SQLite" not in said


def raw_get(repo: Repository, path: str) -> str:
    """A GET whose path no client tidies up."""
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    secret = f"Authorization: Bearer {repo.server.token}\r\n\r\n"
    return b"".join(converse(repo.server, (head + secret).encode())).decode()


def test_a_path_with_escapes_reaches_nothing_else(library: Repository) -> None:
    """The path of a repository that is there, written with escapes."""
    escaped = library.id.replace("-", "%2d")
    said = raw_get(library, f"/git/..%2fgit%2f{library.id}.git/HEAD")
    assert said.startswith("HTTP/1.1 404 ")
    assert raw_get(library, f"/git/{escaped}.git/HEAD").startswith("HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", UPLOAD, 405),
        ("GET", RECEIVE, 405),
        ("PUT", RECEIVE, 405),
        ("DELETE", RECEIVE, 405),
        ("POST", f"info/refs?service={UPLOAD}", 405),
        ("POST", "HEAD", 405),
        ("PROPFIND", "", 405),  # what WebDAV has is no method of any path
        ("MKCOL", "refs", 405),
        ("POST", "git-upload-archive", 404),
    ],
)
def test_a_wrong_method_is_4xx(library: Repository, method: str, path: str, status: int) -> None:
    answer = library.server.client.request(method, f"/git/{library.id}.git/{path}")
    assert answer.status_code == status


@pytest.mark.parametrize("service", [UPLOAD, RECEIVE])
@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-git-upload-archive-request", "", "application/json"],
)
def test_a_wrong_content_type_is_400(library: Repository, service: str, content_type: str) -> None:
    assert library.post(service, FLUSH, Content_Type=content_type).status_code == 400


@pytest.mark.parametrize("query", ["", "?service=", "?service=git-upload-archive", "?service=x%00"])
def test_a_service_that_is_none_is_403(library: Repository, query: str) -> None:
    answer = library.server.client.get(f"/git/{library.id}.git/info/refs{query}")
    assert answer.status_code == 403
    assert "smart HTTP" in answer.json()["detail"]


def basic(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


@pytest.mark.parametrize(
    "header",
    [None, "", "Basic", "Basic !!!", basic(b"lazyaf"), basic(b"lazyaf:"), basic(b"lazyaf:wrong"),
     basic(b"\xff\xfe:\xff"), "Bearer", "Bearer wrong", "Digest x", basic(b"a:" + b"x" * 20_000)],
)  # fmt: skip
def test_bad_credentials_are_401(library: Repository, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    with httpx2.Client(base_url=library.server.url, timeout=PATIENCE, trust_env=False) as stranger:
        for path in (f"info/refs?service={UPLOAD}", "HEAD"):
            answer = stranger.get(f"/git/{library.id}.git/{path}", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Basic ")
        answer = stranger.post(f"/git/{library.id}.git/{RECEIVE}", content=b"0000", headers=headers)
        assert answer.status_code == 401


def test_a_runners_token_is_no_password_for_git(library: Repository, reader: Clone) -> None:
    token = (library.server.data_dir / "runners" / "token").read_text().strip()
    url = library.plain_url.replace("://", f"://lazyaf:{token}@")
    said = reader.refused("ls-remote", url, code=128)
    assert "remote: This git password is not known." in said
    assert "Authentication failed" in said


def test_the_client_shows_why_it_was_refused(library: Repository, reader: Clone) -> None:
    bad = library.plain_url.replace("://", "://lazyaf:wrong@")
    said = reader.refused("clone", bad, "../clone", code=128)
    assert "remote: This git password is not known." in said
    gone = library.url.replace(library.id, ID)
    said = reader.refused("fetch", gone, code=128)
    assert f"remote: There is no repository {ID}" in said or "remote: There is no such" in said
    reader.commit({})
    said = reader.refused("push", gone, "HEAD:main", code=128)
    assert "remote: There is no" in said
    said = reader.refused("fetch", library.url.removesuffix(".git"), code=128)
    assert f"remote: There is no endpoint GET /git/{library.id}/info/refs." in said
    dumb = reader.refused("fetch", library.url, code=128, GIT_SMART_HTTP="0")
    assert "remote: Only git's smart HTTP protocol is served: use a git client." in dumb


def test_expect_100_continue_is_answered_before_the_body(library: Repository) -> None:
    body = encode(b"command=ls-refs\n") + DELIM + encode(b"ref-prefix HEAD\n") + FLUSH
    head = (
        f"POST /git/{library.id}.git/{UPLOAD} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Authorization: Bearer {library.server.token}\r\nGit-Protocol: {V2}\r\n"
        f"Content-Type: application/x-{UPLOAD}-request\r\nContent-Length: {len(body)}\r\n"
        "Expect: 100-continue\r\n\r\n"
    )
    go_on, first, rest = converse(library.server, head.encode(), body)
    assert go_on.startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 200 OK")
    assert b"refs/heads/main" in first + rest or b" HEAD\n" in first + rest


def test_expect_100_continue_of_a_stranger_is_401_without_a_body(library: Repository) -> None:
    head = (
        f"POST /git/{library.id}.git/{RECEIVE} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: application/x-{RECEIVE}-request\r\nContent-Length: 900000000\r\n"
        "Connection: close\r\nExpect: 100-continue\r\n\r\n"
    )
    said = b"".join(converse(library.server, head.encode()))
    assert said.startswith(b"HTTP/1.1 401 ")


def test_git_itself_may_expect_100_continue(repo: Repository, work: Clone) -> None:
    work.commit({"blob": b"x" * 3_000_000})
    traced = work(
        "-c", "http.postBuffer=1000", "-c", "http.extraHeader=Expect: 100-continue",
        "push", "origin", "main", GIT_TRACE_CURL="1", GIT_TRACE_CURL_NO_DATA="1",
    ).stderr  # fmt: skip
    assert "HTTP/1.1 100 Continue" in traced
    assert repo.refs()["refs/heads/main"] == work.tip()

"""What a repository needs from elsewhere: a submodule and a package that only who knows a secret may have. The
setup command fetches them, with a secret of the repository, from the one host that is allowed.
"""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

import pytest

from acceptance.containers.conftest import Launch
from support.git_backend import GitAnswer, ask_git, request_body, send, who_are_you
from support.history import bare_copy, commit_files, git, make_repository, tip

SECRET: Final = "known-to-setup-alone"
WHEEL: Final = "widget-1-py3-none-any.whl"
SETUP: Final = """\
git -c credential.helper='!echo username=ci; echo password=$SOURCES_TOKEN; :' submodule update --init --depth 1
python3 -m venv /tmp/venv
PIP_INDEX_URL="http://ci:$SOURCES_TOKEN@{host}/simple" PIP_TRUSTED_HOST={name} /tmp/venv/bin/pip install -q widget
"""
"""As docs/how-to/containers.md has it."""
LOOK: Final = """\
cat vendored/lib.txt > seen.txt
/tmp/venv/bin/python -c 'import widget; print(widget.SAYS)' >> seen.txt
git submodule status >> status.txt; grep -c '^ ' status.txt >> seen.txt; rm status.txt
echo "token: ${SOURCES_TOKEN:-none}" >> seen.txt
grep -rs "$(printf 'known-to-%s' setup-alone)" . /data /tmp && echo leaked >> seen.txt
true
"""


def widget() -> bytes:
    """A package of one module, as a wheel."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("widget.py", "SAYS = 'installed'\n")
        info = "widget-1.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: widget\nVersion: 1\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", f"widget.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n")
    return raw.getvalue()


def handler(root: Path) -> type[BaseHTTPRequestHandler]:
    """Git repositories below ``root``, and a package index with one package, for who knows the secret."""
    pages = {
        "/simple/widget/": ("text/html", f'<a href="/files/{WHEEL}">{WHEEL}</a>'.encode()),
        f"/files/{WHEEL}": ("application/octet-stream", widget()),
    }

    class Sources(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = request_body(self)
            given = self.headers.get("Authorization", "").removeprefix("Basic ")
            if base64.b64decode(given) != f"ci:{SECRET}".encode():
                answer = who_are_you("sources")
            elif self.path in pages:
                kind, content = pages[self.path]
                answer = GitAnswer(200, {"Content-Type": kind}, content)
            else:
                answer = ask_git(self, root, body)
            send(self, answer)

        do_POST = do_GET  # noqa: N815 - the base class looks for this name

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    return Sources


@pytest.fixture
def sources(bridge: str, tmp_path: Path) -> Iterator[str]:
    """``host:port`` of a server with the repository ``lib`` and the package ``widget``."""
    library = make_repository(tmp_path / "lib", commits=2, files={"lib.txt": "vendored\n"})
    bare_copy(library, tmp_path / "served" / "lib.git")
    server = ThreadingHTTPServer((bridge, 0), handler(tmp_path / "served"))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"{bridge}:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_setup_fetches_a_private_submodule_and_a_private_package(
    launch: Launch, sources: str, tmp_path: Path
) -> None:
    fleet = launch(runners=1)
    checkout = fleet.repository("shop")
    add_submodule(checkout, f"http://{sources}/lib.git", tip(tmp_path / "lib", "main"))
    fleet.ingest("shop", checkout)
    setup = SETUP.format(host=sources, name=sources.partition(":")[0])
    fleet.board.patch("/api/repos/shop", {"settings": {"setup_command": setup}})
    fleet.cli("repo", "sandbox", "shop", "--allow", sources)
    path = "/api/repos/shop/secrets/SOURCES_TOKEN"
    fleet.server.client.put(path, json={"value": SECRET}).raise_for_status()

    card = fleet.script("shop", "Look", LOOK)
    fleet.board.command(card, "start")
    fleet.board.wait_for(card, "in_review")
    seen = ["+vendored", "+installed", "+1", "+token: none"]
    assert fleet.board.changes(card) == {"seen.txt": seen}
    assert SECRET not in str(fleet.board.log(fleet.board.job(card)["id"]))


def add_submodule(checkout: Path, url: str, commit: str) -> None:
    """Record this commit of another repository as ``vendored``."""
    (checkout / "vendored").mkdir()
    git(checkout, "update-index", "--add", "--cacheinfo", f"160000,{commit},vendored")
    modules = f'[submodule "vendored"]\n\tpath = vendored\n\turl = {url}\n'
    commit_files(checkout, {".gitmodules": modules}, "Vendor the library")

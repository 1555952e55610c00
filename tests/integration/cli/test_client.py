"""What every client command shares: the server, the token, the exit codes."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from support.commandline import Lazyaf
from support.server import ServerProcess


@pytest.fixture
def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Stranger(BaseHTTPRequestHandler):
    """Another program on the port."""

    def do_GET(self) -> None:
        status = 500 if self.path.endswith("/broken") else 200
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"<h1>It works!</h1>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base names it so
        """Say nothing."""


@pytest.fixture
def stranger() -> Iterator[str]:
    """The URL of a server that is none of ours."""
    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_server_that_does_not_run_is_exit_3(lazyaf: Lazyaf, free_port: int) -> None:
    result = lazyaf("repo", "list", "--server", f"127.0.0.1:{free_port}")
    assert result.exit_code == 3
    assert f"http://127.0.0.1:{free_port} does not answer" in result.stderr
    assert "lazyaf serve" in result.stderr


def test_the_real_program_says_so_too(free_port: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lazyaf", "open", "--server", f"http://127.0.0.1:{free_port}"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3
    assert done.stderr.startswith("Error: The server at ")
    assert "Traceback" not in done.stderr


def test_a_bad_token_is_exit_4_and_says_where_it_came_from(lazyaf: Lazyaf) -> None:
    result = lazyaf("repo", "list", LAZYAF_TOKEN="wrong")
    assert result.exit_code == 4
    assert "The token in LAZYAF_TOKEN" in result.stderr


def test_a_missing_token_is_exit_4_and_says_where_it_was_sought(
    lazyaf: Lazyaf, tmp_path: Path
) -> None:
    result = lazyaf("repo", "list", LAZYAF_DATA_DIR=str(tmp_path))
    assert result.exit_code == 4
    assert f"{tmp_path} has no token" in result.stderr


def test_a_token_that_cannot_be_sent_is_exit_4(lazyaf: Lazyaf) -> None:
    assert lazyaf("repo", "list", LAZYAF_TOKEN="ä").exit_code == 4


def test_the_token_of_the_environment_wins(lazyaf: Lazyaf, server: ServerProcess) -> None:
    result = lazyaf("repo", "list", LAZYAF_TOKEN=server.token, LAZYAF_DATA_DIR="/nonexistent")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1", "http://", "http://127.0.0.1:99999", "http://[::"]
)
def test_a_server_that_is_no_url_is_exit_2(lazyaf: Lazyaf, url: str) -> None:
    assert lazyaf("repo", "list", "--server", url).exit_code == 2


def test_another_program_is_recognised(lazyaf: Lazyaf, stranger: str) -> None:
    result = lazyaf("repo", "list", "--server", stranger)
    assert result.exit_code == 1
    assert "not as LazyAF does" in result.stderr


def test_another_programs_error_is_no_traceback(lazyaf: Lazyaf, stranger: str) -> None:
    result = lazyaf("card", "list", "broken", "--server", stranger)
    assert result.exit_code == 1
    assert "answered 500, but not as LazyAF does" in result.stderr


def test_a_refusal_is_one_sentence_with_its_code(lazyaf: Lazyaf) -> None:
    result = lazyaf("repo", "delete", "nothing", "--yes")
    assert result.exit_code == 1
    assert result.stderr == "Error: There is no repository “nothing”. [not_found]\n"


def test_open_prints_a_link_that_signs_a_browser_in(lazyaf: Lazyaf, server: ServerProcess) -> None:
    result = lazyaf("open", "--print")
    link = result.stdout.split()[-1]
    assert link.startswith(f"{server.url}/#code=")
    exchanged = server.client.post("/api/auth/exchange", json={"code": link.partition("=")[2]})
    assert exchanged.status_code == 200


def test_open_prints_the_link_on_the_origin_that_was_asked(
    lazyaf: Lazyaf, server: ServerProcess
) -> None:
    asked = server.url.replace("127.0.0.1", "localhost")
    assert lazyaf.json("open", "--server", asked)["url"].startswith(f"{asked}/#code=")


def test_open_opens_the_link(lazyaf: Lazyaf, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    result = lazyaf("open", BROWSER=f"{browser} %s")
    assert result.exit_code == 0, result.output
    assert "#code=" in (tmp_path / "opened").read_text()


def test_repositories_are_listed_and_deleted(lazyaf: Lazyaf, name: str) -> None:
    assert lazyaf.json("repo", "list")["next_cursor"] is None
    made = lazyaf("repo", "delete", name, "--yes")
    assert made.exit_code == 1


def test_deleting_a_repository_asks(lazyaf: Lazyaf, server: ServerProcess, name: str) -> None:
    server.client.post("/api/repos", json={"name": name}).raise_for_status()
    assert name in lazyaf("repo", "list").stdout
    assert lazyaf("repo", "delete", name, stdin="n\n").exit_code == 1
    assert lazyaf("repo", "delete", name, stdin="y\n").exit_code == 0
    assert server.client.get(f"/api/repos/{name}").status_code == 404


def test_runners_and_their_number(working: Lazyaf) -> None:
    assert "keeps 1 runner" in working("scale", "1").stdout
    listed = working("runners")
    assert listed.exit_code == 0, listed.output
    assert "Pool process: 1 runner asked for." in listed.stdout


def test_a_pool_that_is_not_there_is_refused(lazyaf: Lazyaf) -> None:
    result = lazyaf("scale", "1")
    assert result.exit_code == 1
    assert "Pools of this server: none" in result.stderr


def test_json_errors_stay_on_stderr(lazyaf: Lazyaf) -> None:
    result = lazyaf("card", "list", "nothing", "--json")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert json.loads(lazyaf("repo", "list", "--json").stdout)["items"] is not None


def test_this_machines_server_is_looked_for_at_its_port(
    lazyaf: Lazyaf, server: ServerProcess
) -> None:
    made = lazyaf("open", "--print", LAZYAF_SERVER="", LAZYAF_PORT=str(server.port))
    assert made.exit_code == 0, made.output
    assert made.stdout.startswith(f"http://127.0.0.1:{server.port}/#code=")

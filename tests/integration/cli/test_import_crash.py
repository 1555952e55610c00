"""A server that is killed, or stopped, in the middle of fetching: the next one begins again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.commandline import Git, Lazyaf
from support.server import ServerProcess
from support.waiting import until


class Gate:
    """Stands before a server and lets connections through; from ``hold_from`` on it keeps them."""

    def __init__(self, url: str, hold_from: int) -> None:
        parts = urlsplit(url)
        self._behind = (parts.hostname or "", parts.port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.hold_from = hold_from
        self.held = threading.Event()
        self._count = 0
        self._kept: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for kept in self._kept:
            kept.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._count += 1
            self._kept.append(near)
            if self._count >= self.hold_from:
                self.held.set()
                continue
            far = socket.create_connection(self._behind)
            self._kept.append(far)
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=_relay, args=(source, target), daemon=True).start()


def _relay(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.fixture
def gate(server: ServerProcess) -> Iterator[Gate]:
    """Lets the first connection through, which is the question what is there."""
    made = Gate(server.url, hold_from=2)
    yield made
    made.close()


@pytest.mark.parametrize("way", ["killed", "stopped"])
def test_the_next_server_begins_again(
    lazyaf: Lazyaf, server: ServerProcess, gate: Gate, checkout: Git, tmp_path: Path, way: str
) -> None:
    assert lazyaf("ingest", checkout.path).exit_code == 0
    path = server.client.get(f"/api/repos/{checkout.path.name}").json()["internal_git_url"]
    token = (server.data_dir / "token").read_text().strip()
    board = ServerProcess(tmp_path / "board", None, "--pool", "none")
    with board:
        wanted = {"url": f"{gate.url}{path}", "name": "copy", "password": token}
        begun = board.client.post("/api/repos/import", json=wanted)
        assert begun.json()["import_state"] == "fetching", begun.text
        assert gate.held.wait(30)
        if way == "killed":
            board.kill()
        else:
            assert board.stop() == 0  # and in time, although the remote says nothing
        gate.hold_from = 1_000
        board.start()

        def state() -> str:
            shown = board.client.get("/api/repos/copy").json()["import_state"]
            return "" if shown == "fetching" else str(shown)

        assert until(state, "it was fetched") == "ready"
        [branch] = board.client.get("/api/repos/copy/branches").json()["items"]
        assert branch["sha"] == checkout("rev-parse", "HEAD")
        assert list((board.data_dir / "git" / ".tmp").iterdir()) == []

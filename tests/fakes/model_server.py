"""A scripted Anthropic Messages API on loopback: the model, without a model.

The scenario is the first part of the path, so that one server serves parallel tests::

    with ModelServer() as model:
        env["ANTHROPIC_BASE_URL"] = model.url("edit-and-commit")

or from a shell ``python tests/fakes/model_server.py --port 0``, which prints its URL and serves until
it is stopped; then ``POST /_release/<gate>`` opens a gate and ``GET /_requests`` shows what came in.
Scenarios are data: see `fakes.model_scenarios`. A JSON block in the card's description can choose
another one (``{"scenario": "…"}``) and holds its parameters (`fakes.model_turns.Seen.params`).
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fakes.model_scenarios import SCENARIOS
from fakes.model_turns import Seen, Turn, pieces_of

WAIT_S = 60.0
"""How long a test waits for something that must happen; reaching it is a failure."""
OVERLOADED = 529
ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
    OVERLOADED: "overloaded_error",
}


class ModelServer:
    """The server, its recorded requests and the gates at which streams wait."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self.requests: list[Seen] = []
        self._changed = threading.Condition()
        self._gates: dict[str, threading.Event] = {}
        self._waiting: Counter[str] = Counter()
        self._runs = itertools.count(1)
        self._ids = itertools.count(1)
        self._http = ThreadingHTTPServer((host, port), _Handler)
        self._http.daemon_threads = True
        self._http.model = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self.origin = f"http://{host}:{self._http.server_address[1]}"

    def __enter__(self) -> ModelServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        with self._changed:
            for gate in self._gates.values():
                gate.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def url(self, scenario: str, *, run: str | None = None) -> str:
        """A base URL of its own for one run of a scenario; see `requests_of`."""
        return f"{self.origin}/{scenario}/{run or next(self._runs)}"

    def requests_of(self, url: str) -> list[Seen]:
        """The model's turns (not title or token-count calls) asked for under this base URL."""
        run = url.removeprefix(self.origin).strip("/")
        return [seen for seen in self.requests if seen.run == run and seen.is_turn]

    def release(self, gate: str) -> None:
        """Let everything that waits at this gate, now and later, go on."""
        self._gate(gate).set()

    def wait_until_waiting(self, gate: str) -> None:
        """Block until a stream stands at this gate. Call it in a thread from asyncio."""
        self.wait_for(lambda: self._waiting[gate] > 0)

    def waiting_at(self, gate: str) -> int:
        """How many streams stand at this gate."""
        return self._waiting[gate]

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Block until the condition, about requests or gates, holds; TimeoutError otherwise."""
        with self._changed:
            if not self._changed.wait_for(condition, WAIT_S):
                raise TimeoutError("the model server was not asked for what the test waits for")

    def record(self, seen: Seen) -> None:
        """Number the request within its run and remember it."""
        with self._changed:
            seen.attempt = sum(s.run == seen.run and s.is_turn for s in self.requests)
            self.requests.append(seen)
            self._changed.notify_all()

    def stand_at(self, gate: str) -> None:
        """Wait at a gate, visibly."""
        event = self._gate(gate)
        with self._changed:
            self._waiting[gate] += 1
            self._changed.notify_all()
        event.wait()
        with self._changed:
            self._waiting[gate] -= 1

    def next_id(self, prefix: str) -> str:
        """An id like the API's, in order."""
        return f"{prefix}_{next(self._ids):06d}"

    def _gate(self, name: str) -> threading.Event:
        with self._changed:
            return self._gates.setdefault(name, threading.Event())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _model(self) -> ModelServer:
        model: ModelServer = self.server.model  # type: ignore[attr-defined]
        return model

    def do_HEAD(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        if self.path == "/_requests":
            self._json(200, [seen.summary() for seen in self._model.requests])
        else:
            self._json(404, _error(404, "The fake knows no such page."))

    def do_POST(self) -> None:
        try:
            self._post()
        except ConnectionError:  # the agent was interrupted or killed: it has hung up
            self.close_connection = True

    def _post(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?", 1)[0]
        if path.startswith("/_release/"):
            self._model.release(path.removeprefix("/_release/"))
            self._json(200, {})
        elif path.endswith("/v1/messages/count_tokens"):
            self._json(200, {"input_tokens": len(body) // 4})
        elif path.endswith("/v1/messages"):
            self._messages(path.removesuffix("/v1/messages").strip("/"), json.loads(body))
        else:
            self._json(404, _error(404, "The fake knows no such page."))

    def _messages(self, run: str, body: dict[str, Any]) -> None:
        seen = Seen(run=run, body=body, headers={k.lower(): v for k, v in self.headers.items()})
        self._model.record(seen)
        turn = self._turn(seen)
        if turn.gate and not turn.blocks:
            self._model.stand_at(turn.gate)
        if turn.status is not None:
            self._json(turn.status, _error(turn.status, turn.reason), turn.headers)
        elif body.get("stream"):
            self._stream(turn, body)
        elif turn.cut:  # after cut streams the CLI asks once more for a whole message
            self.close_connection = True
        else:
            self._json(200, self._message(turn, body) | {"content": self._blocks(turn)})

    def _turn(self, seen: Seen) -> Turn:
        if not seen.is_turn:
            return Turn([{"type": "text", "text": "ok"}])
        scenario = SCENARIOS.get(seen.scenario)
        if scenario is None:
            return Turn(status=404, reason=f"The fake has no scenario {seen.scenario!r}.")
        return scenario(seen)

    def _stream(self, turn: Turn, body: dict[str, Any]) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in self._events(turn, body):
            if event is None:
                self.close_connection = True
                return
            self._chunk(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        self._chunk(b"")

    def _events(self, turn: Turn, body: dict[str, Any]) -> Iterator[dict[str, Any] | None]:
        """The events of a stream; None stands for a cut of the connection."""
        yield {
            "type": "message_start",
            "message": self._message(turn, body) | {"stop_reason": None},
        }
        for index, block in enumerate(self._blocks(turn)):
            start, deltas = pieces_of(block)
            yield {"type": "content_block_start", "index": index, "content_block": start}
            for position, delta in enumerate(deltas):
                if turn.gate and position == 1:
                    self._model.stand_at(turn.gate)
                if turn.cut and position == 1:
                    yield None
                yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
        yield {
            "type": "message_delta",
            "delta": {"stop_reason": turn.stop_reason, "stop_sequence": None},
            "usage": {"output_tokens": turn.output_tokens},
        }
        yield {"type": "message_stop"}

    def _message(self, turn: Turn, body: dict[str, Any]) -> dict[str, Any]:
        usage = {
            "input_tokens": turn.input_tokens,
            "cache_creation_input_tokens": turn.cache_write_tokens,
            "cache_read_input_tokens": turn.cache_read_tokens,
            "output_tokens": turn.output_tokens,
        }
        return {
            "id": self._model.next_id("msg"),
            "type": "message",
            "role": "assistant",
            "model": body.get("model", "fake"),
            "content": [],
            "stop_reason": turn.stop_reason,
            "stop_sequence": None,
            "usage": usage,
        }

    def _blocks(self, turn: Turn) -> list[dict[str, Any]]:
        return [
            {"id": self._model.next_id("toolu"), **block} if block["type"] == "tool_use" else block
            for block in turn.blocks
        ]

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _json(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        payload = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: tests read `ModelServer.requests`."""


def _error(status: int, reason: str) -> dict[str, Any]:
    kind = ERROR_TYPES.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": reason}, "request_id": "req_fake"}


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="A scripted Anthropic Messages API.")
    parser.add_argument("--port", type=int, default=0)
    with ModelServer(parser.parse_args().port) as model:
        print(model.origin, flush=True)  # noqa: T201 - how a shell learns where it is
        threading.Event().wait()


if __name__ == "__main__":
    main()

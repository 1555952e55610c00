"""From inside a container: what an agent there cannot reach, and what it cannot do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

import psutil
import pytest

from acceptance.containers.conftest import Launch
from acceptance.containers.fleet import UNTIL_GO, Fleet

KNOCK: Final = """
import json, socket, sys

def knock(host, port):
    try:
        socket.create_connection((host, port), 2).close()
    except OSError as error:
        return type(error).__name__
    return "open"

print(json.dumps({f"{host}:{port}": knock(host, port) for host, port in json.loads(sys.argv[1])}))
"""
RESOLVE: Final = """
import json, socket
try:
    print(json.dumps(len(socket.getaddrinfo("localhost.lazyaf-test.invalid", 80))))
except socket.gaierror as error:
    print(json.dumps(error.errno))
"""
LOOK: Final = """
import json, os, pathlib, re
status = pathlib.Path("/proc/self/status").read_text()
def may_write(path):
    try:
        pathlib.Path(path).write_text("x")
    except OSError:
        return False
    return True
def secret(pid):
    for name in ("environ", "mem", "maps"):
        try:
            pathlib.Path(f"/proc/{pid}/{name}").open("rb").read(1)
        except OSError:
            continue
        return True
    return False
def words_of(process):
    try:
        return (process / "cmdline").read_bytes().split(b"\\0")
    except OSError:
        return []  # it has ended
runners = []
for p in pathlib.Path("/proc").iterdir():
    words = words_of(p) if p.name.isdigit() else []
    if b"--token-stdin" in words and b"tini" not in words[0]:
        runners.append(int(p.name))
print(json.dumps({
    "uid": os.getuid(),
    "capabilities": int(re.search(r"CapBnd:\\s*(\\w+)", status)[1], 16),
    "no_new_privileges": int(re.search(r"NoNewPrivs:\\s*(\\d)", status)[1]),
    "writes": [p for p in ("/x", "/etc/x", "/usr/x", "/opt/lazyaf/x", "/proc/sysrq-trigger") if may_write(p)],
    "sockets": [p for p in ("/var/run/docker.sock", "/run/docker.sock") if os.path.exists(p)],
    "runners": len(runners),
    "open_runners": [p for p in runners if secret(p)],
    "environment": sorted(os.environ),
}))
"""


CLAIM: Final = """
import base64, json, sys, urllib.error, urllib.request
token, own, other = sys.argv[1:]
def ask(path, header, body=None):
    raw = None if body is None else json.dumps(body).encode()
    sent = {"Authorization": header, "Content-Type": "application/json"}
    request = urllib.request.Request("http://lazyaf:8765" + path, raw, sent)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""
def say(verb, **body):
    body["instance_id"] = "instance-of-nobody"
    return ask("/api/runner/v1/" + verb, "Bearer " + token, body)
registered = say("register", name="nobody", version="1", protocol=1, agents=[{"name": "script"}])
job = json.loads(say("claim", claim_id="claim-of-nobody", wait=20)[1])
login = job["repo"]["username"] + ":" + job["repo"]["password"]
basic = "Basic " + base64.b64encode(login.encode()).decode()
services = "/git/{}.git/info/refs?service=git-upload-pack", "/git/{}.git/info/refs?service=git-receive-pack"
print(json.dumps({
    "repo": job["repo"]["id"],
    "own": [ask(path.format(own), basic)[0] for path in services],
    "other": [ask(path.format(other), basic)[0] for path in services],
}))
"""


@pytest.fixture
def everywhere() -> Iterator[int]:
    """A web server of this machine that listens on all its addresses; its port."""

    class Hello(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

    server = ThreadingHTTPServer(("0.0.0.0", 0), Hello)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def addresses_of_this_machine() -> set[str]:
    found = psutil.net_if_addrs().values()
    return {a.address for each in found for a in each if a.family.name == "AF_INET"}


def knock(fleet: Fleet, container: str, doors: list[tuple[str, int]]) -> dict[str, str]:
    answers: dict[str, str] = fleet.python(container, KNOCK, json.dumps(doors))
    return answers


def test_nothing_is_reached_but_the_relay_and_the_proxy(launch: Launch, everywhere: int) -> None:
    fleet = launch(runners=2)
    first, second = (fleet.container_of(r["name"]) for r in fleet.wait_for_idle(2))
    own = addresses_of_this_machine()
    assert len(own) > 2, "the bridges' addresses must be among them"
    neighbour = next(iter(fleet.engine.inspect(second)["NetworkSettings"]["Networks"].values()))
    closed = [(host, everywhere) for host in own - {"127.0.0.1"}]
    closed += [(host, fleet.server.port) for host in own]
    closed += [(host, 8766) for host in own]
    closed += [("169.254.169.254", 80), ("1.1.1.1", 443), (neighbour["IPAddress"], 22)]
    # The neighbour listens, as an agent's development server would.
    listen = "import socket, time; s = socket.create_server(('', 8000)); time.sleep(60)"
    fleet.engine.docker("exec", "-d", second, "python3", "-c", listen)
    closed += [
        (neighbour["IPAddress"], 8000),
        (neighbour["Gateway"] or neighbour["IPAddress"], 8765),
    ]

    answers = knock(fleet, first, closed)
    assert [door for door, answer in answers.items() if answer == "open"] == []
    assert knock(fleet, second, [("127.0.0.1", 8000), ("lazyaf", 8765)]) == {
        "127.0.0.1:8000": "open",
        "lazyaf:8765": "open",
    }
    assert fleet.python(first, RESOLVE) < 0, "a resolver answered: names are a way out"


def test_an_agent_there_is_nobody_and_sees_no_secret(launch: Launch) -> None:
    fleet = launch(runners=1)
    fleet.repository("shop")
    card = fleet.script("shop", "Look", UNTIL_GO)
    fleet.board.command(card, "start")
    _, container = fleet.at_work(card)
    seen = fleet.python(container, LOOK)

    assert seen["uid"] == 10001
    assert seen["capabilities"] == 0
    assert seen["no_new_privileges"] == 1
    assert seen["writes"] == []
    assert seen["sockets"] == []
    assert seen["runners"] == 1
    assert seen["open_runners"] == [], "the runner's memory or environment can be read"
    told = json.dumps(fleet.engine.inspect(container))
    assert "lafr_" not in told
    fleet.go(container)
    fleet.board.wait_for(card, "in_review")


def test_the_server_shows_a_container_the_runners_protocol_and_git_alone(launch: Launch) -> None:
    fleet = launch(runners=1)
    fleet.repository("shop")
    runner = fleet.wait_for_idle(1)[0]
    repo = fleet.board.get("/api/repos/shop")["id"]
    ask = (
        "import json, sys, urllib.request, urllib.error\n"
        "def ask(path):\n"
        "    try:\n"
        "        return urllib.request.urlopen('http://lazyaf:8765' + path).status\n"
        "    except urllib.error.HTTPError as error:\n"
        "        return error.code\n"
        "print(json.dumps([ask(path) for path in sys.argv[1:]]))\n"
    )
    paths = ["/", "/api/health", "/api/repos", f"/git/{repo}.git/info/refs?service=git-upload-pack"]
    found = fleet.python(fleet.container_of(runner["name"]), ask, *paths)
    assert found == [404, 404, 404, 401]


def test_a_jobs_git_credential_opens_its_own_repository_alone(launch: Launch) -> None:
    fleet = launch(runners=1)
    fleet.repository("shop")
    fleet.repository("other")
    busy = fleet.script("shop", "Work", UNTIL_GO)
    fleet.board.command(busy, "start")
    _, container = fleet.at_work(busy)
    fleet.board.command(fleet.script("shop", "Wait", "true"), "start")
    token = fleet.board.post("/api/runners/tokens", {"name": "nobody"})["token"]
    own, other = (fleet.board.get(f"/api/repos/{name}")["id"] for name in ("shop", "other"))

    # What a runner knows, an agent that got at it could try out: from where agents are.
    found = fleet.python(container, CLAIM, token, own, other)
    assert found == {"repo": own, "own": [200, 200], "other": [403, 403]}

"""The way out of a container: to the model and to what the repository allows, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from acceptance.containers.conftest import Launch
from acceptance.house import KEY
from fakes.model_server import ModelServer
from support.engine import Engine
from support.waiting import until

PATIENCE_S = 60.0


class Shop(BaseHTTPRequestHandler):
    """A registry that has one package."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b"package\n")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def registry(bridge: str) -> Iterator[str]:
    """``host:port`` of a web server outside."""
    server = ThreadingHTTPServer((bridge, 0), Shop)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"{bridge}:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def get(place: str) -> str:
    """A command that fetches something, through the proxy that the environment names."""
    program = f"import urllib.request; urllib.request.urlopen('http://{place}/', timeout=20)"
    return f'python3 -c "{program}"'


def fetch(*places: str) -> str:
    """A command that tries each of these and writes down which of them answered."""
    tries = [f"{get(place)} 2>/dev/null && echo {place} >>answered.txt" for place in places]
    return "touch answered.txt; " + "; ".join(tries) + "; true"


@pytest.mark.claude
def test_claude_works_in_a_container_through_the_proxy(launch: Launch) -> None:
    fleet = launch(runners=1)
    fleet.repository("shop")
    card = fleet.claude("shop", "Fix it", path="fixed.txt")
    fleet.board.command(card, "start")
    fleet.board.wait_for(card, "in_review")

    assert fleet.asked("Fix it"), "the scripted model was not asked"
    assert fleet.board.job(card)["blocked_hosts"] == {}
    told = "".join(fleet.engine.docker("inspect", each) for each in fleet.containers(running=False))
    assert KEY not in told
    assert KEY not in str(fleet.board.log(fleet.board.job(card)["id"]))


def test_a_job_reaches_what_its_repository_allows_and_the_rest_is_counted(
    launch: Launch, registry: str, bridge: str
) -> None:
    fleet = launch(runners=1)
    fleet.repository("shop")
    fleet.repository("other")
    fleet.board.patch("/api/repos/shop", {"settings": {"allowed_hosts": [registry]}})
    port = registry.rpartition(":")[2]
    tried = fetch(registry, f"{bridge}:1", "169.254.169.254:80", f"{bridge}:1")
    cards = [fleet.script(name, "Fetch", tried) for name in ("shop", "other")]
    for card in cards:
        fleet.board.command(card, "start")
        fleet.board.wait_for(card, "in_review")

    refused = {f"{bridge}:1": 2, "169.254.169.254:80": 1}
    until(
        lambda: fleet.board.job(cards[0])["blocked_hosts"] == refused,
        f"the refusals are counted: {fleet.board.job(cards[0])['blocked_hosts']}",
    )
    also = {**refused, f"{bridge}:{port}": 1}
    until(
        lambda: fleet.board.job(cards[1])["blocked_hosts"] == also,
        "another repository's list opens nothing here",
    )
    assert "`lazyaf repo sandbox other --allow HOST`" in fleet.cli("card", "show", "other", "1")


@pytest.mark.claude
def test_setup_has_the_repositorys_secrets_and_the_agent_the_key(launch: Launch) -> None:
    fleet = launch(runners=1, LAZYAF_AGENT_ENV="CHOSEN_SECRET", CHOSEN_SECRET="chosen-for-agents")
    fleet.repository("shop")
    names = "env | cut -d= -f1 | grep -E 'ANTHROPIC|CHOSEN|REGISTRY' | sort"
    setup = f"{names} > setup.txt; test $REGISTRY_TOKEN = for-setup-alone"
    fleet.board.patch("/api/repos/shop", {"settings": {"setup_command": setup}})
    secret = {"value": "for-setup-alone"}
    fleet.server.client.put(
        "/api/repos/shop/secrets/REGISTRY_TOKEN", json=secret
    ).raise_for_status()
    script = fleet.script("shop", "Look", f"{names} > agent.txt")
    claude = fleet.claude("shop", "Fix it", path="fixed.txt")
    for card in (script, claude):
        fleet.board.command(card, "start")
        fleet.board.wait_for(card, "in_review")
        changes = fleet.board.changes(card)
        assert changes["setup.txt"] == ["+REGISTRY_TOKEN"], "a key was given to setup"
    assert fleet.board.changes(script)["agent.txt"] == ["+CHOSEN_SECRET"]
    assert fleet.asked("Fix it"), "the scripted model was not asked"


def test_checks_have_the_repositorys_secrets_and_neither_key_nor_model(
    launch: Launch, model: ModelServer
) -> None:
    fleet = launch(runners=1, LAZYAF_AGENT_ENV="CHOSEN_SECRET", CHOSEN_SECRET="chosen-for-agents")
    fleet.repository("shop")
    names = "env | cut -d= -f1 | grep -E 'ANTHROPIC|CHOSEN|REGISTRY' | sort"
    api = model.origin.removeprefix("http://")
    checks = [{"name": "names", "run": names}, {"name": "model", "run": f"! {get(api)} 2>&1"}]
    fleet.board.patch("/api/repos/shop", {"settings": {"checks": checks}})
    secret = {"value": "for-setup-and-checks"}
    fleet.server.client.put(
        "/api/repos/shop/secrets/REGISTRY_TOKEN", json=secret
    ).raise_for_status()
    card = fleet.script("shop", "Work", "echo 1 > work.txt")
    fleet.board.command(card, "start")
    fleet.board.wait_for(card, "in_review")
    checked = fleet.board.explained(
        card,
        lambda: (
            (found := fleet.board.card(card)["checks"]) and found["state"] == "passed" and found
        ),
        "its checks have passed",
    )
    said = [entry["text"] for entry in fleet.board.log(checked["job_id"])]
    assert "REGISTRY_TOKEN" in said
    assert not {"ANTHROPIC_API_KEY", "CHOSEN_SECRET"} & set(said)
    until(
        lambda: api in fleet.board.get(f"/api/jobs/{checked['job_id']}")["blocked_hosts"],
        "the way to the model was shut",
    )


def test_a_dead_proxy_comes_back_and_knows_what_is_allowed(launch: Launch, registry: str) -> None:
    fleet = launch(runners=1)
    fleet.repository("shop")
    fleet.board.patch("/api/repos/shop", {"settings": {"allowed_hosts": [registry]}})
    again = f"until {get(registry)}; do sleep 0.2; done; echo got > got.txt"
    card = fleet.script(
        "shop", "Fetch", "touch started; until [ -e go ]; do sleep 0.1; done; rm go; " + again
    )
    fleet.board.command(card, "start")
    _, container = fleet.at_work(card)
    egress, relay = fleet.containers("egress"), fleet.containers("relay")
    fleet.engine.docker("kill", *egress, *relay)
    until(lambda: fleet.containers("egress") and fleet.containers("relay"), "both are back")
    fleet.go(container)
    fleet.board.wait_for(card, "in_review")
    assert fleet.board.job(card)["attempt"] == 1


@pytest.fixture(autouse=True)
def _model_is_used(model: ModelServer, engine: Engine) -> None:
    """The scripted model listens where containers can reach it."""
    assert not model.origin.startswith("http://127.")

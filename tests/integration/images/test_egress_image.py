"""The way out of the agents' networks: what the proxy refuses, what it tells, and that the relay carries
one port and no other. With a real squid and a real haproxy, which have no rights.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from support.engine import Engine
from support.images import base_image
from support.waiting import until

NO_RIGHTS = (
    *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--tmpfs", "/tmp"),
)
PAGES = "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port=8000, bind='0.0.0.0')"
NAMES = """
import socket, sys
asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asked.bind(("0.0.0.0", 53))
while True:
    packet, sender = asked.recvfrom(4096)
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1 : at + 1 + packet[at]].decode())
        at += packet[at] + 1
    print(".".join(labels), flush=True)
    asked.sendto(packet[:2] + b"\\x81\\x83" + packet[4:6] + bytes(6) + packet[12:], sender)
"""
CONNECTIONS = 200


class Proxy:
    """A running proxy; ``lines`` are what it said on stdout, in order."""

    def __init__(
        self, engine: Engine, image: str, *options: str, places: tuple[str, ...] = ()
    ) -> None:
        self.engine = engine
        self.name = f"lazyaf-test-{uuid.uuid4().hex[:12]}"
        self.child = subprocess.Popen(
            [
                engine.program,
                "run",
                "--interactive",
                "--name",
                self.name,
                *NO_RIGHTS,
                *options,
                image,
                "egress",
                *places,
            ],
            env=engine.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.hear("READY")
        network = next(iter(engine.inspect(self.name)["NetworkSettings"]["Networks"].values()))
        self.source: str = network["Gateway"]
        self.client = httpx2.Client(
            proxy=f"http://{network['IPAddress']}:3128", trust_env=False, timeout=20
        )

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self.lines.put(line.rstrip("\n"))

    def hear(self, line: str) -> None:
        """Wait for it to say this next."""
        assert self.lines.get(timeout=60) == line

    def say(self, line: str) -> None:
        """Write a line to its stdin."""
        assert self.child.stdin is not None
        self.child.stdin.write(f"{line}\n")
        self.child.stdin.flush()

    def allow(self, *places: str) -> None:
        """Replace the list of this machine, and wait for that to be so."""
        listed = ", ".join(f'"{place}"' for place in places)
        self.say(f'{{"source": "{self.source}", "allow": [{listed}]}}')
        self.hear(f"ALLOW {self.source} {len(places)}")

    def forget(self) -> None:
        """Empty the lists that tests make, and leave unread what was said so far."""
        self.say('{"source": "203.0.113.9", "allow": []}')
        self.say(f'{{"source": "{self.source}", "allow": []}}')
        while self.lines.get(timeout=60) != f"ALLOW {self.source} 0":
            pass

    def get(self, url: str) -> int:
        """The status of a plain request."""
        return self.client.get(url).status_code

    def connect(self, host: str, port: int) -> int:
        """The status of a CONNECT."""
        assert self.client is not None
        address = self.engine.inspect(self.name)["NetworkSettings"]["Networks"]
        ip = next(iter(address.values()))["IPAddress"]
        with socket.create_connection((ip, 3128), 20) as tunnel:
            tunnel.sendall(
                f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
            )
            return int(tunnel.recv(4096).split()[1])

    def end(self) -> None:
        """Remove it."""
        self.client.close()
        self.engine.docker("rm", "--force", self.name)
        self.child.wait(30)
        self._reader.join(30)
        for pipe in (self.child.stdin, self.child.stdout):
            if pipe is not None:
                pipe.close()


@pytest.fixture(scope="module")
def engine(docker_engine: Engine) -> Iterator[Engine]:
    """The engine; the tests of this file share what stands in it."""
    with docker_engine.used():
        yield docker_engine


@pytest.fixture(scope="module")
def base(engine: Engine) -> str:
    """An image with Python in it."""
    return base_image(engine).tag


@pytest.fixture(scope="module")
def network(engine: Engine) -> Iterator[str]:
    """A network of the tests' own."""
    name = f"lazyaf-test-{uuid.uuid4().hex[:12]}"
    engine.docker("network", "create", name)
    yield name
    engine.docker("network", "rm", name)


@contextlib.contextmanager
def running(engine: Engine, network: str, *words: str) -> Iterator[str]:
    """A container in the background; its address."""
    name = engine.docker("run", "--detach", "--network", network, *words).strip()
    try:
        yield engine.inspect(name)["NetworkSettings"]["Networks"][network]["IPAddress"]
    finally:
        engine.docker("rm", "--force", name)


NOWHERE = {
    "loopback": "127.0.0.1",
    "metadata": "169.254.169.254",
    "slot": "198.18.0.3",
    "unspecified": "0.0.0.0",
}


@pytest.fixture(scope="module")
def pages(engine: Engine, network: str, base: str) -> Iterator[str]:
    """A web server on port 8000 of ``pages.test`` and of another name; its address."""
    aliases = ("--network-alias", "pages.test", "--network-alias", "deep.pages.test")
    words = (*aliases, "--workdir", "/var", "--init", base, "python3", "-c", PAGES)
    with running(engine, network, *words) as address:
        until(lambda: listens(address, 8000), "the web server listens")
        yield address


@pytest.fixture(scope="module")
def shared_proxy(engine: Engine, egress_image: str, network: str, pages: str) -> Iterator[Proxy]:
    """A proxy in the network, told of names that lead where nobody may go."""
    hosts = [f"--add-host={name}.bad.test:{ip}" for name, ip in NOWHERE.items()]
    proxy = Proxy(engine, egress_image, "--network", network, *hosts)
    yield proxy
    proxy.end()


@pytest.fixture
def proxy(shared_proxy: Proxy) -> Proxy:
    """The proxy, which lets nobody go anywhere."""
    shared_proxy.forget()
    return shared_proxy


@pytest.fixture
def breakable_proxy(engine: Engine, egress_image: str, network: str, pages: str) -> Iterator[Proxy]:
    """A proxy of the test's own."""
    proxy = Proxy(engine, egress_image, "--network", network)
    yield proxy
    proxy.end()


def test_nobody_may_go_anywhere_until_somebody_says_so(proxy: Proxy) -> None:
    assert proxy.get("http://pages.test:8000/") == 403
    proxy.hear(f"REFUSED {proxy.source} pages.test:8000")
    assert proxy.connect("pages.test", 8000) == 403
    proxy.hear(f"REFUSED {proxy.source} pages.test:8000")


def test_a_refusal_says_what_to_do(proxy: Proxy) -> None:
    said = proxy.client.get("http://pages.test:8000/").text

    assert "pages.test is not on the list" in said
    assert ".lazyaf/config.toml" in said


def test_lists_are_replaced_and_forgotten(proxy: Proxy) -> None:
    proxy.allow("pages.test:8000")
    assert proxy.get("http://pages.test:8000/") == 200
    assert proxy.connect("pages.test", 8000) == 200
    assert proxy.get("http://deep.pages.test:8000/") == 403
    proxy.hear(f"REFUSED {proxy.source} deep.pages.test:8000")

    proxy.allow(".pages.test:*")
    assert proxy.get("http://deep.pages.test:8000/") == 200

    proxy.allow()
    assert proxy.get("http://pages.test:8000/") == 403


def test_the_list_of_one_client_is_not_that_of_another(proxy: Proxy) -> None:
    proxy.say('{"source": "203.0.113.9", "allow": ["pages.test:8000"]}')
    proxy.hear("ALLOW 203.0.113.9 1")

    assert proxy.get("http://pages.test:8000/") == 403


@pytest.mark.parametrize("where", NOWHERE)
def test_some_places_are_refused_whatever_is_listed(where: str, proxy: Proxy) -> None:
    proxy.allow(".bad.test:*", f"{NOWHERE[where]}:8000")

    assert proxy.get(f"http://{where}.bad.test:8000/") == 403
    proxy.hear(f"REFUSED {proxy.source} {where}.bad.test:8000")
    assert proxy.get(f"http://{NOWHERE[where]}:8000/") == 403
    proxy.hear(f"REFUSED {proxy.source} {NOWHERE[where]}:8000")


def test_squid_tells_nobody_about_itself(proxy: Proxy) -> None:
    proxy.allow("lazyaf-egress:3128", "localhost:3128", "pages.test:8000")

    assert proxy.get("http://lazyaf-egress:3128/squid-internal-mgr/menu") == 403
    headers = proxy.client.get("http://pages.test:8000/").headers
    assert not {"via", "x-squid-error", "x-cache"} & set(headers)


def test_a_page_that_is_forbidden_elsewhere_is_no_refusal(
    proxy: Proxy, engine: Engine, network: str, base: str
) -> None:
    """Only refusals of our own are told."""
    forbid = (
        "import http.server as h; p = h.BaseHTTPRequestHandler;"
        "p.do_GET = lambda s: s.send_error(403); h.HTTPServer(('', 8001), p).serve_forever()"
    )
    words = ("--network-alias", "strict.test", "--init", base, "python3", "-c", forbid)
    with running(engine, network, *words) as address:
        until(lambda: listens(address, 8001), "the strict server listens")
        proxy.allow("strict.test:8001")
        assert proxy.get("http://strict.test:8001/") == 403
        assert proxy.get("http://other.test/") == 403
        proxy.hear(f"REFUSED {proxy.source} other.test:80")


def test_a_line_that_makes_no_sense_and_the_end_of_stdin_change_nothing(
    breakable_proxy: Proxy,
) -> None:
    breakable_proxy.allow("pages.test:8000")
    for line in ("{", '{"source": "x"}', "[]"):
        breakable_proxy.say(line)
    breakable_proxy.allow("pages.test:8000", "other.test:80")
    assert breakable_proxy.child.stdin is not None
    breakable_proxy.child.stdin.close()

    assert breakable_proxy.get("http://pages.test:8000/") == 200


def test_a_name_that_is_not_listed_is_not_looked_up(
    engine: Engine, egress_image: str, network: str, base: str
) -> None:
    """A look-up would carry its bytes to whoever owns the name."""
    words = ("--name", f"{network}-names", "--init", base, "python3", "-c", NAMES)
    with running(engine, network, *words) as address:
        proxy = Proxy(engine, egress_image, "--network", network, "--dns", address)
        try:
            proxy.allow("known.example:80")
            assert proxy.get("http://secret.evil.example/") == 403
            assert proxy.get("http://known.example/") == 503
        finally:
            proxy.end()
        asked = engine.docker("logs", f"{network}-names").split()

    assert set(asked) == {"known.example"}


def test_places_that_were_said_at_the_start_are_for_everybody(
    engine: Engine, egress_image: str, network: str, pages: str
) -> None:
    """For runners that no pool looks after."""
    proxy = Proxy(engine, egress_image, "--network", network, places=("pages.test:8000",))
    try:
        assert proxy.get("http://pages.test:8000/") == 200
        assert proxy.get("http://deep.pages.test:8000/") == 403
        proxy.hear(f"REFUSED {proxy.source} deep.pages.test:8000")
        proxy.allow("deep.pages.test:8000")
        assert proxy.get("http://deep.pages.test:8000/") == 200
        assert proxy.get("http://pages.test:8000/") == 200
    finally:
        proxy.end()


def test_nobody_reaches_a_network_that_was_named_at_the_start(
    engine: Engine, egress_image: str, network: str, pages: str
) -> None:
    """The slots' own one, whichever a person chose for them."""
    subnet = engine.inspect(network)["IPAM"]["Config"][0]["Subnet"]
    places = ("--never", subnet, "pages.test:8000")
    proxy = Proxy(engine, egress_image, "--network", network, places=places)
    try:
        assert proxy.get("http://pages.test:8000/") == 403
        proxy.hear(f"REFUSED {proxy.source} pages.test:8000")
    finally:
        proxy.end()


def test_it_ends_when_squid_does(breakable_proxy: Proxy) -> None:
    name = breakable_proxy.name
    with contextlib.suppress(AssertionError):  # what kills squid may end with the container itself
        breakable_proxy.engine.docker("exec", name, "python3", "-c", KILL_SQUID)

    assert breakable_proxy.child.wait(30) != 0


KILL_SQUID = """
import os, pathlib, signal
def is_squid(process):
    try:
        return (process / "comm").read_text() == "squid\\n"
    except OSError:
        return False  # it has ended
for entry in pathlib.Path("/proc").iterdir():
    if entry.name.isdigit() and is_squid(entry):
        os.kill(int(entry.name), signal.SIGKILL)
"""


def listens(address: str, port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


def test_the_relay_carries_one_port_many_times(
    engine: Engine, egress_image: str, network: str, base: str
) -> None:
    """As many connections as sixty runners have, open at once, in both directions."""
    words = ("--init", base, "python3", "-c", ECHO)
    with running(engine, network, *words) as target:
        until(lambda: listens(target, 7000), "the echo listens")
        relay = (*NO_RIGHTS, egress_image, "relay", "8765", target, "7000")
        with running(engine, network, *relay) as address, contextlib.ExitStack() as open_ones:
            until(lambda: listens(address, 8765), "the relay listens")
            ends = [
                open_ones.enter_context(socket.create_connection((address, 8765), 20))
                for _ in range(CONNECTIONS)
            ]
            for number, end in enumerate(ends):
                end.sendall(f"{number}\n".encode())
            heard = [end.makefile().readline() for end in ends]
            assert not listens(address, 7000)

    assert heard == [f"{number}\n" for number in range(CONNECTIONS)]


ECHO = """
import asyncio
async def echo(reader, writer):
    while piece := await reader.read(4096):
        writer.write(piece)
        await writer.drain()
    writer.close()
async def main():
    async with await asyncio.start_server(echo, "0.0.0.0", 7000, backlog=1000) as server:
        await server.serve_forever()
asyncio.run(main())
"""


def test_the_relay_leaves_when_told_to(engine: Engine, egress_image: str, network: str) -> None:
    name = f"{network}-relay"
    words: tuple[Any, ...] = ("--detach", "--name", name, "--network", network, *NO_RIGHTS)
    engine.docker("run", *words, egress_image, "relay", "8765", "203.0.113.9", "7000")
    try:
        engine.docker("stop", "--time", "60", name, seconds=30)
        code = engine.inspect(name)["State"]["ExitCode"]
    finally:
        engine.docker("rm", "--force", name)

    assert code in (0, 143)

"""The program of the image for the ways out of the agents' networks.

    egress.py relay PORT HOST HOST_PORT    forward one port (haproxy)
    egress.py egress [--never NETWORK] [PLACE …]
                                           an HTTP proxy on port 3128 with an allow-list per client (squid)

Nobody reaches NETWORK, the slots' own one, whatever is allowed [198.18.0.0/15]. Everybody may reach the PLACEs, and
nobody anything else until stdin says so, one JSON object a line::

    {"source": "10.1.2.3", "allow": ["api.example.com:443", ".example.org:*"]}

which replaces the list of that client and is answered by ``ALLOW <source> <number of places>`` on stdout.
There it also says ``READY`` once it accepts, and for each refusal ``REFUSED <source> <host>:<port>``. The
end of stdin changes nothing. It ends when squid does.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

HOME = Path("/opt/egress")
LISTS = Path("/tmp/allowed.json")  # noqa: S108 - the container's own, the one place to write
NEVER = Path("/tmp/never.txt")  # noqa: S108
SLOTS = "198.18.0.0/15"
PORT = 3128
LINE_MAX = 1_000_000


def relay(port: str, host: str, host_port: str) -> None:
    """Become haproxy, which reads where to from its environment."""
    target = f"[{host}]:{host_port}" if ":" in host else f"{host}:{host_port}"
    program = str(HOME / "bin" / "haproxy")
    environment = {"RELAY_PORT": port, "RELAY_TO": target}
    argv = [program, "-db", "-f", str(HOME / "relay.cfg")]
    os.execve(program, argv, environment)  # noqa: S606 - there is no shell in between


def egress(never: str, places: list[str]) -> int:
    """Run squid, and take lists from stdin. Its exit code."""
    lists = {"*": places}
    replace(lists)
    NEVER.write_text(f"{never}\n", "utf-8")
    squid = subprocess.Popen(
        [HOME / "bin" / "squid", "-N", "-f", HOME / "squid.conf"], stdin=subprocess.DEVNULL
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: squid.terminate())
    threading.Thread(target=take_lists, args=[lists], daemon=True).start()
    threading.Thread(target=say_when_ready, daemon=True).start()
    return squid.wait()


def take_lists(lists: dict[str, list[str]]) -> None:
    """Keep the file as stdin says, whole at every moment."""
    while line := sys.stdin.buffer.readline(LINE_MAX):
        try:
            said = json.loads(line)
            source, places = str(said["source"]), [str(place) for place in said["allow"]]
        except (ValueError, KeyError, TypeError) as error:
            sys.stderr.write(f"egress: a line was not understood: {error!r}\n")
            continue
        lists.pop(source, None)
        if places:
            lists[source] = places
        replace(lists)
        say(f"ALLOW {source} {len(places)}")


def replace(lists: dict[str, list[str]]) -> None:
    """Write the file beside itself and rename it."""
    fresh = LISTS.with_suffix(".new")
    fresh.write_text(json.dumps(lists), "utf-8")
    fresh.replace(LISTS)


def say_when_ready() -> None:
    """Try until squid accepts."""
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORT), 1):
            say("READY")
            return
        time.sleep(0.02)


def say(line: str) -> None:
    """One line at once: squid writes to the same pipe."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["relay", port, host, host_port]:
            relay(port, host, host_port)
        case ["egress", "--never", never, *places]:
            os._exit(egress(never, places))  # a thread waits for stdin, and would be waited for
        case ["egress", *places]:
            os._exit(egress(SLOTS, places))
        case _:
            sys.exit(__doc__)

"""The commands that start a runner elsewhere. Placeholders stand where a person's own words go, and a
secret never: the token is one of them, and keys are taken from the environment by their names.
"""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

KEYS: Final = ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN")
HARDENED: Final = (
    "--read-only --cap-drop ALL --security-opt no-new-privileges",
    "--memory 4g --pids-limit 1024",
    "--tmpfs /tmp:exec --tmpfs /data:uid=10001,gid=10001,mode=0700,exec",
)
"""The rights that a runner's image does without, what it may take of the machine, and the two directories in which
it writes."""
IMAGE: Final = "lazyaf-runner"
NEXT_LINE: Final = " \\\n  "


def plain(url: str) -> str:
    """For a machine on which LazyAF is installed."""
    return f"LAZYAF_RUNNER_TOKEN=<token> {_runner(url)}"


def docker(url: str) -> str:
    """For a machine that has the image. Variables without a value are taken from the environment, so no
    secret is in the arguments. A server on loopback is reached in the host's network alone."""
    network = ["--network host"] if is_loopback(url) else []
    passed = " ".join(f"-e {name}" for name in ("LAZYAF_RUNNER_TOKEN", *KEYS))
    words = ["LAZYAF_RUNNER_TOKEN=<token> docker run --rm", *HARDENED, *network, passed]
    return NEXT_LINE.join([*words, f"{IMAGE} {_runner(url)}"])


def needs(url: str, *, is_public: bool) -> list[str]:
    """What must be there, in words."""
    port = urlsplit(url).port or 80
    tunnel = (
        f"the server reachable there as on this machine: `ssh -L {port}:127.0.0.1:{port}` to it"
    )
    return [
        "a token: make one below; it is shown once",
        "a name that no other runner has",
        f"LazyAF installed there, or the image `{IMAGE}`, which `make image` builds and "
        f"`docker save {IMAGE} | ssh HOST docker load` takes there",
        f"for Claude Code one of {' or '.join(f'`{name}`' for name in KEYS)} in the environment there",
        *([] if is_public else [tunnel]),
    ]


def is_loopback(url: str) -> bool:
    """Whether only this machine itself reaches the URL."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _runner(url: str) -> str:
    return f"lazyaf runner --server {url} --name <name> --label <label>"

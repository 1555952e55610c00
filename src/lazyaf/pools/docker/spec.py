"""What the engine is asked for: the bodies of containers, and in them all that an agent is kept from. Pure
functions; with `networks` every line of hardening stands here and nowhere else.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Final

from lazyaf.domain.containers import Containers
from lazyaf.pools.docker import labels
from lazyaf.pools.docker.addresses import Places
from lazyaf.pools.docker.config import (
    PROXY_NAME,
    PROXY_PORT,
    RELAY_PORT,
    SERVER_NAME,
    DockerPoolConfig,
)
from lazyaf.pools.docker.labels import Role

CACHE: Final = "/opt/lazyaf-cache"
"""Where a large repository's objects are, in containers for its jobs."""
FILL: Final = """\
git init --quiet --bare --template= "$1"
cd "$1"
git bundle unbundle /dev/stdin >refs.new
sed 's/^\\([^ ]*\\) \\(.*\\)$/create \\2 \\1/' refs.new | git update-ref --stdin
git pack-refs --all
rm refs.new
"""
"""Makes a bare repository of what comes by stdin (`git bundle`)."""
RUNTIME: Final = "/opt/lazyaf"
"""Where the runner is, with all that it needs, in whatever image."""
USER: Final = "10001:10001"
DATA: Final = "/data"
STATE: Final = "/data/state"
WORK: Final = "/data/work"
STATE_MB: Final = 256
"""For the log on its way: a full work tree must not take its place."""
TMP_MB: Final = 512
VOLUME_MB: Final = 64
GATE_MB: Final = 256
FILL_MB: Final = 2048
"""Git looks at a pack's deltas in memory while it makes the index."""
MB: Final = 1_000_000
NO_HEALTH: Final = {"Test": ["NONE"]}
"""The pool hears of a death from the engine; a check would be one more process every few seconds."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a runner's container goes, and who it is there."""

    slot: int
    runner: str
    token_id: str
    network: str
    places: Places


@dataclass(frozen=True, slots=True)
class Cached:
    """A repository and the volume with its objects."""

    repo_id: str
    volume: str


@dataclass(frozen=True, slots=True)
class OwnImage:
    """An image that a repository names, and the volume ``runtime`` with the runner that goes into it."""

    name: str
    id: str
    env: tuple[str, ...]
    volumes: tuple[str, ...]
    runtime: str


def runner(
    config: DockerPoolConfig,
    containers: Containers,
    placement: Placement,
    image: str,
    own: OwnImage | None = None,
    cached: Cached | None = None,
) -> dict[str, Any]:
    """A runner for one job, of the image with this id, which ``own`` says more of when it is not the pool's;
    with ``cached`` for jobs of that repository alone. Its token comes by stdin: nothing in here is secret."""
    argv = [
        f"{RUNTIME}/bin/lazyaf",
        "runner",
        "--once",
        "--token-stdin",
        "--name",
        placement.runner,
    ]
    argv += ["--server", f"http://{SERVER_NAME}:{RELAY_PORT}", "--pool", "docker"]
    argv += ["--isolation", "container", "--state-dir", STATE, "--work-dir", WORK]
    for name in config.promised:
        argv += ["--key-from-server", name]
    more = {}
    if own is not None:
        argv += ["--image", own.name]
        more["image"] = own.name
    if cached is not None:
        argv += ["--repo", cached.repo_id, "--borrow", f"{CACHE}/cache.git"]
        more["repo"] = cached.repo_id
    role = labels.labels(
        Role.RUNNER,
        config.server_id,
        slot=str(placement.slot),
        runner=placement.runner,
        token=placement.token_id,
        made_of=fingerprint(image, containers, config),
        **more,
    )
    tmpfs = {
        DATA: _tmpfs(1, 0o755),
        STATE: _tmpfs(STATE_MB, 0o700),
        WORK: _tmpfs(containers.disk_mb, 0o700),
        "/tmp": _tmpfs(TMP_MB, 0o1777),  # noqa: S108 - the container's own
    }
    body = {
        "Image": containers.image,
        "Cmd": argv,
        "User": USER,
        "Hostname": placement.runner,
        "Env": _environment(),
        "Labels": role,
        "Healthcheck": NO_HEALTH,
        **_stdin(once=True),
        "HostConfig": {
            **_hardened(containers.memory_mb, containers.pids, tmpfs),
            "NanoCpus": int(containers.cpus * 1e9),
            "Ulimits": [{"Name": "core", "Soft": 0, "Hard": 0}],
            "NetworkMode": placement.network,
            "ExtraHosts": [
                f"{SERVER_NAME}:{placement.places.relay}",
                f"{PROXY_NAME}:{placement.places.egress}",
            ],
            # The engine's resolver would ask the host's for any name, in a network without a way out
            # too (CVE-2024-29018): that is a way out. Nobody answers at this address.
            "Dns": ["127.0.0.1"],
            "RestartPolicy": {"Name": "no"},
        },
        "NetworkingConfig": _at(placement.network, placement.places.runner),
    }
    if own is not None:
        _move_in(body, own)
    if cached is not None:
        mount = _cache(config, cached, CACHE) | {"ReadOnly": True}
        body["HostConfig"].setdefault("Mounts", []).append(mount)
    return body


def cache(config: DockerPoolConfig, image: str, cached: Cached, size: int) -> dict[str, Any]:
    """Fills the volume with what comes by stdin, in a container without a network. It stays where it ended:
    its exit code says whether the volume is whole, and a label of how many bytes it was made."""
    role = labels.labels(Role.CACHE, config.server_id, repo=cached.repo_id, made_of=str(size))
    tmpfs = {"/tmp": _tmpfs(TMP_MB, 0o1777)}  # noqa: S108 - the container's own
    return {
        "Image": image,
        # Below the runner's home, of whose owner and mode the engine makes an empty volume.
        "Entrypoint": ["sh", "-e", "-c", FILL, "sh", f"{DATA}/cache.git"],
        "User": USER,
        "Env": [],
        "Labels": role,
        "Healthcheck": NO_HEALTH,
        **_stdin(once=True),
        "HostConfig": {
            **_hardened(FILL_MB, 64, tmpfs),
            "NetworkMode": "none",
            "Mounts": [_cache(config, cached, DATA)],
        },
    }


def _cache(config: DockerPoolConfig, cached: Cached, target: str) -> dict[str, Any]:
    told = {"Labels": labels.labels(Role.CACHE, config.server_id, repo=cached.repo_id)}
    return {"Type": "volume", "Source": cached.volume, "Target": target, "VolumeOptions": told}


def runtime(config: DockerPoolConfig, image: str, image_id: str, volume: str) -> dict[str, Any]:
    """A container that never runs: making it fills the volume with the runner of this image."""
    role = labels.labels(Role.RUNTIME, config.server_id, made_of=image_id)
    told = {"Labels": labels.labels(Role.RUNTIME, config.server_id)}
    mount = {**_runtime(volume), "ReadOnly": False, "VolumeOptions": told}
    return {
        "Image": image,
        "Labels": role,
        "Healthcheck": NO_HEALTH,
        "HostConfig": {**_hardened(GATE_MB, 64, {}), "NetworkMode": "none", "Mounts": [mount]},
    }


def check(config: DockerPoolConfig, own: OwnImage) -> dict[str, Any]:
    """Says whether a runner can work in this image (`lazyaf.runner.fitness`)."""
    tmpfs = {path: _tmpfs(TMP_MB, 0o1777) for path in (DATA, "/tmp")}  # noqa: S108 - the container's own
    body: dict[str, Any] = {
        "Image": own.name,
        "Cmd": [f"{RUNTIME}/python/bin/python3", "-I", "-m", "lazyaf.runner.fitness"],
        "User": USER,
        "Env": [],
        "Labels": labels.labels(Role.CHECK, config.server_id),
        "Healthcheck": NO_HEALTH,
        "HostConfig": {**_hardened(1024, 256, tmpfs), "NetworkMode": "none"},
    }
    body["Cmd"] += config.promised
    _move_in(body, own)
    return body


def _move_in(body: dict[str, Any], own: OwnImage) -> None:
    """Make the body one of a foreign image, into which the runner is mounted."""
    given = dict(line.split("=", 1) for line in own.env if "=" in line)
    path = given.pop("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    ours = {
        "PATH": f"{RUNTIME}/bin:{path}",
        "HOME": DATA,
        "LAZYAF_DATA_DIR": DATA,
        # What an image sets is for whoever works in it.
        "LAZYAF_AGENT_ENV": ",".join(name for name in given if not name.startswith("LAZYAF_")),
    }
    body["Entrypoint"] = [f"{RUNTIME}/bin/tini", "--"]
    body["WorkingDir"] = DATA
    body["Env"] = [*body["Env"], *(f"{name}={value}" for name, value in ours.items())]
    host = body["HostConfig"]
    host["Mounts"] = [_runtime(own.runtime)]
    # A volume of the image's would be a place on the host's disk, without a limit.
    host["Tmpfs"] = {**{path: _tmpfs(VOLUME_MB, 0o1777) for path in own.volumes}, **host["Tmpfs"]}


def _runtime(volume: str) -> dict[str, Any]:
    return {"Type": "volume", "Source": volume, "Target": RUNTIME, "ReadOnly": True}


def relay(
    config: DockerPoolConfig, outside: str, places: Places, port: int, image: str
) -> dict[str, Any]:
    """Forwards one port of the slots' networks to the server's listener for runners."""
    target = config.bind_host or places.gateway
    argv = ["relay", str(RELAY_PORT), target, str(port)]
    return _gate(config, Role.RELAY, argv, outside, places.relay, image)


def egress(config: DockerPoolConfig, outside: str, places: Places, image: str) -> dict[str, Any]:
    """The proxy through which agents reach what their repository allows, and never one another's networks."""
    argv = ["egress", "--never", config.subnets]
    return _gate(config, Role.EGRESS, argv, outside, places.egress, image)


def _gate(
    config: DockerPoolConfig, role: Role, argv: list[str], outside: str, address: str, image: str
) -> dict[str, Any]:
    tmpfs = {path: _tmpfs(64, 0o1777) for path in ("/tmp", "/run")}  # noqa: S108 - the container's own
    made_of = _digest(image, *argv)
    return {
        "Image": config.egress_image,
        "Cmd": argv,
        "Labels": labels.labels(role, config.server_id, made_of=made_of),
        "Healthcheck": NO_HEALTH,
        **_stdin(once=False),
        "HostConfig": {
            **_hardened(GATE_MB, 256, tmpfs),
            "NetworkMode": outside,
            "RestartPolicy": {"Name": "always"},
        },
        "NetworkingConfig": _at(outside, address),
    }


def fingerprint(image: str, containers: Containers, config: DockerPoolConfig) -> str:
    """What a runner's container was made of: one that was made of something else is replaced."""
    return _digest(image, str(asdict(containers)), *config.promised, config.version)


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:16]


def _hardened(memory_mb: int, pids: int, tmpfs: dict[str, str]) -> dict[str, Any]:
    """What no container of ours is without."""
    memory = memory_mb * MB
    return {
        "ReadonlyRootfs": True,
        "Tmpfs": tmpfs,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "Privileged": False,
        "IpcMode": "private",
        "Memory": memory,
        "MemorySwap": memory,
        "PidsLimit": pids,
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "2"}},
    }


def _tmpfs(size_mb: int, mode: int) -> str:
    return f"rw,exec,nosuid,nodev,size={size_mb}m,mode={mode:o},uid=10001,gid=10001"


def _stdin(*, once: bool) -> dict[str, Any]:
    return {"OpenStdin": True, "StdinOnce": once, "AttachStdin": True, "Tty": False}


def _environment() -> list[str]:
    proxy = f"http://{PROXY_NAME}:{PROXY_PORT}"
    direct = f"{SERVER_NAME},localhost,127.0.0.1,::1"
    both = {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "NO_PROXY": direct}
    return [f"{name}={value}" for key, value in both.items() for name in (key, key.lower())]


def _at(network: str, address: str) -> dict[str, Any]:
    return {"EndpointsConfig": {network: {"IPAMConfig": {"IPv4Address": address}}}}

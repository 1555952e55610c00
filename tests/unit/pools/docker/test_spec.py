"""What the engine is asked for. That it keeps what is asked is shown by tests/acceptance/containers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from lazyaf.domain.containers import Containers
from lazyaf.pools.docker import networks, spec
from lazyaf.pools.docker.addresses import places
from lazyaf.pools.docker.config import DockerPoolConfig

CONFIG = DockerPoolConfig(
    server_id="0badcafe",
    containers=Containers("lazyaf-runner:latest"),
    egress_image="lazyaf-egress:latest",
    docker_host=None,
    bind_host=None,
    bind_port=8766,
    subnets="198.18.0.0/15",
    version="1",
)
WHERE = places("198.18.0.16/28")
PLACEMENT = spec.Placement(3, "docker-3", "the-token-id", "lazyaf-cell-0badcafe-3", WHERE)
CONTAINERS = Containers("lazyaf-runner:latest", memory_mb=1000, cpus=1.5, pids=100, disk_mb=500)


def runner() -> dict[str, Any]:
    return spec.runner(CONFIG, CONTAINERS, PLACEMENT, "sha256:image")


BODIES = {
    "runner": runner(),
    "relay": spec.relay(CONFIG, "lazyaf-outside-0badcafe", WHERE, 8766, "sha256:egress"),
    "egress": spec.egress(CONFIG, "lazyaf-outside-0badcafe", WHERE, "sha256:egress"),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_no_container_has_more_than_it_needs(body: dict[str, Any]) -> None:
    host = body["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert not host["Privileged"]
    assert host["Memory"] == host["MemorySwap"] > 0
    assert host["PidsLimit"] > 0
    assert host["LogConfig"]["Config"]["max-size"]
    assert "Binds" not in host
    assert "Mounts" not in host
    assert all("nosuid" in options for options in host["Tmpfs"].values())
    assert "docker.sock" not in json.dumps(body)


def test_a_runner_is_nobody_and_within_its_limits() -> None:
    body = runner()
    host = body["HostConfig"]
    assert body["User"] == "10001:10001"
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == (1_000_000_000, 1.5e9, 100)
    assert "size=500m" in host["Tmpfs"]["/data/work"]
    assert host["Ulimits"] == [{"Name": "core", "Soft": 0, "Hard": 0}]


def test_a_runner_sees_only_relay_and_proxy_and_asks_no_resolver() -> None:
    host = runner()["HostConfig"]
    assert host["NetworkMode"] == "lazyaf-cell-0badcafe-3"
    assert host["ExtraHosts"] == ["lazyaf:198.18.0.18", "egress:198.18.0.19"]
    assert host["Dns"] == ["127.0.0.1"]


def test_a_cell_has_neither_a_way_out_nor_an_address_of_the_host() -> None:
    body = networks.cell(CONFIG, 3, "198.18.0.16/28")
    assert body["Internal"]
    assert body["Options"] == {"com.docker.network.bridge.inhibit_ipv4": "true"}


def test_the_proxy_leads_to_no_other_slot_wherever_these_are() -> None:
    elsewhere = replace(CONFIG, subnets="10.77.0.0/16")
    body = spec.egress(elsewhere, "lazyaf-outside-0badcafe", WHERE, "sha256:egress")
    assert body["Cmd"] == ["egress", "--never", "10.77.0.0/16"]


def test_relay_and_proxy_come_back_when_they_die() -> None:
    assert BODIES["relay"]["HostConfig"]["RestartPolicy"] == {"Name": "always"}
    assert BODIES["egress"]["HostConfig"]["RestartPolicy"] == {"Name": "always"}
    assert runner()["HostConfig"]["RestartPolicy"] == {"Name": "no"}


def test_the_relay_forwards_to_the_gateway_or_to_where_a_person_says() -> None:
    assert BODIES["relay"]["Cmd"] == ["relay", "8765", "198.18.0.17", "8766"]
    own = replace(CONFIG, bind_host="192.0.2.7")
    assert spec.relay(own, "net", WHERE, 9000, "i")["Cmd"] == ["relay", "8765", "192.0.2.7", "9000"]


@pytest.mark.parametrize(
    "other",
    [
        spec.fingerprint("sha256:other", CONTAINERS, CONFIG),
        spec.fingerprint("sha256:image", replace(CONTAINERS, pids=101), CONFIG),
        spec.fingerprint("sha256:image", CONTAINERS, replace(CONFIG, version="2")),
    ],
)
def test_a_container_made_of_something_else_is_told_apart(other: str) -> None:
    assert other != spec.fingerprint("sha256:image", CONTAINERS, CONFIG)
    assert other not in runner()["Labels"].values()


OWN = spec.OwnImage(
    name="registry.example.com/app:1",
    id="sha256:app",
    env=("PATH=/app/bin:/bin", "JAVA_HOME=/app/jdk", "LAZYAF_SERVER=http://elsewhere", "EMPTY="),
    volumes=("/var/lib/app",),
    runtime="lazyaf-runtime-0badcafe-1",
)


def test_the_runner_goes_into_another_image_read_only() -> None:
    own = replace(CONTAINERS, image=OWN.name)
    body = spec.runner(CONFIG, own, PLACEMENT, OWN.id, OWN)
    usual = runner()
    assert body["Image"] == OWN.name
    assert body["Entrypoint"] == ["/opt/lazyaf/bin/tini", "--"]
    assert body["Cmd"][:2] == ["/opt/lazyaf/bin/lazyaf", "runner"]
    assert body["Cmd"][-2:] == ["--image", OWN.name]
    host = body["HostConfig"]
    assert host.pop("Mounts") == [
        {
            "Type": "volume",
            "Source": "lazyaf-runtime-0badcafe-1",
            "Target": "/opt/lazyaf",
            "ReadOnly": True,
        }
    ]
    assert "nosuid" in host["Tmpfs"].pop("/var/lib/app")
    assert host == usual["HostConfig"], "it is kept from less than another one"
    assert (body["User"], body["NetworkingConfig"]) == (usual["User"], usual["NetworkingConfig"])


def test_what_an_image_sets_is_for_the_agent_and_never_for_the_runner() -> None:
    body = spec.runner(CONFIG, CONTAINERS, PLACEMENT, OWN.id, OWN)
    env = dict(line.split("=", 1) for line in body["Env"])
    assert env["PATH"] == "/opt/lazyaf/bin:/app/bin:/bin"
    assert env["LAZYAF_AGENT_ENV"] == "JAVA_HOME,EMPTY"
    assert env["HOME"] == "/data"
    assert env["HTTPS_PROXY"] == "http://egress:3128"


def test_an_image_is_looked_at_without_a_network() -> None:
    host = spec.check(CONFIG, OWN)["HostConfig"]
    assert host["NetworkMode"] == "none"
    assert host["CapDrop"] == ["ALL"]
    assert host["ReadonlyRootfs"]
    assert host["Mounts"][0]["ReadOnly"]


def test_a_cache_is_filled_without_a_network_and_mounted_read_only() -> None:
    cached = spec.Cached("the-repo", "lazyaf-cache-0badcafe-the-repo-1")
    filling = spec.cache(CONFIG, "lazyaf-runner:latest", cached, 75)
    assert filling["HostConfig"]["NetworkMode"] == "none"
    assert [mount["Source"] for mount in filling["HostConfig"]["Mounts"]] == [cached.volume]

    body = spec.runner(CONFIG, CONTAINERS, PLACEMENT, "sha256:image", None, cached)
    (mount,) = body["HostConfig"]["Mounts"]
    assert (mount["Source"], mount["ReadOnly"]) == (cached.volume, True)
    assert body["Cmd"][-4:] == ["--repo", "the-repo", "--borrow", f"{spec.CACHE}/cache.git"]
    own = spec.runner(CONFIG, CONTAINERS, PLACEMENT, OWN.id, OWN, cached)
    assert [m["Target"] for m in own["HostConfig"]["Mounts"]] == [spec.RUNTIME, spec.CACHE]

"""Large repositories in containers: their jobs run in containers that bring the repository's objects along."""

from __future__ import annotations

from acceptance.containers.conftest import Launch
from acceptance.containers.fleet import READY_S, UNTIL_GO, Fleet
from support.waiting import until

LARGE = {"large.txt": "".join(f"{n * n:x}" for n in range(400_000))}
"""More than a megabyte in git."""
LOOK = (
    "cd /opt/lazyaf-cache/cache.git; ls objects/pack/*.pack | wc -l > $OLDPWD/seen.txt; "
    "touch x 2>/dev/null || echo read-only >> $OLDPWD/seen.txt; cd $OLDPWD; "
    "find /data/work/cache -name '*.pack' -size +100k | wc -l >> seen.txt"
)


def launch_with_caches(launch: Launch, **variables: str) -> Fleet:
    fleet = launch(runners=1, LAZYAF_RUNNER_CACHE_MB="1", **variables)
    fleet.wait_for_idle(1)
    return fleet


def work_once(fleet: Fleet, repo: str) -> str:
    """A card from start to review; its id. While it is at work the cache of a large repository is made."""
    card = fleet.script(repo, "Begin", UNTIL_GO + "echo begun > begun.txt")
    fleet.board.command(card, "start")
    _, container = fleet.at_work(card)
    if repo == "large":
        until(lambda: caches(fleet), "the cache is made", seconds=READY_S)
    fleet.go(container)
    fleet.board.wait_for(card, "in_review")
    return card


def caches(fleet: Fleet) -> list[str]:
    """The names of the whole ones."""
    words = ["--filter", f"label=lazyaf.server={fleet.id}", "--filter", "label=lazyaf.role=cache"]
    words += ["--filter", "exited=0", "--format", "{{.Names}}"]
    return fleet.engine.docker("ps", "--all", *words).split()


def volumes(fleet: Fleet) -> list[str]:
    words = ["--filter", f"label=lazyaf.server={fleet.id}"]
    return fleet.engine.docker("volume", "ls", "-q", *words).split()


def lines(fleet: Fleet, card: str, path: str) -> list[str]:
    return [line[1:] for line in fleet.board.changes(card)[path] if line.startswith("+")]


def test_a_large_repositorys_job_runs_with_its_cache_and_others_without(launch: Launch) -> None:
    fleet = launch_with_caches(launch)
    fleet.repository("large", files=LARGE)
    fleet.repository("small")
    first = work_once(fleet, "large")
    work_once(fleet, "small")
    assert volumes(fleet) == caches(fleet), "there is a cache of the small one"
    fleet.board.approve(first)  # main is now where the cache does not know it

    cold = fleet.script("large", "Look", UNTIL_GO + "test -e begun.txt && " + LOOK)
    fleet.board.command(cold, "start")
    _, container = fleet.at_work(cold)
    usual = fleet.script("small", "Look", "ls /opt/lazyaf-cache || echo none > seen.txt")
    fleet.board.command(usual, "start")
    assert fleet.containers() == [container], "there are more containers than were asked for"
    mounts = fleet.engine.inspect(container)["Mounts"]
    assert [(m["Name"], m["RW"]) for m in mounts if m["Type"] == "volume"] == [
        (caches(fleet)[0], False)
    ]
    fleet.go(container)
    fleet.board.wait_for(cold, "in_review")
    assert lines(fleet, cold, "seen.txt") == ["1", "read-only", "0"]
    fleet.board.wait_for(usual, "in_review")
    assert lines(fleet, usual, "seen.txt") == ["none"]

    assert fleet.server.stop() == 0
    assert volumes(fleet) == []


def test_the_next_server_takes_up_a_cache_and_removes_what_is_not_whole(launch: Launch) -> None:
    fleet = launch_with_caches(launch)
    fleet.repository("large", files=LARGE)
    work_once(fleet, "large")
    made = caches(fleet)
    fleet.server.kill()
    half = half_made(fleet)
    fleet.start()

    until(lambda: half not in volumes(fleet), "what is not whole is gone", seconds=READY_S)
    assert caches(fleet) == made
    card = fleet.script("large", "Look", LOOK)
    fleet.board.command(card, "start")
    fleet.board.wait_for(card, "in_review")
    assert lines(fleet, card, "seen.txt") == ["1", "read-only", "0"]

    repo = fleet.board.get("/api/repos/large")
    assert fleet.server.client.delete(f"/api/repos/{repo['id']}").is_success
    until(lambda: not volumes(fleet), "the repository's cache went with it", seconds=READY_S)


def half_made(fleet: Fleet) -> str:
    """What a server leaves that is killed while it fills a volume."""
    labels = ["--label", f"lazyaf.server={fleet.id}", "--label", "lazyaf.role=cache"]
    labels += ["--label", "lazyaf.repo=another"]
    name = f"lazyaf-cache-{fleet.id}-another-0"
    fleet.engine.docker("volume", "create", *labels, name)
    image = fleet.engine.docker(
        "ps", "--all", "--filter", f"name={caches(fleet)[0]}", "--format", "{{.Image}}"
    )
    words = ["--label", "lazyaf.made-of=1", "--volume", f"{name}:/data", "--entrypoint", "false"]
    fleet.engine.try_docker("run", "--name", name, *labels, *words, image.strip())
    return name

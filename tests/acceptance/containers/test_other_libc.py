"""Jobs in an image without the GNU C library and bash: the runner and Claude Code bring their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from acceptance.containers.conftest import Launch
from support.engine import Engine
from support.images import base_image

IMAGE: Final = "lazyaf-test-musl:1"
SELFCONTAINED: Final = Path(__file__).parents[3] / "images"
BUILD: Final = """\
FROM {base} AS build
RUN apt-get update \\
 && apt-get install -y -qq --no-install-recommends busybox-static git musl patchelf
COPY selfcontained.py /
RUN mkdir -p /image/bin /image/lib /image/usr/bin /image/usr/lib/git-core /image/tmp \\
 && cp /bin/busybox /image/bin/ && chroot /image /bin/busybox --install -s /bin \\
 && cp /lib/ld-musl-*.so.1 /image/lib/ \\
 && python3 /selfcontained.py /git /usr/bin/git /usr/lib/git-core/git-remote-http && mv /git /image/ \\
 && ln -s /git/bin/git /image/usr/bin/ && ln -s /git/bin/git-remote-http /image/usr/lib/git-core/
FROM scratch
COPY --from=build /image /
ENV PATH=/usr/bin:/bin
"""
"""As small distributions are: BusyBox, musl's loader, and a git, which here has its libraries beside it."""
LOOK: Final = (
    "ls -d /lib* > seen.txt; ls /lib >> seen.txt; test -e /etc/ld.so.cache || echo none >> seen.txt"
)


@pytest.fixture(scope="module")
def musl_image(docker_engine: Engine) -> Iterator[str]:
    """An image in which no program finds glibc."""
    with docker_engine.used():
        recipe = BUILD.format(base=base_image(docker_engine).tag)
        words = ("build", "-t", IMAGE, "-f", "-", str(SELFCONTAINED))
        docker_engine.docker(*words, stdin=recipe.encode(), seconds=600)
        yield IMAGE
        docker_engine.try_docker("rmi", "--force", IMAGE)


@pytest.mark.claude
def test_claude_works_in_an_image_that_has_another_c_library(
    launch: Launch, musl_image: str
) -> None:
    fleet = launch(runners=1)
    fleet.repository("shop")
    fleet.board.patch("/api/repos/shop", {"settings": {"image": musl_image}})
    look = fleet.script("shop", "Look", LOOK)
    card = fleet.claude("shop", "Fix it", file="fixed.txt")
    for each in (look, card):
        fleet.board.command(each, "start")
        fleet.board.wait_for(each, "in_review")
    seen = [line[1:] for line in fleet.board.changes(look)["seen.txt"] if line.startswith("+")]
    assert [line for line in seen if not line.startswith("ld-musl-")] == ["/lib", "none"]
    assert "fixed.txt" in fleet.board.changes(card)
    results = fleet.asked("Fix it")[-1].results
    assert [each["content"] for each in results if each.get("is_error")] == [], "no shell?"

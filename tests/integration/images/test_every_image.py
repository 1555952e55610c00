"""What holds for every image: it says what it is, gives no rights, and keeps nothing that the build read."""

from __future__ import annotations

import json
import re
import tarfile
import tempfile
from collections.abc import Iterator
from typing import IO

import pytest

from lazyaf import __version__
from support.engine import Engine
from support.images import MARK

READ_SIZE = 1 << 20


@pytest.fixture(params=["runner", "egress", "server"])
def tag(request: pytest.FixtureRequest) -> str:
    """The tag of each image."""
    found: str = request.getfixturevalue(f"{request.param}_image")
    return found


def test_it_says_what_it_is(tag: str, engine: Engine) -> None:
    config = engine.inspect(tag)["Config"]

    labels = config["Labels"]
    assert labels["org.opencontainers.image.version"] == __version__
    revision = labels["org.opencontainers.image.revision"]
    assert re.fullmatch(r"unknown|[0-9a-f]{40}(-dirty)?", revision)
    assert labels["lazyaf.version"] == __version__
    assert config["User"] == "10001:10001"


def test_nothing_in_it_gives_rights(tag: str, engine: Engine) -> None:
    words = ("-xdev", "-perm", "/6000", "-type", "f")

    found = engine.docker("run", "--rm", "--user", "0", "--entrypoint", "find", tag, "/", *words)

    assert found == ""


def test_it_keeps_nothing_that_the_build_read(tag: str, engine: Engine) -> None:
    """Neither its history, nor its description, nor a layer, deleted files included."""
    told = engine.docker("history", "--no-trunc", tag) + json.dumps(engine.inspect(tag))
    assert MARK not in told
    assert re.findall(r"https?://(?!127\.0\.0\.1)[^\s\"]+", told) == []

    assert [name for name, stream in files_of(engine, tag) if has(stream, MARK)] == []


def files_of(engine: Engine, tag: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Every file of every layer."""
    with tempfile.NamedTemporaryFile(prefix="lazyaf-image-") as saved:
        engine.docker("save", "--output", saved.name, tag)
        with tarfile.open(saved.name) as archive:
            manifest = archive.extractfile("manifest.json")
            assert manifest is not None
            for layer in json.loads(manifest.read())[0]["Layers"]:
                with tarfile.open(fileobj=archive.extractfile(layer)) as files:
                    for file in files:
                        stream = files.extractfile(file) if file.isreg() else None
                        if stream is not None:
                            yield file.name, stream


def has(stream: IO[bytes], word: str) -> bool:
    """Whether a stream holds the word, which may lie across two reads."""
    tail = b""
    while piece := stream.read(READ_SIZE):
        if word.encode() in tail + piece:
            return True
        tail = piece[-len(word) :]
    return False

"""The project's images, built as a person builds them from a base that is made on this machine, since no
registry need be reached. Each is built once for its content and for the engine that holds it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from support.engine import Engine
from support.tools import untestable

ROOT: Final = Path(__file__).parents[2]
IMAGES: Final = ROOT / "images"
BASE_SOURCES: Final = (IMAGES / "build-base.sh",)
MARK: Final = "index.lazyaf-tests.invalid"
"""In every secret that a build may read; a test looks for it in what comes out."""
TAKEN: Final = ("images", "requirements", ".dockerignore")
LOCK: Final = ROOT / ".make" / "images.lock"
BUILD_S: Final = 850.0


@dataclass(frozen=True)
class Built:
    """An image. ``seconds`` is what it took, 0 when it was there already."""

    tag: str
    seconds: float


def base_image(engine: Engine) -> Built:
    """Debian with Python, by ``images/build-base.sh``."""
    if shutil.which("mmdebstrap") is None:
        untestable("mmdebstrap is not installed: no base image can be made")
    tag = f"lazyaf-test-base:{_digest(BASE_SOURCES)}"
    return _once(engine, tag, [str(IMAGES / "build-base.sh"), tag], {})


def image(engine: Engine, name: str) -> Built:
    """``runner``, ``server`` or ``egress``, by ``images/build.sh`` with a wheel of this very checkout."""
    base = base_image(engine).tag
    with tempfile.TemporaryDirectory(prefix="lazyaf-image-") as folder:
        context = Path(folder)
        _fill(context)
        tag = f"lazyaf-test-{name}:{_digest([*_files(context), *BASE_SOURCES], context)}"
        command = [str(context / "images" / "build.sh"), name, tag]
        return _once(engine, tag, command, {"BASE_IMAGE": base, **_secrets(context)})


def _fill(context: Path) -> None:
    """What a build sees of the checkout."""
    for name in TAKEN:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, context / name)
        else:
            shutil.copy(source, context / name)
    wheel = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(context / "dist")]
    subprocess.run(wheel, cwd=ROOT, check=True, capture_output=True)


def _secrets(context: Path) -> dict[str, str]:
    """Configuration of the package indexes as a company has it, and this machine's own, if any."""
    pip = f"[global]\ntrusted-host = {MARK}\n"
    for name in ("index-url", "extra-index-url"):
        value = os.environ.get(f"PIP_{name.replace('-', '_').upper()}")
        pip += f"{name} = {value}\n" if value else ""
    own = Path(os.environ.get("NPM_CONFIG_USERCONFIG", "~/.npmrc")).expanduser()
    npm = f"//{MARK}/:_authToken=secret\n" + (own.read_text() if own.is_file() else "")
    for name, text in (("pip.conf", pip), ("npmrc", npm)):
        (context / name).write_text(text)
    return {
        "PIP_CONFIG_FILE": str(context / "pip.conf"),
        "NPM_CONFIG_USERCONFIG": str(context / "npmrc"),
    }


def _once(engine: Engine, tag: str, command: list[str], env: dict[str, str]) -> Built:
    with _one_at_a_time():
        if engine.has_image(tag):
            return Built(tag, 0)
        begun = time.monotonic()
        done = subprocess.run(
            command,
            env={**engine.environ, "DOCKER": engine.program, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BUILD_S,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return Built(tag, time.monotonic() - begun)


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """What one process builds the others find."""
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _digest(paths: Iterable[Path], root: Path = ROOT) -> str:
    """Of names and contents. A wheel's bytes are the same for the same sources."""
    total = hashlib.sha256()
    for path in sorted(paths):
        name = path.relative_to(root) if path.is_relative_to(root) else path.name
        total.update(f"{name}\0{os.access(path, os.X_OK)}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:12]

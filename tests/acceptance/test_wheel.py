"""The wheel carries everything: installed into an empty environment it serves API, UI and git."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from support.server import ServerProcess
from support.tools import untestable

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "src" / "lazyaf" / "web" / "dist" / "index.html"
BUILD_S = 120


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that holds the wheel and borrows its dependencies."""
    if not DIST.exists():
        untestable("the UI is not built (make setup)")
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    site = folder / "venv" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    wheel = next(folder.glob("*.whl"))
    run(
        *(sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"),
        *("--no-deps", "--no-index", "--disable-pip-version-check", str(wheel)),
    )
    # A path in a .pth file is added as it is: no editable install of the checkout comes with it.
    borrowed = site / "site-packages" / "borrowed.pth"
    borrowed.write_text(sysconfig.get_path("purelib") + "\n")
    return python


def run(*command: str) -> None:
    """Run a command of the build."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=BUILD_S)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def server(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """`lazyaf serve` of the wheel."""
    data = tmp_path_factory.mktemp("wheel-data") / "data"
    env = {"PYTHONPATH": ""}
    with ServerProcess(data, env, "--pool", "none", python=str(installed)) as server:
        yield server


def test_the_wheel_s_own_code_serves(installed: Path) -> None:
    said = subprocess.run(
        [str(installed), "-c", "import lazyaf; print(lazyaf.__file__)"],
        env={"PATH": os.environ["PATH"]},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stdout.startswith(str(installed.parent.parent))


@pytest.mark.parametrize("path", ["/", "/r/x", "/r/x/c/1", "/settings"])
def test_pages_and_deep_links_are_the_app(server: ServerProcess, path: str) -> None:
    page = httpx2.get(server.url + path, trust_env=False)

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "<!doctype html>" in page.text.lower()


def test_the_app_s_files_are_there(server: ServerProcess) -> None:
    page = httpx2.get(server.url + "/", trust_env=False).text
    scripts = [part.split('"')[0] for part in page.split('"/_app/')[1:]]
    assert scripts
    for script in scripts:
        assert httpx2.get(f"{server.url}/_app/{script}", trust_env=False).status_code == 200


@pytest.mark.parametrize("path", ["/api/nope", "/git/nope", "/api", "/_app/nope.js"])
def test_what_is_not_there_is_never_the_app(server: ServerProcess, path: str) -> None:
    answer = server.client.get(path)

    assert answer.status_code == 404
    assert "html" not in answer.headers["content-type"]
    if not path.startswith("/_app"):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == 404

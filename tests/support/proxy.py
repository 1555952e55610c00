"""nginx with TLS before a server, set up by the very block that docs/how-to/reverse-proxy.md shows."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Final

from support.tools import untestable
from support.waiting import until

PAGE: Final = Path(__file__).parents[2] / "docs" / "how-to" / "reverse-proxy.md"
NAME: Final = "lazyaf.example.com"
STOP_S: Final = 10.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Proxy:
    """nginx on ``port`` of loopback, as `NAME`, before the server on ``upstream``."""

    def __init__(self, folder: Path, upstream: int, port: int) -> None:
        program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        if program is None or shutil.which("openssl") is None:
            untestable("nginx and openssl are not installed (apt install nginx openssl)")
        self._program = program
        self._folder = folder
        self._upstream = upstream
        self.port = port
        self.url = f"https://{NAME}:{port}"
        self.certificate = folder / "lazyaf.crt"

    def __enter__(self) -> Proxy:
        self._make_certificate()
        config = self._folder / "nginx.conf"
        config.write_text(self._config())
        self._log = (self._folder / "nginx.log").open("wb")
        self._child = subprocess.Popen(
            [self._program, "-e", "stderr", "-p", str(self._folder), "-c", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        until(self._listens, "nginx listens", seconds=20)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._child.terminate()
        self._child.wait(STOP_S)
        self._log.close()

    def context(self) -> ssl.SSLContext:
        """What trusts this proxy's certificate."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def _listens(self) -> bool:
        assert self._child.poll() is None, (self._folder / "nginx.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _make_certificate(self) -> None:
        key = self._folder / "lazyaf.key"
        words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        name = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
        files = ["-keyout", str(key), "-out", str(self.certificate)]
        subprocess.run(["openssl", *words.split(), *name, *files], check=True, capture_output=True)

    def _config(self) -> str:
        found = re.search(r"```nginx\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
        assert found is not None, f"{PAGE} shows no nginx block"
        shown = found[1]
        for said, here in (
            ("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl"),
            ("/etc/ssl/lazyaf", str(self._folder / "lazyaf")),
            ("127.0.0.1:8765", f"127.0.0.1:{self._upstream}"),
        ):
            assert said in shown, f"{PAGE} no longer says {said}"
            shown = shown.replace(said, here)
        temporary = "".join(
            f"{kind}_temp_path {self._folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        return (
            f"daemon off;\nworker_processes 1;\npid {self._folder}/nginx.pid;\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{shown}}}\n"
        )

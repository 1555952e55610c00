"""git's own server for comparison: nginx, fcgiwrap and ``git http-backend``, on loopback.

Three processes of the benchmark's own in a temporary directory, ended with it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

MISSING: Final = "apt-get install nginx-light fcgiwrap"
START_S: Final = 10.0
CHILDREN: Final = 8
_PLACES: Final = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"

CONFIG: Final = """\
{user}
daemon off;
worker_processes auto;
pid {room}/nginx.pid;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_max_body_size 0;
  client_body_buffer_size 1m;
  client_body_temp_path {room}/body;
  fastcgi_temp_path {room}/fastcgi;
  proxy_temp_path {room}/proxy;
  uwsgi_temp_path {room}/uwsgi;
  scgi_temp_path {room}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      fastcgi_pass unix:{room}/fcgi.sock;
      fastcgi_buffering off;
      fastcgi_read_timeout 300s;
      fastcgi_param SCRIPT_FILENAME {backend};
      fastcgi_param GIT_PROJECT_ROOT {root};
      fastcgi_param GIT_HTTP_EXPORT_ALL "";
      fastcgi_param REMOTE_USER bench;
      fastcgi_param PATH_INFO $uri;
      fastcgi_param QUERY_STRING $query_string;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
    }}
  }}
}}
"""


@contextmanager
def http_backend(root: Path) -> Iterator[str | None]:
    """The URL below which the bare repositories in ``root`` are served; None when it is not installed."""
    nginx, fcgiwrap = (shutil.which(name, path=_PLACES) for name in ("nginx", "fcgiwrap"))
    if nginx is None or fcgiwrap is None:
        yield None
        return
    with ExitStack() as stack:
        room = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lazyaf-bench-nginx-")))
        port = _free_port()
        config = room / "nginx.conf"
        config.write_text(_config(room, root, port))
        wrapper = [fcgiwrap, "-c", str(CHILDREN), "-s", f"unix:{room}/fcgi.sock"]
        stack.enter_context(_running(wrapper))
        stack.enter_context(_running([nginx, "-e", f"{room}/error.log", "-c", str(config)]))
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"


def _config(room: Path, root: Path, port: int) -> str:
    libexec = subprocess.run(["git", "--exec-path"], check=True, capture_output=True, text=True)
    return CONFIG.format(
        user="user root;" if os.geteuid() == 0 else "",
        room=room,
        root=root,
        port=port,
        backend=Path(libexec.stdout.strip()) / "git-http-backend",
    )


@contextmanager
def _running(command: list[str]) -> Iterator[None]:
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # fcgiwrap does not end its children itself


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return

"""``lazyaf runner``: a runner on this or any machine. Its token never stands in argv."""

from __future__ import annotations

import asyncio
import gc
import platform
import re
import sys
from pathlib import Path

import click


@click.command("runner")
@click.option(
    "--server", envvar="LAZYAF_SERVER", default="http://127.0.0.1:8765", show_default=True
)
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Where the token is; otherwise LAZYAF_RUNNER_TOKEN.",
)
@click.option("--token-stdin", is_flag=True, help="The token is the first line of stdin.")
@click.option("--image", hidden=True, help="The repository's own image that this runner is in.")
@click.option("--repo", "repo_id", hidden=True, help="Take the jobs of this repository alone.")
@click.option(
    "--borrow",
    hidden=True,
    type=click.Path(path_type=Path),
    help="A bare repository with that one's objects.",
)
@click.option("--key-from-server", "promised", multiple=True, hidden=True)
@click.option(
    "--name",
    default=None,
    envvar="LAZYAF_RUNNER_NAME",
    help="A name that no other runner has [the host's name].",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    envvar="LAZYAF_RUNNER_LABELS",
    help="May be given several times.",
)
@click.option("--once", is_flag=True, help="Work one job, then leave.")
@click.option(
    "--isolation",
    type=click.Choice(["auto", "bubblewrap", "container", "none"]),
    default="auto",
    show_default=True,
    envvar="LAZYAF_ISOLATION",
)
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path),
    envvar="LAZYAF_STATE_DIR",
    help="This runner's own directory.",
)
@click.option(
    "--work-dir",
    type=click.Path(path_type=Path),
    envvar="LAZYAF_WORK_DIR",
    help="Caches and work trees.",
)
@click.option(
    "--disk-reserve-mb",
    "reserve_mb",
    type=click.IntRange(min=0),
    default=500,
    show_default=True,
    envvar="LAZYAF_DISK_RESERVE_MB",
    help="Megabytes that stay free on the work directory's disk; below them no job is taken.",
)
@click.option(
    "--pool",
    type=click.Choice(["external", "process", "docker"]),
    default="external",
    hidden=True,
)
@click.option(
    "--hide",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A directory that no agent may see; may be given several times.",
)
def command(
    server: str,
    token_file: Path | None,
    token_stdin: bool,
    image: str | None,
    repo_id: str | None,
    borrow: Path | None,
    promised: tuple[str, ...],
    name: str | None,
    labels: tuple[str, ...],
    once: bool,
    isolation: str,
    state_dir: Path | None,
    work_dir: Path | None,
    reserve_mb: int,
    pool: str,
    hide: tuple[Path, ...],
) -> None:
    """Work jobs of a server on this machine."""
    # What is imported stays. To look for garbage in it, again and again, takes a fifth of the start.
    gc.disable()
    from lazyaf.data_dir import default_data_dir
    from lazyaf.domain.runners import PoolKind
    from lazyaf.protocol.messages import NAME_PATTERN
    from lazyaf.runner.config import RunnerConfig, SandboxMode, read_token, take_token
    from lazyaf.runner.container import own_container_id
    from lazyaf.runner.process import run

    gc.freeze()
    gc.enable()
    try:
        token = read_token(sys.stdin.buffer) if token_stdin else take_token(token_file)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    name = name or platform.node().split(".")[0] or "runner"
    if not re.match(NAME_PATTERN, name):
        raise click.BadParameter(
            f"“{name}” is no name for a runner. It takes letters, digits, dots, hyphens and underscores, at "
            "most 64, and begins with a letter or a digit.",
            param_hint="--name",
        )
    home = default_data_dir() / "runner" / name
    config = RunnerConfig(
        server=server.rstrip("/"),
        token=token,
        name=name,
        state_dir=(state_dir or home / "state").absolute(),
        work_dir=(work_dir or home / "work").absolute(),
        labels=labels,
        pool=PoolKind(pool),
        once=once,
        # The server looks at the disk of local runners itself; a container's is its memory.
        reserve=reserve_mb * 10**6 if pool == PoolKind.EXTERNAL.value else 0,
        promised=promised,
        sandbox=SandboxMode(isolation),
        container_id=own_container_id(),
        image=image,
        repo_id=repo_id,
        borrow=borrow,
        # Nothing of a server's may be seen by an agent, wherever the server keeps it.
        hide=(default_data_dir(), *(path.absolute() for path in hide)),
    )
    sys.exit(asyncio.run(run(config)))

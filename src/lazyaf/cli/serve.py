"""``lazyaf serve``: the whole server, until Ctrl+C."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lazyaf.cli.own_settings import own_settings

if TYPE_CHECKING:
    from lazyaf.settings import Settings


@click.command("serve")
@click.option("--host", help="Address to listen on [127.0.0.1].")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes any [8765]."
)
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where everything is kept.")
@click.option(
    "--pool", type=click.Choice(["process", "docker", "none"]), help="Where runners come from."
)
@click.option(
    "--runners", type=click.IntRange(0, 64), help="How many runners of the pool to begin with."
)
@click.option(
    "--auth",
    type=click.Choice(["token", "off"]),
    help="`off` lets everyone on this machine in, agents included.",
)
@click.option(
    "--drain",
    is_flag=True,
    default=None,
    help="At Ctrl+C or SIGTERM wait until running jobs are over; a second one does not wait.",
)
def command(**options: Any) -> None:
    """Serve API, UI, git and local runners on this machine."""
    # structlog imports rich only to colour tracebacks, which would cost the server 6 MB for good.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
    from lazyaf import main
    from lazyaf.domain.errors import LazyafError
    from lazyaf.stderr import log_to_stderr

    settings = own_settings(**options)
    log_to_stderr(settings.log_level)
    try:
        main.serve(settings, partial(_announce, is_exposed=_is_exposed(settings)))
    except LazyafError as error:
        raise click.ClickException(error.detail) from None


def _is_exposed(settings: Settings) -> bool:
    """Whether others reach the server itself, and not only a proxy before it."""
    from lazyaf.settings import LOOPBACK

    return settings.host not in LOOPBACK and settings.public_url is None


def _announce(url: str, link: str | None, *, is_exposed: bool) -> None:
    click.echo(f"LazyAF is on {url}")
    if is_exposed:
        click.secho(
            "Others can reach it there, and nothing is encrypted: passwords, tokens and code can be "
            "read on the way. Put a proxy with TLS before it.",
            fg="yellow",
        )
    if link is None:
        click.secho(
            "Without authentication: every program on this machine can use it.", fg="yellow"
        )
    else:
        click.echo(f"Open {link}")
        click.echo("(good for one browser and a quarter of an hour; `lazyaf open` makes another)")
    sys.stdout.flush()

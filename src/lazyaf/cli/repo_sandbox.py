"""``lazyaf repo sandbox``: of what the containers of a repository's jobs are, and what they may reach."""

from __future__ import annotations

import click

from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.failures import Failure
from lazyaf.cli.terminal import show_json
from lazyaf.domain.repo_settings import CONFIG_PATH
from lazyaf.domain.sandboxes import parse_host


@click.command(
    "sandbox",
    epilog="Example: `lazyaf repo sandbox shop --allow registry.example.com --allow '.example.org:*'`.",
)
@click.argument("repo")
@click.option(
    "--allow",
    multiple=True,
    metavar="HOST",
    help="Let jobs reach this host as well, a package registry for example: `NAME`, `NAME:PORT`, or "
    "`.NAME:*` for everything below it.",
)
@click.option("--forbid", multiple=True, metavar="HOST", help="Take a host away again.")
@click.option("--image", metavar="NAME", help="Of what the containers are; '' for the pool's own.")
@client_command
def sandbox(
    api: Api, repo: str, allow: tuple[str, ...], forbid: tuple[str, ...], image: str | None
) -> None:
    """Show or change what jobs of REPO (an id or a name) may reach from their containers.

    It counts from their next job on.
    """
    found = api.repo(repo)
    settings: Json = {}
    if allow or forbid:
        _require_own(found, "allowed_hosts", "sandbox.allow")
        away = {parse_host(host) or host for host in forbid}
        hosts = [*found["settings"]["allowed_hosts"], *(parse_host(host) or host for host in allow)]
        settings["allowed_hosts"] = [host for host in dict.fromkeys(hosts) if host not in away]
    if image is not None:
        _require_own(found, "image", "sandbox.image")
        settings["image"] = image or None
    if settings:
        found = api.patch(f"/api/repos/{found['id']}", {"settings": settings})
    if api.as_json:
        show_json(found)
    else:
        _tell(found)


def _require_own(repo: Json, setting: str, key: str) -> None:
    """What the file says wins: a change here would have no effect."""
    if setting in repo["settings_from_file"]:
        raise Failure(
            f"{CONFIG_PATH} on {repo['default_branch']} decides this: change `{key}` there."
        )


def _tell(repo: Json) -> None:
    now = repo["settings"]
    hosts = ", ".join(now["allowed_hosts"]) or "nothing"
    click.echo(f"Jobs in containers reach, besides the model: {hosts}")
    click.echo(f"Their image: {now['image'] or 'that of the pool'}")

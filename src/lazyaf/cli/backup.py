"""``lazyaf backup``: a consistent copy of the server's data, made while it runs or stands still."""

from __future__ import annotations

from pathlib import Path

import click

from lazyaf.cli.failures import Failure
from lazyaf.cli.own_settings import own_settings
from lazyaf.cli.terminal import plural, show_json


@click.command(
    "backup",
    epilog="`lazyaf restore` makes a data directory of it again. The agents' work trees are not copied: "
    "what they have pushed or checkpointed is in git storage.",
)
@click.argument("target", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="The data directory to copy [LAZYAF_DATA_DIR, or the default one].",
)
@click.option(
    "--without-database",
    is_flag=True,
    help="PostgreSQL only: you have dumped it yourself, just before.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was copied as JSON.")
def command(target: Path, data_dir: Path | None, without_database: bool, as_json: bool) -> None:
    """Copy database, git storage and secrets to DIR, which must be new or empty."""
    from lazyaf import main
    from lazyaf.domain.errors import LazyafError

    settings = own_settings(data_dir=data_dir)
    target = target.expanduser().absolute()
    try:
        manifest = main.back_up(
            settings,
            target,
            lambda said: click.echo(said, err=True),
            with_database=not without_database,
        )
    except LazyafError as error:
        raise Failure(f"No backup was made. {error.detail} [{error.code}]") from None
    except OSError as error:
        raise Failure(f"No backup was made: {error}") from None
    if as_json:
        show_json(
            {
                "source": str(settings.data_dir),
                "target": str(target),
                "database": manifest.database,
                "repositories": len(manifest.repositories),
                "missing": manifest.missing,
                "made_at": manifest.made_at,
            }
        )
        return
    what = "Copied" if without_database else "Copied the database and"
    count = len(manifest.repositories)
    repositories = f"{count} repositories" if count != 1 else plural(count, "repository")
    click.echo(f"{what} {repositories} to {target}")
    click.echo("It holds this server's secrets: keep it as private as the server.")
    click.echo("\nTo make a server of it again:")
    click.echo(f"  lazyaf restore {target} --data-dir NEW_DIRECTORY")

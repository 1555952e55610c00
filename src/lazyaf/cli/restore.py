"""``lazyaf restore``: a data directory made of a backup, verified before anything counts."""

from __future__ import annotations

from pathlib import Path

import click

from lazyaf.cli.failures import Failure
from lazyaf.cli.own_settings import own_settings
from lazyaf.cli.terminal import plural, show_json


@click.command(
    "restore",
    epilog="With PostgreSQL, LAZYAF_DATABASE_URL names an empty database, which is filled as well.",
)
@click.argument(
    "source", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="The data directory to make, new or empty [LAZYAF_DATA_DIR, or the default one].",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was restored as JSON.")
def command(source: Path, data_dir: Path | None, as_json: bool) -> None:
    """Make a data directory of the backup in DIR. Nothing is overwritten."""
    from lazyaf import main
    from lazyaf.domain.errors import LazyafError

    settings = own_settings(data_dir=data_dir)
    try:
        manifest = main.restore_backup(
            settings, source.expanduser().absolute(), lambda said: click.echo(said, err=True)
        )
    except LazyafError as error:
        raise Failure(f"Nothing was restored. {error.detail} [{error.code}]") from None
    except OSError as error:
        raise Failure(f"Nothing was restored: {error}") from None
    if as_json:
        show_json(
            {
                "source": str(source),
                "target": str(settings.data_dir),
                "database": manifest.database,
                "repositories": len(manifest.repositories),
                "made_at": manifest.made_at,
                "made_by": manifest.version,
            }
        )
        return
    count = len(manifest.repositories)
    repositories = f"{count} repositories" if count != 1 else plural(count, "repository")
    click.echo(
        f"Restored the server of {manifest.made_at} with {repositories} to {settings.data_dir}"
    )
    click.echo("\nStart it with:")
    click.echo(f"  lazyaf serve --data-dir {settings.data_dir}")
    click.echo("Jobs that ran at that time are queued again and go on from their last checkpoint.")

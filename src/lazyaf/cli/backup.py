"""``lazyaf backup``: a consistent copy of the server's data, made while it runs or stands still.

The database comes first, by SQLite's own backup; git storage comes after it, so that every commit the
database names is in the copy. Each repository is checked, and copied again if it changed meanwhile.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import click

from lazyaf.cli.failures import Failure
from lazyaf.cli.target import data_dir as default_data_dir
from lazyaf.cli.terminal import plural, show_json
from lazyaf.domain.errors import GitFailed
from lazyaf.git import command as git

DATABASE: Final = "lazyaf.db"
SECRETS: Final = ("secret", "token", "runners/token")
TRIES: Final = 3
FSCK_S: Final = 3600.0
PASSING: Final = (".lock", ".tmp")


@click.command(
    "backup",
    epilog="To restore: stop the server, move its data directory away, copy the backup to where it "
    "was (`cp -a`), start the server. The agents' work trees are not copied: what they have pushed "
    "or checkpointed is in git storage.",
)
@click.argument("target", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="The data directory to copy [LAZYAF_DATA_DIR, or the default one].",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was copied as JSON.")
def command(target: Path, data_dir: Path | None, as_json: bool) -> None:
    """Copy database, git storage and secrets to DIR, which must be new or empty."""
    source = (data_dir or default_data_dir()).expanduser().absolute()
    target = target.expanduser().absolute()
    _require_source(source)
    _require_empty(source, target)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    target.chmod(0o700)
    try:
        _copy_database(source / DATABASE, target / DATABASE)
        repositories = sorted((source / "git").glob("*.git"))
        for repository in repositories:
            _copy_repository(repository, target / "git" / repository.name)
        _copy_secrets(source, target)
    except (OSError, sqlite3.Error) as error:
        raise Failure(f"The backup is not complete, do not rely on {target}: {error}") from None
    _report(source, target, len(repositories), as_json=as_json)


def _require_source(source: Path) -> None:
    if os.environ.get("LAZYAF_DATABASE_URL"):
        raise Failure(
            "The database is not in the data directory: LAZYAF_DATABASE_URL names another one. Dump "
            f"it first with its own tools (`pg_dump`), then copy {source}."
        )
    if not (source / DATABASE).is_file():
        raise Failure(
            f"There is no LazyAF database in {source}. Name the server's data directory with "
            "--data-dir."
        )


def _require_empty(source: Path, target: Path) -> None:
    if target.is_relative_to(source):
        raise Failure(f"{target} is inside of what is to be copied. Choose a place elsewhere.")
    if target.is_dir() and any(target.iterdir()):
        raise Failure(f"{target} is not empty, and a backup overwrites nothing. Choose a new one.")


def _copy_database(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
        # One file, not three: what is opened next makes its own log beside it.
        copy.execute("PRAGMA journal_mode = DELETE")
        verdict = copy.execute("PRAGMA quick_check").fetchone()[0]
    target.chmod(0o600)
    if verdict != "ok":
        raise Failure(f"The copy of the database is damaged: {verdict}")


def _copy_repository(source: Path, target: Path) -> None:
    """Copy one repository; what is repacked or pruned meanwhile makes us begin again."""
    complaint = ""
    for _ in range(TRIES):
        shutil.rmtree(target, ignore_errors=True)
        try:
            _copy_files(source, target)
            git.run_sync(
                [f"--git-dir={target}", "fsck", "--connectivity-only", "--no-dangling"],
                timeout=FSCK_S,
            )
        except (FileNotFoundError, shutil.Error, GitFailed) as error:
            complaint = str(error)
        else:
            return
    raise Failure(
        f"{source} could not be copied whole in {TRIES} tries. Stop the server and try again. "
        f"git says: {complaint}"
    )


def _copy_files(source: Path, target: Path) -> None:
    """Loose refs, then packed ones, then objects: nothing is named before it is there."""
    target.mkdir(mode=0o700, parents=True)
    for name in ("HEAD", "config"):
        shutil.copy2(source / name, target / name)
    _copy_tree(source / "refs", target / "refs")
    if (source / "packed-refs").exists():
        shutil.copy2(source / "packed-refs", target / "packed-refs")
    _copy_tree(source / "objects", target / "objects")


def _copy_tree(source: Path, target: Path) -> None:
    def passing(_folder: str, names: list[str]) -> list[str]:
        return [n for n in names if n.endswith(PASSING) or n.startswith(("tmp_", "incoming-"))]

    shutil.copytree(source, target, ignore=passing)


def _copy_secrets(source: Path, target: Path) -> None:
    for name in SECRETS:
        if (source / name).is_file():
            copy = target / name
            copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(source / name, copy)
            copy.chmod(0o600)


def _report(source: Path, target: Path, count: int, *, as_json: bool) -> None:
    if as_json:
        show_json({"source": str(source), "target": str(target), "repositories": count})
        return
    repositories = f"{count} repositories" if count != 1 else plural(count, "repository")
    click.echo(f"Copied the database and {repositories} to {target}")
    click.echo("It holds this server's secrets: keep it as private as the server.")
    click.echo("\nTo restore it, stop the server, then:")
    click.echo(f"  mv {source} {source}.old")
    click.echo(f"  cp -a {target} {source}")
    click.echo("  lazyaf serve")

"""``lazyaf doctor``: what LazyAF needs of this machine, whether it is there, and how to get it."""

from __future__ import annotations

import asyncio
import os
import platform
import re
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Final

import click

from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.failures import ExitCode, Failure, Unauthorised, Unreachable
from lazyaf.cli.gc import collect
from lazyaf.cli.own_settings import own_settings
from lazyaf.cli.target import data_dir, is_loopback
from lazyaf.cli.terminal import one_line, plural, show_json, size
from lazyaf.domain.errors import GitFailed
from lazyaf.domain.ports import Disk
from lazyaf.git import command as git
from lazyaf.system import disks_of

PYTHON: Final = (3, 11)
PRIVATE: Final = ("secret", "token", "runners/token")


class Verdict(StrEnum):
    """What came of a check."""

    OK = "ok"
    WARNING = "warning"
    """LazyAF works without it, but less well."""
    MISSING = "missing"
    """LazyAF does not work without it."""


Repair = Callable[[], str]

MARKS: Final = {
    Verdict.OK: ("✓", "green"),
    Verdict.WARNING: ("!", "yellow"),
    Verdict.MISSING: ("✗", "red"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; ``fix`` says what to do when it is not as it should be, and ``repair``
    does it, saying what it did."""

    name: str
    verdict: Verdict
    detail: str
    fix: str | None = None
    repair: Repair | None = None


@click.command("doctor", epilog="Exit code 1: something is missing that LazyAF cannot do without.")
@click.option("--fix", is_flag=True, help="Put right what can be put right, and say what was done.")
@client_command
def command(api: Api, fix: bool) -> None:
    """Check what LazyAF needs of this machine, and how to fix it."""
    checks = [_repaired(check) if fix else check for check in _checks(api)]
    if api.as_json:
        show_json({"items": [_as_json(check) for check in checks]})
    else:
        for check in checks:
            _show(check)
    if any(check.verdict is Verdict.MISSING for check in checks):
        sys.exit(ExitCode.FAILED)


def _repaired(check: Check) -> Check:
    """The check after it was put right, if it can be."""
    if check.verdict is Verdict.OK or check.repair is None:
        return check
    try:
        done = check.repair()
    except (OSError, click.ClickException) as error:
        said = error.message if isinstance(error, click.ClickException) else error
        return replace(check, detail=f"{check.detail}; it could not be put right: {said}")
    return Check(check.name, Verdict.OK, f"{done} (was: {check.detail})")


def _as_json(check: Check) -> Json:
    names = ("name", "verdict", "detail", "fix")
    return {name: getattr(check, name) for name in names}


def _show(check: Check) -> None:
    mark, colour = MARKS[check.verdict]
    click.echo(f"{click.style(mark, fg=colour)} {check.name}: {one_line(check.detail)}")
    if check.fix is not None:
        click.echo(f"    {one_line(check.fix)}")


def _checks(api: Api) -> Iterator[Check]:

    yield check_python(sys.version_info[:2], platform.python_version())
    yield check_git()
    yield check_ui(Path(str(files("lazyaf"))) / "web" / "dist" / "index.html")
    yield from check_data_dir(data_dir())
    yield from check_private_files(data_dir())
    settings = own_settings()
    for disk in disks_of(settings.disk_folders):
        yield check_room(disk, settings.disk_reserve_mb * 10**6)
    yield check_bubblewrap()
    server = check_server(api)
    yield server
    is_asked = server.verdict is Verdict.OK
    if is_asked:
        yield show_use(api.get("/api/disk"))
    if is_asked or is_loopback(api.server):
        yield from check_leftovers(api)
    yield from _agents(api, is_asked=is_asked)


def check_python(found: tuple[int, ...], version: str) -> Check:
    """Python is new enough."""
    if found >= PYTHON:
        return Check("Python", Verdict.OK, version)
    return Check("Python", Verdict.MISSING, version, "LazyAF needs Python 3.11 or newer.")


def check_git() -> Check:
    """git is there, and new enough to merge without a work tree."""
    needs = f"Install git {git.OLDEST[0]}.{git.OLDEST[1]} or newer (https://git-scm.com)."
    try:
        said = git.run_sync(["--version"]).text
    except (OSError, GitFailed):
        return Check("git", Verdict.MISSING, "not installed", needs)
    found = re.search(r"(\d+)\.(\d+)", said)
    if found is None or (int(found[1]), int(found[2])) < git.OLDEST:
        return Check("git", Verdict.MISSING, f"{said} is too old to merge cards", needs)
    return Check("git", Verdict.OK, said.removeprefix("git version "))


def check_ui(index: Path) -> Check:
    """The UI is in the package."""
    if index.is_file():
        return Check("UI", Verdict.OK, "built")
    fix = "Run `make setup` in the checkout, or install a wheel, which has it."
    return Check("UI", Verdict.MISSING, "not built", fix)


def check_data_dir(path: Path) -> Iterator[Check]:
    """The data directory is private and can be written."""
    standing = next(folder for folder in (path, *path.parents) if folder.exists())
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o700
    if not os.access(standing, os.W_OK | os.X_OK):
        fix = "Give it to the user that runs LazyAF, or name another with LAZYAF_DATA_DIR."
        yield Check("Data directory", Verdict.MISSING, f"{standing} cannot be written", fix)
    elif mode & 0o077:
        fix = f"`chmod 700 {path}`, or `lazyaf doctor --fix`; `lazyaf serve` does it, too."
        repair = partial(_make_private, (path,), 0o700)
        yield Check("Data directory", Verdict.WARNING, f"{path} is open to others", fix, repair)
    else:
        made = "" if path.exists() else " (made at the first start)"
        yield Check("Data directory", Verdict.OK, f"{path}{made}")


def check_private_files(path: Path) -> Iterator[Check]:
    """What only its owner may read is so."""
    named = [path / name for name in PRIVATE]
    files = [file for file in (*named, *path.glob("lazyaf.db*")) if file.is_file()]
    opened = [file for file in files if stat.S_IMODE(file.stat().st_mode) & 0o077]
    if opened:
        names = ", ".join(str(file.relative_to(path)) for file in opened)
        fix = "`lazyaf doctor --fix` closes them."
        repair = partial(_make_private, opened, 0o600)
        yield Check("Private files", Verdict.WARNING, f"others can read {names}", fix, repair)


def _make_private(paths: Sequence[Path], mode: int) -> str:
    for path in paths:
        path.chmod(mode)
    return f"made private: {', '.join(str(path) for path in paths)}"


def check_leftovers(api: Api) -> Iterator[Check]:
    """Nothing lies about that nobody will come back for."""
    try:
        found = collect(api, dry_run=True)
    except Failure as error:
        yield Check("Leftovers", Verdict.WARNING, f"not looked for: {error.message}")
        return
    goes = [item for item in found if not item["stays"]]
    if goes:
        detail = f"{_counted(goes)} can go"
        fix = "`lazyaf gc --dry-run` shows them, `lazyaf gc` removes them."
        yield Check("Leftovers", Verdict.WARNING, detail, fix, lambda: _remove_leftovers(api))
    stays = [item for item in found if item["stays"]]
    if stays:
        detail = f"{stays[0]['place']}: {stays[0]['why']}"
        more = f" And {len(stays) - 1} more." if stays[1:] else ""
        fix = "It is yours to look at, then to delete. `lazyaf gc --dry-run` shows all."
        yield Check("Kept work", Verdict.WARNING, f"{detail}{more}", fix)
    if not found:
        yield Check("Leftovers", Verdict.OK, "none")


def _remove_leftovers(api: Api) -> str:
    gone = [item for item in collect(api, dry_run=False) if not item["stays"]]
    return f"removed {_counted(gone)}"


def _counted(items: list[Json]) -> str:
    count = plural(sum(item["count"] for item in items), "leftover")
    taken = sum(item["bytes"] for item in items)
    return f"{count} of {size(taken)}" if taken else count


def check_room(disk: Disk, reserve: int) -> Check:
    """A disk has more free than the ``reserve`` (bytes), below which no job is given out."""
    detail = f"{size(disk.free)} on the disk of {disk.folders[0]}"
    if disk.free >= reserve:
        return Check("Free space", Verdict.OK, detail)
    fix = (
        f"Make room: below {size(reserve)} no job is given out (LAZYAF_DISK_RESERVE_MB). `lazyaf "
        "doctor` and the settings page show what takes it."
    )
    return Check("Free space", Verdict.MISSING, detail, fix)


def show_use(use: Json) -> Check:
    """What the server takes of its disks."""
    database, git = use["database"], use["repositories"]
    parts = (
        f"database {size(database['total'] + database['wal'])}",
        f"{len(git)} {'repository' if len(git) == 1 else 'repositories'} "
        f"{size(sum(repository['bytes'] for repository in git))}",
        f"attached files {size(use['attachments'])}",
        f"copies of the database {size(database['copies'])}",
        f"agents {size(sum(use['work'].values()))}",
    )
    return Check("Disk use", Verdict.OK, ", ".join(parts))


def check_bubblewrap() -> Check:
    """Agents can be kept in a sandbox."""
    from lazyaf.runner.bubblewrap import Bubblewrap
    from lazyaf.runner.isolation import why_not

    with tempfile.TemporaryDirectory(prefix="lazyaf-doctor-") as hidden:
        reason = asyncio.run(why_not(Bubblewrap(hide=(Path(hidden),))))
    if reason is None:
        return Check("bubblewrap", Verdict.OK, "works: agents run in a sandbox")
    fix = (
        "Agents would run as you, without isolation. Install bubblewrap, or allow user namespaces."
    )
    return Check("bubblewrap", Verdict.WARNING, reason, fix)


def check_server(api: Api) -> Check:
    """The server answers, and takes our token."""
    try:
        health = api.get("/api/health")
        api.get("/api/settings")
    except Unreachable:
        fix = "Start it with `lazyaf serve`."
        return Check("Server", Verdict.WARNING, f"{api.server} does not answer", fix)
    except Unauthorised as error:
        return Check("Server", Verdict.WARNING, f"{api.server} refuses us", error.message)
    except Failure as error:
        return Check("Server", Verdict.WARNING, error.message, "Name the server with --server.")
    return Check("Server", Verdict.OK, f"{api.server}, version {health['version']}")


def _agents(api: Api, *, is_asked: bool) -> Iterator[Check]:
    """The agents as the server sees them, whose environment counts; without it, as we do."""
    if is_asked:
        offers = api.get("/api/agents")["items"]
    else:
        from lazyaf.main import agent_offers

        offers = asyncio.run(agent_offers())
    yield from map(check_agent, offers)


def check_agent(offer: Json) -> Check:
    """An agent can run: its program is found and has a key."""
    if offer["available"]:
        version = offer["version"]
        return Check(offer["title"], Verdict.OK, f"version {version}" if version else "ready")
    found = f"version {offer['version']}: " if offer["version"] else ""
    return Check(offer["title"], Verdict.WARNING, f"{found}{offer['reason']}", offer["fix"])

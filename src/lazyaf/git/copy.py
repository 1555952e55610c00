"""A copy of a bare repository in use, file by file: what a backup is made of, and a restore.

Refs are read first and objects copied after them, so that nothing is named before it is there; whoever
wants that nothing is taken away meanwhile holds `pause.copying`. Blocking.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from lazyaf.domain.errors import GitFailed
from lazyaf.git import command

TRIES: Final = 3
FSCK_S: Final = 4 * 3600.0
_PLAIN: Final = ("HEAD", "config", "shallow")
_PACK: Final = (".pack", ".rev", ".bitmap", ".mtimes", ".idx")
"""The files of a pack; git writes the last one last."""
_PASSING: Final = ("tmp_", "incoming-", ".tmp-")


def copy_repository(source: Path, target: Path) -> None:
    """Make ``target`` hold every ref and every object of ``source``, and check that it does.

    One that changes too much meanwhile is begun again. Raises `FileNotFoundError` when there is no
    source, `GitFailed` when it cannot be copied whole.
    """
    complaint = ""
    for _ in range(TRIES):
        if not source.is_dir():
            raise FileNotFoundError(source)
        shutil.rmtree(target, ignore_errors=True)
        try:
            _copy(source, target)
            require_whole(target)
        except (FileNotFoundError, shutil.Error, GitFailed) as error:
            complaint = str(error)
        else:
            return
    raise GitFailed(f"{source} could not be copied whole in {TRIES} tries: {complaint}")


def require_whole(repository: Path) -> None:
    """Raise `GitFailed` unless everything is there that its refs need."""
    command.run_sync(
        [
            f"--git-dir={repository}",
            "fsck",
            "--connectivity-only",
            "--no-dangling",
            "--no-progress",
        ],
        timeout=FSCK_S,
    )


def missing(repository: Path, shas: Collection[str]) -> set[str]:
    """Those of these objects that are not in the repository; all of them when there is none."""
    if not repository.is_dir():
        return set(shas)
    said = command.run_sync(
        [f"--git-dir={repository}", "cat-file", "--batch-check=%(objectname)"],
        stdin="".join(f"{sha}\n" for sha in sorted(shas)).encode(),
    )
    return {line.split()[0] for line in said.text.splitlines() if line.endswith(" missing")}


def _copy(source: Path, target: Path) -> None:
    target.mkdir(mode=0o700, parents=True)
    for name in _PLAIN:
        with suppress(FileNotFoundError):
            shutil.copy2(source / name, target / name)
    (target / "packed-refs").write_bytes(_refs(source))
    (target / "refs" / "heads").mkdir(parents=True)  # without it git sees no repository
    for folder, names in _object_files(source / "objects"):
        there = target / "objects" / folder
        there.mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copy2(source / "objects" / folder / name, there / name)


def _refs(source: Path) -> bytes:
    """Every ref as it is in one look, in the form of git's own file."""
    said = command.run_sync(
        [f"--git-dir={source}", "for-each-ref", "--format=%(objectname) %(refname)"]
    )
    if said.stderr:  # a broken ref is passed over with a warning
        raise GitFailed(said.stderr)
    return b"# pack-refs with: sorted \n" + said.stdout


def _object_files(objects: Path) -> Iterator[tuple[str, list[str]]]:
    """The files to copy by their directory, in an order in which each is good for something."""
    for folder, _, names in os.walk(objects):
        inside = Path(folder).relative_to(objects)
        if str(inside).startswith(_PASSING):  # a push in quarantine
            continue
        yield str(inside), list(_whole(names) if inside.name == "pack" else _lasting(names))


def _lasting(names: list[str]) -> Iterator[str]:
    return (name for name in names if not name.startswith(_PASSING) and not name.endswith(".lock"))


def _whole(names: list[str]) -> Iterator[str]:
    """Packs with their index: one that is just arriving is not named by any ref yet."""
    there = set(names)
    stems = {Path(name).stem for name in names if name.endswith(".idx")}
    for stem in sorted(stem for stem in stems if f"{stem}.pack" in there):
        yield from (f"{stem}{end}" for end in _PACK if f"{stem}{end}" in there)

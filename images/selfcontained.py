"""Makes programs independent of the image that they run in: with their shared libraries, their own C
library and its loader beside them, they run wherever their directory is mounted, at the same path.

    python selfcontained.py ROOT [--python] [PROGRAM …]

Each PROGRAM becomes ``ROOT/bin/NAME``; ``--python`` puts the running interpreter with its standard
library to ``ROOT/python``, without what no service needs. Every library of theirs, and of extension
modules that lie below ROOT already, is copied to ``ROOT/lib``. Runs in the build stage of an image;
needs ``ldd`` and ``patchelf``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

LEFT_OUT = (
    *(
        "test",
        "idlelib",
        "tkinter",
        "turtledemo",
        "turtle.py",
        "ensurepip",
        "pydoc_data",
        "config-*",
    ),
    *("lib2to3", "sqlite3", "dbm", "curses", "site-packages", "dist-packages", "__pycache__"),
    *("sitecustomize.py", "_test*.so", "_ctypes_test*.so", "xx*.so", "_xx*.so", "_tkinter*.so"),
    *("_sqlite3*.so", "_dbm*.so", "_gdbm*.so", "_curses*.so", "readline*.so"),
)
"""Of the standard library."""
LIBRARY = re.compile(r"(?:=> )?(/\S+) \(0x")


def main(root: Path, with_python: bool, programs: list[Path]) -> None:
    """See the module."""
    loader = root / "lib" / Path(_printed("patchelf", "--print-interpreter", sys.executable)).name
    placed = [_place(program, root / "bin" / program.name) for program in programs]
    if with_python:
        placed.append(_place_python(root / "python"))
    _gather_libraries(root)
    for program in placed:
        # The old kind of run path also holds for the libraries that the libraries need. It comes
        # first: the other way round patchelf 0.18 makes a program that crashes.
        for change in (
            ["--force-rpath", "--set-rpath", root / "lib"],
            ["--set-interpreter", loader],
        ):
            subprocess.run(["patchelf", *change, program], check=True)


def _place(program: Path, place: Path) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(program.resolve(), place)
    return place


def _place_python(home: Path) -> Path:
    """The interpreter finds its library by its own place; distributions differ in where packages lie."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    library = home / "lib" / version
    ignored = shutil.ignore_patterns(*LEFT_OUT)
    shutil.copytree(sysconfig.get_path("stdlib"), library, ignore=ignored, dirs_exist_ok=True)
    (library / "site-packages").mkdir(exist_ok=True)
    (home / "lib" / "python3").mkdir(exist_ok=True)
    (home / "lib" / "python3" / "dist-packages").symlink_to(f"../{version}/site-packages")
    return _place(Path(sys.executable), home / "bin" / "python3")


def _gather_libraries(root: Path) -> None:
    found = {library for binary in _binaries(root) for library in _libraries_of(binary)}
    (root / "lib").mkdir(exist_ok=True)
    for library in sorted(found):
        if not library.is_relative_to(root):
            shutil.copy(library, root / "lib" / library.name)


def _binaries(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        for path in (Path(folder, name) for name in names):
            if not path.is_symlink() and path.open("rb").read(4) == b"\x7fELF":
                yield path


def _libraries_of(binary: Path) -> list[Path]:
    done = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False)
    missing = re.findall(r"(\S+) => not found", done.stdout)
    if missing:
        raise SystemExit(f"{binary} needs {', '.join(missing)}, which is not here.")
    return [Path(path) for path in LIBRARY.findall(done.stdout)]


def _printed(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--python"]
    main(Path(words[0]), "--python" in sys.argv, [Path(word) for word in words[1:]])

"""What lies below a hostile directory: plain files and directories, and nothing through a link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lazyaf.runner import beneath


def read(root: Path, *parts: str) -> bytes:
    with beneath.folder(root, parts[:-1]) as within, beneath.open_file(within, parts[-1]) as file:
        return file.read()


def write(root: Path, content: bytes, *parts: str) -> None:
    with beneath.folder(root, parts[:-1], make=True) as within:
        beneath.write_file(within, parts[-1], [content])


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write(tmp_path, b"one", "a", "b", "file")
    write(tmp_path, b"two", "a", "b", "file")

    assert read(tmp_path, "a", "b", "file") == b"two"
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["file"]
    assert (tmp_path / "a/b/file").stat().st_mode & 0o777 == 0o600


def test_what_is_missing_is_told_as_that(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for parts in (("a", "file"), ("b", "file")):
        with pytest.raises(FileNotFoundError):
            read(tmp_path, *parts)


def test_no_component_may_be_a_link(tmp_path: Path) -> None:
    home, private = tmp_path / "home", tmp_path / "private"
    private.mkdir()
    write(private, b"secret", "deep", "file")
    home.mkdir()
    (home / "deep").symlink_to(private / "deep")
    (home / "file").symlink_to(private / "deep/file")
    (tmp_path / "way").symlink_to(home)

    for root, parts in ((home, ("deep", "file")), (home, ("file",)), (tmp_path / "way", ("x",))):
        with pytest.raises(beneath.Planted, match="is a link"):
            read(root, *parts)
    with pytest.raises(beneath.Planted):
        write(home, b"mine", "deep", "file")
    assert read(private, "deep", "file") == b"secret"


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.write_bytes(b"secret")
    home = tmp_path / "home"
    home.mkdir()
    (home / "file").symlink_to(private)
    (home / ".file.lazyaf").symlink_to(private)
    write(home, b"mine", "file")

    assert private.read_bytes() == b"secret"
    assert read(home, "file") == b"mine"


def test_only_a_regular_file_is_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()

    for parts in (("pipe",), ("folder",), ("file", "x")):
        with pytest.raises(beneath.Planted):
            read(tmp_path, *parts)


def test_of_countless_names_only_some_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beneath, "NAMES_MAX", 3)
    for number in range(5):
        (tmp_path / str(number)).touch()

    with beneath.folder(tmp_path, []) as within:
        assert len(beneath.names(within)) == 3

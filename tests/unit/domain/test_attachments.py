"""Names and types of attached files: whatever is said, what is kept is harmless."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazyaf.domain.attachments import (
    NAME_MAX,
    PICTURES,
    TEXT,
    UNKNOWN,
    clean_name,
    free_name,
    sniff,
)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("shot.png", "shot.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\shot 1.png", "shot 1.png"),
        ("..", "file"),
        ("", "file"),
        ("/", "file"),
        (".env", "env"),
        ("a\nb\0c\x1b[31m.txt", "a bc_31m.txt"),
        ("`$(reboot)`.txt", "__(reboot)_.txt"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("Screenshot at 3.31.00 PM.png", "Screenshot at 3.31.00 PM.png"),
        ("\ud800.txt", "txt"),
        ("Größe.md", "Größe.md"),
    ],
)
def test_a_name_keeps_what_is_harmless(said: str, kept: str) -> None:
    assert clean_name(said) == kept


@given(st.text(max_size=400))
def test_any_name_is_one_part_of_a_path_on_one_line(said: str) -> None:
    name = clean_name(said)
    assert name == clean_name(name), "cleaning it again changes it"
    assert PurePosixPath(name).name == name == PureWindowsPath(name).name
    assert 0 < len(name.encode()) <= NAME_MAX
    assert not name.startswith((".", " "))
    assert not any(unicodedata.category(c)[0] == "C" or c in "`\"'$\n" for c in name)


@given(st.text(min_size=1, max_size=300), st.integers(0, 12))
def test_a_free_name_is_free_and_fits(said: str, count: int) -> None:
    taken: list[str] = []
    for _ in range(count):
        name = free_name(clean_name(said), taken)
        assert name.casefold() not in {other.casefold() for other in taken}
        assert len(name.encode()) <= NAME_MAX
        assert clean_name(name) == name, "the runner would refuse it"
        taken.append(name)


def test_numbers_come_before_the_suffix() -> None:
    assert free_name("image.png", ["IMAGE.png", "image-2.png"]) == "image-3.png"
    assert free_name("notes", ["notes"]) == "notes-2"


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a...", "image/gif"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\0\0\0WAVEfmt ", UNKNOWN),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"<svg onload='alert(1)'>", "image/svg+xml"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<svg>", "image/svg+xml"),
        (b"<html><script>alert(1)</script>", TEXT),
        ("Größe".encode(), TEXT),
        ("Größe".encode()[:3], TEXT),  # cut in a character
        (b"plain\0not", UNKNOWN),
        (b"\xfe\xfe", UNKNOWN),
    ],
)
def test_the_type_is_told_by_the_bytes(head: bytes, found: str) -> None:
    assert sniff(head) == found


def test_nothing_that_can_hold_a_script_counts_as_a_picture() -> None:
    assert not PICTURES & {sniff(b"<svg/>"), sniff(b"<html>"), UNKNOWN, TEXT}

"""The pages hang together: links resolve, decisions are numbered without gaps, nothing is local."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ADRS = ROOT / "docs" / "adr"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SECTIONS = ("## Context", "## Decision", "## Alternatives", "## Consequences")
LOCAL = re.compile(r"/(?:work|root|home/\w+)/|pypi\.org|npmjs\.(?:org|com)|debian\.org")
MADE_BY_TESTS = ROOT / "docs" / "images"
"""The browser tests take these pictures."""

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def _prose(page: Path) -> str:
    return FENCE.sub("", page.read_text("utf-8"))


def _anchors(page: Path) -> set[str]:
    """The names that a forge gives to headings: lower case, hyphens, no other punctuation."""
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(_prose(page)))
    return {word.strip().replace(" ", "-") for word in words}


@each_page
def test_links_within_the_repository_resolve(page: Path) -> None:
    for link in LINK.findall(_prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if target.parent == MADE_BY_TESTS:
            continue
        assert target.exists(), f"{link} leads nowhere"
        if anchor:
            assert anchor in _anchors(target), f"{link}: there is no such heading"


@each_page
def test_a_page_names_no_machine_and_no_registry(page: Path) -> None:
    assert LOCAL.findall(page.read_text("utf-8")) == []


@each_page
def test_a_page_begins_with_its_title(page: Path) -> None:
    assert page.read_text("utf-8").startswith("# ")


def test_decisions_are_numbered_without_gaps_and_listed() -> None:
    files = sorted(path.name for path in ADRS.glob("*.md") if path.name != "README.md")
    assert [name[:4] for name in files] == [f"{n:04}" for n in range(1, len(files) + 1)]
    listed = re.findall(r"\]\((\d{4}-[^)]+)\)", (ADRS / "README.md").read_text("utf-8"))
    assert listed == files


@pytest.mark.parametrize("path", sorted(ADRS.glob("0*.md")), ids=lambda path: path.stem)
def test_a_decision_says_why_what_else_and_what_follows(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith(f"# {int(path.name[:4])}. ")
    places = [text.find(section) for section in SECTIONS]
    assert -1 not in places
    assert places == sorted(places)


def test_make_targets_that_are_named_exist() -> None:
    targets = set(
        re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    )
    named = {
        target
        for page in PAGES
        for target in re.findall(
            r"`make ([a-z-]+)`|^make ([a-z-]+)", page.read_text("utf-8"), re.MULTILINE
        )
        for target in target
        if target
    }
    assert named - targets == set()


def test_sources_that_are_named_exist() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    known = {*tracked, *(str(Path(name).parent) for name in tracked)}
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    named = re.findall(r"`((?:src|frontend|tests|images|scripts|docs)/[\w./-]+?)/?`", text)
    named += [
        f"src/lazyaf/{name}" for name in re.findall(r"`((?!src/|tests/)[a-z]+/[\w/]+\.py)`", text)
    ]
    assert [name for name in named if name not in known and not (ROOT / name).exists()] == []


def test_functions_that_the_architecture_names_exist() -> None:
    """Each module that the walk names is real, and so is each function and class."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    walk = text.partition("## One card through the house")[2].partition("## What is on disk")[0]
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "src" / "lazyaf").rglob("*.py"))
    named = {
        word.rpartition(".")[2]
        for word in re.findall(r"`([A-Za-z_]+(?:\.[A-Za-z_]+)?)`", walk)
        if "_" in word or word[0].isupper()
    }
    defined = set(re.findall(r"(?:def |class |^)(\w+)(?:[(:\[]| =)", sources, re.MULTILINE))
    assert named - defined - {"Host", "Origin"} == set()

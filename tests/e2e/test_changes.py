"""Changes that are no lines of text, as the review shows them: each says what it is."""

from __future__ import annotations

import re
from typing import Final

from playwright.sync_api import Locator, Page, expect

from acceptance.house import FILES, House
from e2e.pictures import ARTIFACTS, schemes, shoot
from support.history import bare_copy, git, make_repository

REPO: Final = "odds"
OLD_COMMIT: Final = "1" * 40
NEW_COMMIT: Final = "2" * 40
SCRIPT: Final = "#!/bin/sh\n" + "echo deploying\n" * 12


def pointer(size: int) -> str:
    """What Git LFS leaves in a repository."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize {size}\n"


BEFORE: Final = {
    "assets/intro.mp4": pointer(12_345_678),
    "bin/deploy.sh": SCRIPT,
    "bin/release.sh": SCRIPT + "git tag\n",
    "docs/guide.md": "# Guide\n" + "Read this.\n" * 20,
    "windows.txt": "one\ntwo\nthree\n",
}
COMMAND: Final = "; ".join(
    [
        "set -e",
        f"printf '{pointer(15_000_000)}' > assets/intro.mp4".replace("\n", "\\n"),
        "chmod +x bin/deploy.sh bin/release.sh",
        "echo 'git push --tags' >> bin/release.sh",
        "mkdir -p manual && git mv docs/guide.md manual/user-guide.md",
        "printf '\\000\\001\\002\\003%.0s' $(seq 500) > assets/logo.bin",
        "ln -sfn manual/user-guide.md latest",
        "printf 'one\\r\\ntwo\\r\\nthree\\r\\n' > windows.txt",
        "seq 200000 > data.csv",
        ": > empty.txt",
        "printf 'no newline' > bare.txt",
        "printf 'gr\\374n\\n' > \"$(printf 'gr\\374n.txt')\"",
        f"git update-index --cacheinfo 160000,{NEW_COMMIT},vendor/engine",
        "git add -A -- ':!vendor'",
        "git commit -qm 'Everything that is no text'",
    ]
)


def test_changes_that_are_no_lines_say_what_they_are(house: House, page: Page) -> None:
    card = reviewed(house)
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"/r/{REPO}/c/{card}#"))
    changes = page.get_by_role("region", name=re.compile("^Changes"))
    expect(changes).to_be_visible()
    for name, words in (
        ("assets/intro.mp4", "Git LFS stores this file: 12.3 MB → 15 MB."),
        ("assets/logo.bin", "A binary file: 2 kB."),
        ("bin/deploy.sh", "Only the mode changed, from 100644 to 100755."),
        ("user-guide.md", "Renamed from docs/guide.md; the content did not change."),
        ("vendor/engine", "The submodule moved from 1111111111 to 2222222222."),
        ("data.csv", "200,000 changed lines, not loaded yet. 1.29 MB."),
        ("empty.txt", "An empty file."),
        ("latest", "bin/deploy.sh"),
        ("windows.txt", "Only line endings changed: they are CRLF now, as on Windows."),
        ("374n.txt", "gr\N{REPLACEMENT CHARACTER}n"),
    ):
        go_to(page, name)
        expect(changes).to_contain_text(words)
    go_to(page, "data.csv")
    changes.get_by_role("button", name="Load diff").click()
    expect(changes.get_by_role("alert")).to_contain_text("too large to show")
    pictures(page)


def test_a_change_of_many_files_comes_by_pages(house: House, page: Page) -> None:
    house.repository("many")
    command = "mkdir many; for n in $(seq 1001 2200); do echo $n > many/$n.txt; done"
    card = house.script("many", "Write many files", command)
    house.board.command(card, "start")
    house.board.wait_for(card, "in_review")
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", "/r/many/c/1#"))
    changes = page.get_by_role("tabpanel", name="Changes")
    expect(changes).to_contain_text("1,200 files +1,200")
    expect(changes).to_contain_text("The first 1,000 of 1,200 files are shown.")
    shoot(page, ARTIFACTS / "changes-many.png")
    changes.get_by_role("button", name="Show 200 more").click()
    expect(changes).not_to_contain_text("are shown")
    tree(page).press("End")
    tree(page).evaluate("box => box.scrollTo(0, box.scrollHeight)")
    go_to(page, "2200.txt")
    expect(page.get_by_role("region", name=re.compile("^Changes"))).to_contain_text("2200")


def go_to(page: Page, name: str) -> None:
    """Choose it in the tree."""
    tree(page).get_by_role("button", name=re.compile(re.escape(name.rpartition("/")[2]))).click()


def tree(page: Page) -> Locator:
    return page.get_by_role("navigation", name="Changed files")


def reviewed(house: House) -> int:
    """A card whose branch has all of it; its number."""
    checkout = make_repository(house.root / REPO, commits=3, files={**FILES, **BEFORE})
    (checkout / "latest").symlink_to("bin/deploy.sh")
    git(checkout, "update-index", "--add", "--cacheinfo", f"160000,{OLD_COMMIT},vendor/engine")
    git(checkout, "add", "latest")
    git(checkout, "commit", "-q", "-m", "Link and submodule")
    bare_copy(checkout, house.root / f"{REPO}-origin.git")
    house.ingest(REPO, checkout)
    card = house.script(REPO, "Change what is no text", COMMAND)
    house.board.command(card, "start")
    house.board.wait_for(card, "in_review")
    number = house.board.get(f"/api/cards/{card}")["number"]
    assert isinstance(number, int)
    return number


def pictures(page: Page) -> None:
    """For looking at: wide and narrow, light and dark, from the top and from the middle."""
    for scheme in schemes(page):
        page.set_viewport_size({"width": 1440, "height": 900})
        for at, name in enumerate(("intro.mp4", "latest")):
            go_to(page, name)
            shoot(page, ARTIFACTS / f"changes-1440-{scheme}-{at}.png")
        page.set_viewport_size({"width": 375, "height": 812})
        page.get_by_role("tab", name="Changes").click()
        scroller = page.get_by_role("region", name=re.compile("^Changes"))
        for at in range(3):
            scroller.evaluate("(box, at) => box.scrollTo(0, at * 600)", at)
            shoot(page, ARTIFACTS / f"changes-375-{scheme}-{at}.png")

"""More of a file than its changes, and pictures as pictures."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from typing import Final

from playwright.sync_api import Page, expect

from acceptance.house import FILES, House
from e2e.test_rounds import shoot_everywhere_of_changes
from support.history import bare_copy, git, make_repository

REPO: Final = "shop"
LONG: Final = "".join(f"line {n}\n" for n in range(1, 121))
HOSTILE: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30">'
    "<script>document.title='run'; parent.document.title='run'</script>"
    '<rect width="40" height="30" fill="teal" onload="parent.document.title=\'run\'"/></svg>\n'
)


def picture(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """A PNG of one colour."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    rows = (b"\0" + bytes(colour) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def reviewed(house: House) -> None:
    """A card that changes two lines of a long file, and pictures."""
    checkout = make_repository(house.root / REPO, commits=2, files={**FILES, "long.txt": LONG})
    (checkout / "logo.png").write_bytes(picture(64, 48, (40, 90, 200)))
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "-m", "Logo")
    bare_copy(checkout, house.root / f"{REPO}-origin.git")
    house.ingest(REPO, checkout)
    new = base64.b64encode(picture(96, 72, (220, 120, 40))).decode()
    command = (
        "sed -i 's/^line 50$/line fifty/; s/^line 90$/line ninety/' long.txt; "
        f"echo {new} | base64 -d > logo.png; cat > sign.svg <<'END'\n{HOSTILE}END\n"
        "printf 'no picture\\000' > broken.gif"
    )
    card = house.script(REPO, "Change a little", command)
    house.board.command(card, "start")
    house.board.wait_for(card, "in_review")


def test_what_is_left_out_is_shown_when_asked_for(house: House, page: Page) -> None:
    reviewed(house)
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"/r/{REPO}/c/1#"))
    tree = page.get_by_role("navigation", name="Changed files")
    tree.get_by_role("button", name=re.compile("long.txt")).click()
    changes = page.get_by_role("region", name=re.compile("^Changes"))
    expect(changes).to_contain_text("46 unchanged lines")
    expect(changes).to_contain_text("33 unchanged lines")
    gap = changes.locator("[data-row='long.txt@87']")
    gap.get_by_role("button", name="Show the next 20 lines").click()
    expect(changes).to_contain_text("line 54")
    expect(gap).to_contain_text("13 unchanged lines")
    shoot_everywhere_of_changes(page, "diff-context", changes)
    gap.get_by_role("button", name="Show all lines here").click()
    expect(changes).not_to_contain_text("13 unchanged lines")

    # By the keyboard: to the head of the file, and what is left out before its first change.
    tree.get_by_role("button", name=re.compile("long.txt")).click()
    changes.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Enter")
    expect(changes.locator("[data-row='long.txt:1:1']")).to_be_visible()
    tree.get_by_role("button", name=re.compile("sign.svg")).click()
    rest = changes.locator("[data-row='long.txt@end']")
    expect(rest).to_contain_text("27 unchanged lines")
    rest.get_by_role("button", name="Show all").click()
    expect(rest).to_have_count(0)

    # A line that was not part of the change takes a comment as well.
    page.goto(f"{house.server.url}/r/{REPO}/c/1?file=long.txt&lines=120")
    last = changes.locator("[data-row='long.txt:120:120']")
    last.hover()
    last.get_by_role("button", name="Comment on line 120").click()
    expect(page.get_by_role("textbox", name="Comment on line 120 of long.txt")).to_be_focused()


def test_pictures_are_shown_side_by_side_and_nothing_in_them_runs(house: House, page: Page) -> None:
    reviewed(house)
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"/r/{REPO}/c/1#"))
    tree = page.get_by_role("navigation", name="Changed files")
    tree.get_by_role("button", name=re.compile("logo.png")).click()
    changes = page.get_by_role("region", name=re.compile("^Changes"))
    before = changes.get_by_role("figure").filter(has_text="Before")
    after = changes.get_by_role("figure").filter(has_text="After")
    expect(before).to_contain_text("64 \N{MULTIPLICATION SIGN} 48")
    expect(after).to_contain_text("96 \N{MULTIPLICATION SIGN} 72")
    expect(changes.get_by_role("img", name="Added: sign.svg")).to_be_visible()
    expect(changes.get_by_text("40 \N{MULTIPLICATION SIGN} 30")).to_be_visible()
    expect(changes.get_by_text("This is no picture that a browser can show.")).to_be_visible()
    assert page.title() != "run"
    shoot_everywhere_of_changes(page, "diff-images", after)

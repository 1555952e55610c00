"""Pictures for looking at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from playwright.sync_api import Locator, Page, expect

from e2e.conftest import ROOT, SIZE

ARTIFACTS: Final = ROOT / "tests" / "artifacts"
SCHEMES: Final = ("light", "dark")
SIZES: Final = ((1440, 900), (375, 812))


def shoot(page: Page, picture: Path) -> None:
    """Leave a picture."""
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=picture, animations="disabled", caret="hide")


def shoot_everywhere(page: Page, name: str, shown: Locator) -> None:
    """Leave a picture of what is ``shown`` for each scheme and size; the page is as before afterwards."""
    for scheme in schemes(page):
        for width, height in SIZES:
            resize(page, width, height)
            expect(shown).to_be_visible()
            shoot(page, ARTIFACTS / f"{name}-{width}-{scheme}.png")
    resize(page, SIZE["width"], SIZE["height"])


def resize(page: Page, width: int, height: int) -> None:
    """Give the page this size, and wait until it knows: media queries are told of it with the next frame
    only, and until then the page lays itself out for the old size."""
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def schemes(page: Page) -> Iterator[str]:
    """In the light, then in the dark; in the light again afterwards."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        yield scheme
    page.emulate_media(color_scheme="light")

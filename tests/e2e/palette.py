"""The command palette, as somebody uses it who types fast."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def run_from_palette(page: Page, words: str) -> None:
    """Open it, type, and run what is found first."""
    page.keyboard.press("Control+k")
    box = page.get_by_role("dialog").get_by_role("combobox")
    expect(box).to_be_focused()
    box.fill(words)
    page.keyboard.press("Enter")
    expect(box).to_be_hidden()

"""axe-core, run in the page as it is: what a screen reader, a keyboard or weak eyes would stumble over.

https://github.com/dequelabs/axe-core, the copy among the frontend's packages.
"""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Page

from e2e.conftest import ROOT

PROGRAM: Final = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
ASK: Final = """async (rules) => {
    const found = await axe.run(document, { runOnly: { type: "tag", values: rules } });
    return found.violations.flatMap((each) => each.nodes.map(
        (node) => `${each.id} at ${node.target}: ${node.failureSummary}`));
}"""


def complaints(page: Page) -> list[str]:
    """Each thing that axe finds wrong with the page: its rule, where, and what would mend it."""
    if not page.evaluate("() => 'axe' in window"):
        # Into the page past its content security policy, which lets no script in.
        page.evaluate(PROGRAM.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(ASK, list(RULES))
    return found

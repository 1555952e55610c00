"""A headless Chromium that measures from within: its own clock, its own frames, its own long tasks."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from playwright.sync_api import Browser, Page, Response, sync_playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
SIZE: Final = {"width": 1440, "height": 900}
WAIT_MS: Final = 120_000
ARGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# `frame(condition)` resolves in the first frame in which the condition holds, once that frame is
# painted. `settled(ms)` resolves when no task has been long for so many milliseconds, with the end of the last.
PROBE: Final = """(() => {
    const tasks = [];
    new PerformanceObserver((list) => tasks.push(...list.getEntries()))
        .observe({ type: "longtask", buffered: true });
    const frame = (condition) => new Promise((done, failed) => {
        const begun = performance.now();
        const look = () => {
            if (condition()) requestAnimationFrame(() => setTimeout(() => done(performance.now())));
            else if (performance.now() - begun > 120e3) failed(`This never came: ${condition}`);
            else requestAnimationFrame(look);
        };
        look();
    });
    const settled = (quiet) => new Promise((done) => {
        const look = () => {
            const last = tasks.at(-1);
            const end = last ? last.startTime + last.duration : 0;
            performance.now() - end >= quiet ? done(end) : setTimeout(look, 50);
        };
        setTimeout(look, quiet);
    });
    window.probe = { tasks, frame, settled };
})();"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of this machine."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        raise RuntimeError("Chromium is not installed (apt install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGS))
        yield browser
        browser.close()


class Tab:
    """A tab in a context of its own, so with empty caches, signed in with ``token``."""

    def __init__(self, browser: Browser, url: str, token: str) -> None:
        self._context = browser.new_context(viewport=SIZE, locale="en-GB")  # type: ignore[arg-type]
        self._context.add_init_script(f"localStorage.setItem('lazyaf.token', '{token}'); {PROBE}")
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self._url = url
        self._cdp = self._context.new_cdp_session(self.page)
        self._cdp.send("Performance.enable")
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console", lambda said: self.errors.append(said.text) if said.type == "error" else None
        )
        self._scripts: list[Response] = []
        self.page.on("response", self._note)

    def __enter__(self) -> Tab:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()

    def _note(self, response: Response) -> None:
        if response.request.resource_type == "script":
            self._scripts.append(response)

    def open(self, path: str) -> None:
        """Go there and wait for the page's own load event."""
        self.page.goto(self._url + path)

    def ask(self, expression: str, argument: Any = None) -> Any:
        """The value of a JavaScript function of the page."""
        return self.page.evaluate(expression, argument)

    def until(self, condition: str) -> float:
        """Milliseconds since the page began to load, at the frame in which this holds."""
        return float(self.ask(f"() => probe.frame(() => {condition})"))

    def click_until(self, target: str, condition: str) -> float:
        """Milliseconds from a click on the element of this selector to the frame in which the condition holds."""
        return float(
            self.ask(
                f"""async (target) => {{
                    const begun = performance.now();
                    document.querySelector(target).click();
                    return await probe.frame(() => {condition}) - begun;
                }}""",
                target,
            )
        )

    def settled(self) -> float:
        """Milliseconds since the page began to load, at the end of the last long task."""
        return float(self.ask("() => probe.settled(500)"))

    def longest_task(self) -> float:
        """Milliseconds for which the page answered nothing, at the worst."""
        return float(self.ask("() => Math.max(0, ...probe.tasks.map((each) => each.duration))"))

    def first_paint(self) -> float:
        """Milliseconds to the first contentful paint."""
        return float(
            self.ask(
                "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
            )
        )

    def rows(self, selector: str) -> int:
        """How many elements stand under this one, all levels."""
        return int(self.ask("(at) => document.querySelectorAll(at + ' *').length", selector))

    def script_bytes(self) -> int:
        """What the scripts that were loaded weigh, compressed as a server without haste would."""
        return sum(len(gzip.compress(each.body(), 9)) for each in self._scripts)

    def heap(self) -> float:
        """Bytes of JavaScript that something holds."""
        self._cdp.send("HeapProfiler.collectGarbage")
        metrics = self._cdp.send("Performance.getMetrics")["metrics"]
        return float(next(each["value"] for each in metrics if each["name"] == "JSHeapUsedSize"))

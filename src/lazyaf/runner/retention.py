"""Deletes what no card has come back for: old work trees, refused work that was kept, HOMEs, and trees
that waited for a card in vain.

A work tree normally goes with its job's finish; it stays when a lease was lost, since the next attempt
may come to this machine. Blocking; run once when a runner starts. A tree that somebody works in is
locked and left alone.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import structlog

from lazyaf.runner.config import RunnerConfig
from lazyaf.runner.filelock import try_lock
from lazyaf.runner.workspace import remove_tree

log = structlog.get_logger(__name__)

KEEP_S: Final = 30 * 24 * 3600.0
"""A month: longer than a review waits, and the agent's conversation is worth as long."""


def sweep(config: RunnerConfig, now: float) -> None:
    """Delete what was last used more than `KEEP_S` before ``now`` (seconds since the epoch)."""
    for card in _cards(config):
        with try_lock(config.trees_dir / f"{card}.lock") as taken:
            if taken:
                for path in _of(config, card):
                    if now - _used_at(path) > KEEP_S:
                        log.info("retention.removed", path=str(path))
                        remove_tree(path)
    for folder in config.spares_dir.glob(
        "*"
    ):  # its time is that of the last tree that came or went
        with try_lock(folder / "lock") as taken:
            if taken and now - folder.lstat().st_mtime > KEEP_S:
                shutil.rmtree(folder)


def _cards(config: RunnerConfig) -> set[str]:
    """Every card that has left something here."""
    found = [*config.trees_dir.iterdir(), *config.homes_dir.iterdir()]
    return {path.name.split(".", 1)[0] for path in found}


def _of(config: RunnerConfig, card: str) -> Iterator[Path]:
    """A card's tree, refused trees, HOME and note of its session."""
    for folder in (config.trees_dir, config.homes_dir):
        yield from (p for p in (folder / card, *folder.glob(f"{card}.*")) if p.suffix != ".lock")


def _used_at(path: Path) -> float:
    """When a runner last wrote its note about it; the directory's own time without one. What is
    inside is the agent's and proves nothing."""
    for each in (path / "job.json", path.with_name(f"{path.name}.session"), path):
        with contextlib.suppress(OSError):
            return each.lstat().st_mtime
    return 0.0

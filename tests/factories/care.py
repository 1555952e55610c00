"""Backups of a scene's server, and where they are restored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import URL

from factories.scene import Scene
from lazyaf.services.backup import Manifest, Origin, back_up
from lazyaf.services.restore import require_empty, require_restorable, restore
from lazyaf.store.engine import sqlite_url
from support.postgres import Cluster


class Care:
    """Backups of the scene's server, and places to restore them to."""

    def __init__(
        self, scene: Scene, root: Path, outside: Path, url: URL, cluster: Cluster | None
    ) -> None:
        self.scene = scene
        self.root = root
        self.outside = outside
        self.url = url
        self.target = outside / "backup"
        self.told: list[str] = []
        self._cluster = cluster
        for name in ("secret", "token", "runners/token"):
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text(f"the {name}\n")

    async def back_up(
        self,
        target: Path | None = None,
        *,
        with_database: bool = True,
        tell: Callable[[str], None] | None = None,
    ) -> Manifest:
        return await asyncio.to_thread(
            back_up,
            Origin(self.root, self.url),
            target or self.target,
            version="1.2.3",
            now=self.scene.clock.now(),
            tell=tell or self.told.append,
            with_database=with_database,
        )

    def place(self, name: str = "restored") -> tuple[Path, URL]:
        """A new data directory, and the database of a server that will be there."""
        folder = self.outside / name
        folder.mkdir(mode=0o700)
        if self._cluster is None:
            return folder, sqlite_url(folder / "lazyaf.db")
        return folder, self._cluster.create(f"{name}_{self.url.database}")

    async def restore(self, folder: Path, url: URL, backup: Path | None = None) -> None:
        backup = backup or self.target
        manifest = Manifest.load(backup)
        require_restorable(manifest, into_file=self._cluster is None)
        require_empty(folder, folder / ".restoring")
        await asyncio.to_thread(
            restore, backup, manifest, folder, folder / ".restoring", url, self.told.append
        )

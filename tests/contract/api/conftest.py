"""The whole server over SQLite, listening in the test's own process."""

from support.app import served
from support.database import migrated_file

__all__ = ["migrated_file", "served"]

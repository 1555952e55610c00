"""Both databases under the real writer and readers."""

from support.database import (
    clock,
    database_url,
    db,
    dialect,
    migrated_file,
    postgres_cluster,
)

__all__ = ["clock", "database_url", "db", "dialect", "migrated_file", "postgres_cluster"]

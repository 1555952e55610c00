"""Alembic's revisions of the schema; `lazyaf.store.migrate` applies them at start."""

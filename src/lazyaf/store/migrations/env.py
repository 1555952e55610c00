"""Alembic's environment: runs on the connection that `lazyaf.store.migrate` hands over."""

from __future__ import annotations

from alembic import context

from lazyaf.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()

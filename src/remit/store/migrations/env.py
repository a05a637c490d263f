"""Runs migrations on the connection that `remit.store.migrate` hands over, all in one transaction."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from remit.store.schema import METADATA


def run() -> None:
    connection = context.config.attributes["connection"]
    if not isinstance(connection, Connection):
        raise TypeError("migrations are run by `remit.store.migrate`")
    before, after = (context.config.attributes.get(name, lambda: None) for name in ("before", "after"))
    with connection.begin():
        before()
        context.configure(connection=connection, target_metadata=METADATA)
        context.run_migrations()
        after()


run()

"""Bringing a database file to the schema of this version.

Migrations run through the standard library's SQLite, everything else through apsw's. These are two copies of SQLite in
one process that know nothing of each other: when one closes a file, POSIX drops the locks that the other holds on it.
INVARIANT: they never have the same file open at the same time. An upgrade runs before any `SqliteDatabase` is opened,
and `check` compares schemas in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from remit.core.errors import NotOurs, SchemaTooNew
from remit.store.sqlite import SqliteDatabase, back_up, create_file, read_schema, set_journal

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0001"
"""The newest migration. Written here so that a start on a current file loads neither alembic nor SQLAlchemy."""

_LOCK_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where a file stands, where this version would bring it, and what in it is not as declared."""

    current: str | None
    head: str
    drift: tuple[str, ...]


async def open_sqlite(path: Path, base_url: str) -> SqliteDatabase:
    """Bring the file to the current schema, creating it if need be, and open it.

    Raises:
        SchemaTooNew: a newer Remit has migrated the file.
        NotOurs: the file is a database of something else.
        StoreUnavailable: the file cannot be opened, or stayed locked.
    """
    await asyncio.to_thread(upgrade, path)
    return SqliteDatabase(path, base_url=base_url, schema=HEAD)


def upgrade(path: Path) -> bool:
    """Bring the file to the current schema, after a copy if there is something to lose. False when it stood there.

    Raises:
        SchemaTooNew: a newer Remit has migrated the file.
        NotOurs: the file is a database of something else.
        StoreUnavailable: the file cannot be opened, or stayed locked.
    """
    create_file(path)
    current, schema = read_schema(path)
    if current == HEAD:
        return False
    _refuse_strangers(current, schema)
    if current is not None:
        back_up(path, backup_path(path, current))
    set_journal(path)
    _run(path)
    return True


def check(path: Path) -> Status:
    """Compare the file with what this version declares, without touching it.

    Raises:
        StoreUnavailable: the file cannot be opened.
    """
    current, schema = read_schema(path)
    return Status(current=current, head=HEAD, drift=() if current is None else _drift(schema))


def backup_path(path: Path, current: str) -> Path:
    """Say where the copy lies that is made before a file leaves this migration."""
    return path.with_name(f"{path.name}.{current}.backup")


def _refuse_strangers(current: str | None, schema: Sequence[str]) -> None:
    if current is None:
        if schema:
            raise NotOurs("the file is an SQLite database, but not one of Remit")
        return
    if current not in known_revisions():
        raise SchemaTooNew(f"the database stands at migration {current}; this version knows migrations up to {HEAD}")


def known_revisions() -> frozenset[str]:
    """Return every migration that this version knows."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - only when not at head

    return frozenset(script.revision for script in ScriptDirectory.from_config(config()).walk_revisions())


def config() -> Config:
    """Return what alembic needs to find the migrations."""
    from alembic.config import Config  # noqa: PLC0415

    made = Config()
    made.set_main_option("script_location", "remit.store:migrations")
    made.set_main_option("path_separator", "os")
    return made


def _run(path: Path) -> None:
    from alembic import command  # noqa: PLC0415
    from sqlalchemy import URL, Connection, create_engine, event  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    # Without an isolation level the driver begins nothing by itself, so that a migration is one transaction.
    driver = {"timeout": _LOCK_SECONDS, "isolation_level": None}
    engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool, connect_args=driver)

    @event.listens_for(engine, "begin")
    def begin_as_writer(connection: Connection) -> None:
        # Of two processes that start on a new file one migrates, and the other then finds nothing to do.
        connection.exec_driver_sql("begin immediate")

    try:
        with engine.connect() as connection:
            ours = config()
            ours.attributes["connection"] = connection
            command.upgrade(ours, "head")
    finally:
        engine.dispose()


def _drift(schema: Sequence[str]) -> tuple[str, ...]:
    """Build the file's schema again in memory and compare it with the declared one."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415
    from alembic.migration import MigrationContext  # noqa: PLC0415
    from sqlalchemy import create_engine  # noqa: PLC0415

    from remit.store.schema import METADATA  # noqa: PLC0415

    engine = create_engine("sqlite://")
    try:
        with engine.connect() as connection:
            for statement in schema:
                connection.exec_driver_sql(statement)
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            return tuple(repr(difference) for difference in compare_metadata(context, METADATA))
    finally:
        engine.dispose()

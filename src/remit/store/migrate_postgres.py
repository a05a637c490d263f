"""Bringing a PostgreSQL database to the schema of this version, wall included. Only the owner can; a server never does.

Everything happens in one transaction under one lock, so of two who upgrade one waits and then finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from remit.core.errors import NotOurs, RemitError, SchemaTooNew, SchemaTooOld, StoreUnavailable
from remit.core.names import Secret
from remit.sections import Storage
from remit.store import migrate, wall
from remit.store.migrate import Status
from remit.store.numbered import numbered
from remit.store.postgres import VERSION, Login, Place, PostgresDatabase, connect

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOCK = "select pg_advisory_xact_lock(1380273481, 0)"
TABLES = """
select relname::text from pg_class where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p')
"""
PREPARED = "select to_regclass('alembic_version') is not null"
ME = """
select rolsuper or rolbypassrls or coalesce(pg_has_role(current_user, relowner, 'member'), false)
  from pg_roles left join pg_class on pg_class.oid = to_regclass('tenant') where rolname = current_user
"""
KNOWN_ROLES = """
select rolname::text from pg_roles where rolname in (:app, :system)
"""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Answers:
    """Asks the catalog through whatever connection there is."""

    ask: Callable[[str, dict[str, str]], list[tuple[Any, ...]]]

    def column(self, sql: str, **params: str) -> list[str]:
        return [str(row[0]) for row in self.ask(sql, params)]


def place_of(storage: Storage) -> Place:
    """Return where the settings say that the database is, with the passwords that lie in files.

    Raises:
        StoreUnavailable: a password file cannot be read.
    """

    def login(user: str, file: str) -> Login:
        if not file:
            return Login(user=user)
        try:
            return Login(user=user, password=Secret(Path(file).read_text(encoding="utf-8").removesuffix("\n")))
        except (OSError, ValueError) as error:
            raise StoreUnavailable(f"cannot read the password file of {user}: {file}") from error

    return Place(
        url=storage.url,
        app=login(storage.app_user, storage.app_password_file),
        system=login(storage.system_user, storage.system_password_file),
        owner=login(storage.owner_user, storage.owner_password_file),
        connections=storage.connections,
    )


async def open_postgres(place: Place, base_url: str) -> PostgresDatabase:
    """Open a database that stands at this version's schema, as roles that the wall holds.

    Raises:
        SchemaTooOld: `remit db upgrade` comes first.
        SchemaTooNew: a newer Remit has migrated the database.
        NotOurs: our role could walk through the wall.
        RemitError: the database does not keep what it says it has committed.
        StoreUnavailable: the database cannot be reached, or does not let us in.
    """
    connection = await connect(place, place.app)
    try:
        if not await connection.fetchval(PREPARED):
            raise SchemaTooOld("the database is empty: `remit db upgrade` prepares it")
        current = await connection.fetchval(VERSION)
        if await connection.fetchval("show synchronous_commit") == "off":
            # As with SQLite's `synchronous`: a crash could bring a revoked token back.
            raise RemitError("synchronous_commit is off for this database: what was answered must be on its disk")
        if await connection.fetchval(ME):
            raise NotOurs(f"{place.app.user} could pass the wall between tenants: it must not own the tables")
    finally:
        await connection.close()
    if current != migrate.HEAD:
        _known_or_refuse(current)
        raise SchemaTooOld(f"the database stands at migration {current}: `remit db upgrade` brings it to this version")
    return await PostgresDatabase.open(place, base_url=base_url, schema=migrate.HEAD)


async def upgrade(place: Place) -> bool:
    """Bring the database to the current schema and put up the wall. False when all that stood there.

    Raises:
        SchemaTooNew: a newer Remit has migrated the database.
        NotOurs: the database holds something else.
        RemitError: the roles of the settings do not exist.
        StoreUnavailable: the database cannot be reached, or does not let us in.
    """
    return await _as_owner(place, lambda connection: _upgrade(connection, _roles(place)))


async def check(place: Place) -> Status:
    """Compare the database with what this version declares, and change nothing.

    Raises:
        StoreUnavailable: the database cannot be reached, or does not let us in.
    """
    return await _as_owner(place, lambda connection: _status(connection, _roles(place)))


def _roles(place: Place) -> wall.Roles:
    return wall.Roles(place.app.user, place.system.user)


async def _as_owner(place: Place, step: Callable[[Connection], _T]) -> _T:
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - a start needs none of this
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    async def creator() -> Any:
        return await connect(place, place.owner)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=creator, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(step)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, roles: wall.Roles) -> bool:
    from alembic import command  # noqa: PLC0415

    changed = False

    def before() -> None:
        nonlocal changed
        connection.exec_driver_sql(LOCK)
        found = _status(connection, roles)
        answers = _answers(connection)
        missing = set(roles) - set(answers.column(KNOWN_ROLES, app=roles.app, system=roles.system))
        if missing:
            raise RemitError(f"there is no role {' and no role '.join(sorted(missing))}: create it first")
        if found.current is None:
            if answers.column(TABLES):
                raise NotOurs("the database holds tables, but not those of Remit")
        else:
            _known_or_refuse(found.current)
        changed = found.current != migrate.HEAD or bool(found.drift)

    def after() -> None:
        for statement in wall.build(_tables(), roles):
            connection.exec_driver_sql(statement)

    config = migrate.config()
    config.attributes.update(connection=connection, before=before, after=after)
    command.upgrade(config, "head")
    return changed


def _status(connection: Connection, roles: wall.Roles) -> Status:
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415
    from alembic.migration import MigrationContext  # noqa: PLC0415

    from remit.store.schema import METADATA  # noqa: PLC0415

    answers = _answers(connection)
    if wall.VERSION_TABLE not in answers.column(TABLES):
        return Status(current=None, head=migrate.HEAD, drift=())
    current = next(iter(answers.column(VERSION)), None)
    if current != migrate.HEAD:
        return Status(current=current, head=migrate.HEAD, drift=())
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    drift = [repr(difference) for difference in compare_metadata(context, METADATA)]
    drift += wall.faults(
        _tables(),
        roles,
        unguarded=answers.column(wall.UNGUARDED),
        policies=answers.ask(wall.POLICIES, {}),
        granted=[(row[0], row[1], row[2]) for row in answers.ask(wall.GRANTED, roles._asdict())],
        collated=answers.column(wall.COLLATED),
        triggers=answers.column(wall.TRIGGERS),
    )
    return Status(current=current, head=migrate.HEAD, drift=tuple(drift))


def _answers(connection: Connection) -> Answers:
    def ask(sql: str, params: dict[str, str]) -> list[tuple[Any, ...]]:
        text, names = numbered(sql)
        return [tuple(row) for row in connection.exec_driver_sql(text, tuple(params[name] for name in names))]

    return Answers(ask)


def _tables() -> list[str]:
    from remit.store.schema import METADATA  # noqa: PLC0415

    return sorted(METADATA.tables)


def _known_or_refuse(current: str | None) -> None:
    if current not in migrate.known_revisions():
        raise SchemaTooNew(
            f"the database stands at migration {current}; this version knows migrations up to {migrate.HEAD}"
        )


__all__ = ["Place", "check", "open_postgres", "place_of", "upgrade"]

"""The PostgreSQL engine: the only module that knows asyncpg.

Three roles meet the database. The *app* role runs works; row-level security keeps it in the tenant that the work has
set, even where a statement forgets to say so. The *system* role sees which tenants there are and nothing inside them.
The *owner* migrates and is not used for serving.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from remit.core.errors import StoreUnavailable
from remit.core.names import Secret, TenantId
from remit.ports.work import System, Work
from remit.store.notices import Ear, Notices
from remit.store.numbered import numbered
from remit.store.recall import Recall
from remit.store.statements import Row, Statements, Value
from remit.store.system import SystemContext, SystemDoor
from remit.store.transactions import SnapshotContext, TransactionContext, Transactions

STOPS_CHANNEL = "remit_stops"

# Both run once in each transaction. The lock is an advisory one, so that the first work of a tenant that does not exist
# yet can take it too; two tenants of one hash wait for each other, and that is all.
ENTER = """
select set_config('app.tenant', :tenant, true), pg_advisory_xact_lock(1380273481, hashtext(:tenant))
"""

ENTER_READING = """
select set_config('app.tenant', :tenant, true)
"""

VERSION = """
select version_num from alembic_version
"""

NEWEST = """
select pg_snapshot_xmax(pg_current_snapshot())::text
"""

_READ_COMMITTED = "begin isolation level read committed read write"
_SNAPSHOT = "begin isolation level repeatable read read only"

_CONNECT_SECONDS = 5
_TAKE_SECONDS = 10
_ANSWER_SECONDS = 20
_SERVER_SETTINGS = {
    # As on SQLite: whoever waits for a lock this long is told that the store is unavailable.
    "lock_timeout": "5s",
    "statement_timeout": "15s",
    # A node that hangs or is cut off must not keep its tenant's turn.
    "idle_in_transaction_session_timeout": "10s",
    "timezone": "UTC",
}
_UNAVAILABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.PostgresSystemError,
    asyncpg.InternalServerError,
    OSError,
    TimeoutError,
)
_CANNOT_CONNECT = (
    *_UNAVAILABLE,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InterfaceError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A role of the database. Without a password the server or the password file of libpq knows how."""

    user: str
    password: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the database is, and who we are there."""

    url: str
    app: Login
    system: Login
    owner: Login
    connections: int = 10

    @property
    def database(self) -> str:
        return urlsplit(self.url).path.removeprefix("/")


class _Plain(asyncpg.Connection):  # type: ignore[misc] # asyncpg ships no types
    """A connection on which nothing outlives its transaction, so nothing is reset when it goes back to its pool."""

    def get_reset_query(self) -> str:
        return ""


async def connect(place: Place, login: Login, *, name: str = "remit") -> Any:
    """Open a bare connection.

    Raises:
        StoreUnavailable: the database cannot be reached, or does not let us in.
    """
    try:
        return await asyncpg.connect(place.url, **_arguments(login, name))
    except _CANNOT_CONNECT as error:
        raise StoreUnavailable(f"cannot connect to PostgreSQL as {login.user}: {error}") from error


def _arguments(login: Login, name: str) -> dict[str, Any]:
    return {
        "user": login.user,
        "password": None if login.password is None else login.password.reveal(),
        "timeout": _CONNECT_SECONDS,
        "command_timeout": _ANSWER_SECONDS,
        "statement_cache_size": 512,
        "connection_class": _Plain,
        "server_settings": {"application_name": name, **_SERVER_SETTINGS},
    }


class PostgresSession:
    """A connection out of a pool, with our SQL and our errors."""

    __slots__ = ("_connection", "_pool", "_reading")

    def __init__(self, pool: Any, connection: Any) -> None:
        self._pool = pool
        self._connection = connection
        self._reading = False

    async def fetch(self, sql: str, params: Mapping[str, Value]) -> list[Row]:
        """Run one statement.

        Raises:
            StoreUnavailable: the database cannot take or give anything now.
            RuntimeError: it writes, and this transaction is for reading only.
        """
        text, names = numbered(sql)
        with self._our_errors():
            return [tuple(row) for row in await self._connection.fetch(text, *[params[name] for name in names])]

    async def begin_work(self, tenant: TenantId) -> None:
        # Read committed: what we wait for at the lock is seen by every statement after it.
        await self._execute(_READ_COMMITTED)
        await self.fetch(ENTER, {"tenant": tenant})

    async def begin_reading(self, tenant: TenantId) -> None:
        self._reading = True
        await self._execute(_SNAPSHOT)
        await self.fetch(ENTER_READING, {"tenant": tenant})

    async def commit(self) -> None:
        """Commit.

        Raises:
            StoreUnavailable: it failed, or the connection was lost before the answer; then nobody knows, and whoever
                asks again meets one-time things that are spent or not.
            RuntimeError: a statement had failed, and the work went on as if it had not.
        """
        if await self._execute("commit") != "COMMIT":
            raise RuntimeError("a statement of this work had failed; nothing of it was kept")

    async def roll_back(self) -> None:
        if self._lost():
            return
        try:
            await self._connection.execute("rollback")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            with suppress(asyncpg.InterfaceError):  # its pool has let go of it
                self._connection.terminate()

    async def give_back(self) -> None:
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            await self._pool.release(self._connection)

    async def _execute(self, command: str) -> str:
        with self._our_errors():
            return str(await self._connection.execute(command))

    @contextmanager
    def _our_errors(self) -> Iterator[None]:
        try:
            yield
        except asyncpg.ReadOnlySQLTransactionError as error:
            if self._reading:
                raise RuntimeError("this work was opened for reading only") from error
            raise StoreUnavailable("the database is a standby and takes no writes") from error
        except _UNAVAILABLE as error:
            raise StoreUnavailable(str(error) or "the database did not answer in time") from error
        except asyncpg.InsufficientPrivilegeError as error:
            # Somebody took a right of our role away, as to write events. The wall between tenants has this code too.
            if error.server_source_function == "aclcheck_error":
                raise StoreUnavailable(f"the database does not let us: {error}") from error
            raise
        except asyncpg.InterfaceError as error:
            if self._lost():
                raise StoreUnavailable("the connection to the database was lost") from error
            raise

    def _lost(self) -> bool:
        try:
            return bool(self._connection.is_closed())
        except asyncpg.InterfaceError:
            # Its pool has noticed before us, and let go of it.
            return True


class _Ear:
    """The connection on which notices arrive."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def newest(self) -> str:
        try:
            return str(await self._connection.fetchval(NEWEST))
        except (*_UNAVAILABLE, asyncpg.InterfaceError) as error:
            raise StoreUnavailable("the connection that hears of changes was lost") from error

    async def close(self) -> None:
        try:
            async with asyncio.timeout(1):
                await self._connection.close()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            self._connection.terminate()


class PostgresDatabase:
    """`remit.ports.work.Database` on a PostgreSQL database whose schema is current."""

    def __init__(self, place: Place, *, base_url: str, schema: str, app: Any, system: Any, name: str) -> None:
        self._place = place
        self._schema = schema
        self._commits = 0
        self._base_url = base_url
        self._name = name
        self._app, self._system = app, system
        self._notices = Notices(self._hear)
        self.recall = Recall()
        self._transactions = Transactions(self._take, self.recall, on_commit=self._committed)

    @classmethod
    async def open(cls, place: Place, *, base_url: str, schema: str) -> PostgresDatabase:
        """Open both pools.

        Raises:
            StoreUnavailable: the database cannot be reached, or does not let us in.
        """
        # Our own notices come back to us, too; by its name a node knows them.
        name = f"remit-{secrets.token_hex(4)}"
        opened: list[Any] = []
        try:
            for login, most in ((place.app, place.connections), (place.system, 4)):
                settings = _arguments(login, name)
                opened.append(await asyncpg.create_pool(place.url, min_size=1, max_size=most, **settings))
        except _CANNOT_CONNECT as error:
            for pool in opened:
                pool.terminate()
            raise StoreUnavailable(f"cannot connect to PostgreSQL: {error}") from error
        return cls(place, base_url=base_url, schema=schema, app=opened[0], system=opened[1], name=name)

    def work(self, tenant: TenantId) -> AbstractAsyncContextManager[Work]:
        return self._tenant_work(tenant)

    def _tenant_work(self, tenant: TenantId) -> TransactionContext:
        return TransactionContext(self._transactions, tenant, self._base_url)

    def read(self, tenant: TenantId) -> AbstractAsyncContextManager[Work]:
        return SnapshotContext(self._transactions, tenant, self._base_url)

    def system(self) -> AbstractAsyncContextManager[System]:
        return SystemContext(SystemDoor(self._across, self._tenant_work, self._base_url))

    def move_to(self, base_url: str) -> None:
        """Name every issuer below this URL from now on."""
        self._base_url = base_url

    def changes(self) -> AsyncIterator[None]:
        return self._notices.listen()

    @property
    def commits(self) -> int:
        return self._commits

    async def schema_is_current(self) -> bool:
        session = await self._take()
        try:
            return await session.fetch(VERSION, {}) == [(self._schema,)]
        finally:
            await session.give_back()

    async def close(self) -> None:
        """Let running works finish, then let go of the database."""
        await self._transactions.close()
        await self._notices.close()
        for pool in (self._app, self._system):
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await pool.close()
            except (asyncpg.InterfaceError, OSError, TimeoutError):
                pool.terminate()

    @asynccontextmanager
    async def _across(self, tenant: TenantId) -> AsyncIterator[Statements]:
        """Open the door across tenants, for one statement that is its own transaction."""
        self._transactions.refuse_nesting()
        session = await _taken(self._system)
        try:
            yield Statements(session, tenant)
        finally:
            await session.give_back()

    def _committed(self) -> None:
        self._commits += 1
        self._notices.ring()

    async def _take(self) -> PostgresSession:
        return await _taken(self._app)

    async def _hear(self, ring: Callable[[], None]) -> Ear:
        connection = await connect(self._place, self._place.app, name=self._name)

        def told(_connection: object, _pid: int, _channel: str, node: str) -> None:
            if node != self._name:
                ring()

        try:
            await connection.add_listener(STOPS_CHANNEL, told)
        except BaseException:
            connection.terminate()
            raise
        return _Ear(connection)


async def _taken(pool: Any) -> PostgresSession:
    try:
        return PostgresSession(pool, await pool.acquire(timeout=_TAKE_SECONDS))
    except _CANNOT_CONNECT as error:
        raise StoreUnavailable(f"no connection to PostgreSQL: {error}") from error

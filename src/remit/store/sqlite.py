"""The SQLite engine: one connection that writes, one that reads, both used in the event loop's thread.

The only module that knows apsw. Statements run in place because a point read takes microseconds and a thread hop takes
twenty times that; only COMMIT leaves the thread (`remit.store.batches`).
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from pathlib import Path

import apsw

from remit.core.errors import StoreUnavailable
from remit.core.names import TenantId
from remit.ports.work import System, Work
from remit.store.audit import SAVE, saved
from remit.store.batches import Batch, Batches
from remit.store.changes import Bell
from remit.store.recall import Recall
from remit.store.statements import Row, Value
from remit.store.system import SystemContext, SystemDoor
from remit.store.work import ReadContext, Reader, WorkContext

_BROKEN = (
    apsw.FullError,
    apsw.IOError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.NoMemError,
    apsw.ProtocolError,
    apsw.InterruptError,
    apsw.ReadOnlyError,
    apsw.PermissionsError,
    apsw.ConnectionClosedError,
)

SCHEMA = "select name, sql from sqlite_master where sql is not null order by rowid"
VERSION = "select version_num from alembic_version"

WAL = "pragma journal_mode = wal"

_UPGRADE_PATIENCE_MS = 10_000
_READER_PATIENCE_MS = 100
"""Readers meet a lock only while another process opens or closes the file for the first or last time."""


class Connection:
    """One apsw connection with our settings and our errors."""

    def __init__(self, path: Path, *, for_reading: bool = False) -> None:
        """Open an existing file.

        Raises:
            StoreUnavailable: the file cannot be opened.
        """
        self._for_reading = for_reading
        try:
            self._apsw = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=256)
            self._apsw.set_busy_timeout(_READER_PATIENCE_MS)
            # Without this a statement is planned anew whenever a parameter changes, which costs more than running it:
            # a look-up by key with two joins took 41 µs, and takes 9 µs with it.
            self._apsw.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
            # FULL: with NORMAL a power cut could bring a revoked token back.
            self._apsw.execute("pragma synchronous = full; pragma foreign_keys = on")
            if for_reading:
                self._apsw.execute("pragma query_only = on")
            else:
                # Whoever waits for a lock waits in the event loop (`Batches`), not here.
                self._apsw.set_busy_timeout(0)
        except _BROKEN as error:
            raise StoreUnavailable(f"cannot open the database: {error}") from error

    @property
    def apsw(self) -> apsw.Connection:
        """The bare connection, for tests that count commits or fill the disk."""
        return self._apsw

    @property
    def in_transaction(self) -> bool:
        return self._apsw.in_transaction

    def rows(self, sql: str, params: Mapping[str, Value]) -> list[Row]:
        """Run one statement.

        Raises:
            StoreUnavailable: the database cannot take or give anything now.
            RuntimeError: it writes, and this connection is for reading only.
        """
        try:
            return self._apsw.execute(sql, params).fetchall()
        except _BROKEN as error:
            if self._for_reading and isinstance(error, apsw.ReadOnlyError):
                raise RuntimeError("this work was opened for reading only") from error
            raise StoreUnavailable(str(error)) from error

    async def fetch(self, sql: str, params: Mapping[str, Value]) -> list[Row]:
        """Run one statement in place, without suspending."""
        return self.rows(sql, params)

    def begin(self) -> bool:
        """Begin as a writer: a transaction that first reads and then writes could fail in the middle."""
        try:
            self._apsw.execute("begin immediate")
        except apsw.BusyError:
            return False
        except _BROKEN as error:
            raise StoreUnavailable(str(error)) from error
        return True

    def begin_reading(self) -> None:
        self.rows("begin", {})

    def savepoint(self) -> None:
        self.rows("savepoint work", {})

    def release(self) -> None:
        self.rows("release work", {})

    def roll_back_to_savepoint(self) -> None:
        self.rows("rollback to work", {})

    def commit(self) -> None:
        self.rows("commit", {})

    def roll_back(self) -> None:
        self.rows("rollback", {})

    def version(self) -> int:
        """Return a number that changes when another connection has committed."""
        return int(self.rows("pragma data_version", {})[0][0])

    def close(self) -> None:
        self._apsw.close()


class SqliteDatabase:
    """`remit.ports.work.Database` on one SQLite file whose schema is current."""

    def __init__(self, path: Path, *, base_url: str, schema: str) -> None:
        """Open both connections.

        Raises:
            StoreUnavailable: the file cannot be opened.
        """
        self._base_url = base_url
        self._schema = schema
        self._writer = Connection(path)
        self._reading = Connection(path, for_reading=True)
        self._bell = Bell(self._version)
        self._commits = 0
        self._batches = Batches(self._writer, finish=self._save_trees, on_commit=self._committed)
        self.recall = Recall()
        self._reader = Reader(self._reading, self._batches, self.recall)

    def work(self, tenant: TenantId) -> AbstractAsyncContextManager[Work]:
        return self._tenant_work(tenant)

    def _tenant_work(self, tenant: TenantId) -> WorkContext:
        return WorkContext(self._batches, self._writer, tenant, base_url=self._base_url, recall=self.recall)

    def read(self, tenant: TenantId) -> AbstractAsyncContextManager[Work]:
        return ReadContext(self._reader, tenant, self._base_url)

    def system(self) -> AbstractAsyncContextManager[System]:
        return SystemContext(SystemDoor(self._reader.open, self._tenant_work, self._base_url))

    def move_to(self, base_url: str) -> None:
        """Name every issuer below this URL from now on."""
        self._base_url = base_url

    def changes(self) -> AsyncIterator[None]:
        return self._bell.listen()

    @property
    def commits(self) -> int:
        return self._commits

    async def schema_is_current(self) -> bool:
        """Ask the reading connection, so that a probe never waits for writers."""
        return self._reading.rows(VERSION, {}) == [(self._schema,)]

    async def close(self) -> None:
        """Let running works finish, then let go of the file."""
        await self._batches.close()
        self._bell.close()
        self._reading.close()
        self._writer.close()

    def _save_trees(self, batch: Batch) -> None:
        """Write the trees that grew in a batch, once each, however many works it holds."""
        for tenant in batch.grown:
            self._writer.rows(SAVE, {"tenant": tenant, **saved(batch.frontiers[tenant])})

    def _committed(self) -> None:
        self._commits += 1
        self._bell.ring()

    def _version(self) -> int | None:
        """Look whether another process has committed; None while our own COMMIT has the connection."""
        if self._batches.committing:
            return None
        with suppress(StoreUnavailable):
            return self._writer.version()
        return None


def create_file(path: Path) -> None:
    """Create an empty database that only its owner can read; SQLite gives its side files the same mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def set_journal(path: Path) -> None:
    """Turn on the write-ahead log, which stays on in the file: readers and the writer do not wait for each other.

    Raises:
        StoreUnavailable: another process used the file all the time.
    """
    deadline = time.monotonic() + _UPGRADE_PATIENCE_MS / 1000
    with _opened(path) as connection:
        while True:
            try:
                connection.execute(WAL).fetchall()
            except apsw.BusyError:
                # SQLite does not wait for this lock by itself: two processes may start on a new file together.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return


def read_schema(path: Path) -> tuple[str | None, list[str]]:
    """Return the migration the file stands at and the text of its schema."""
    with _opened(path) as connection:
        connection.set_busy_timeout(_UPGRADE_PATIENCE_MS)
        found = [(str(name), str(sql)) for name, sql in connection.execute(SCHEMA)]
        texts = [sql for _, sql in found]
        if not any(name == "alembic_version" for name, _ in found):
            return None, texts
        version = connection.execute(VERSION).fetchone()
        return (None if version is None else str(version[0])), texts


def take_write_lock(path: Path) -> None:
    """Begin to write and let it be.

    Raises:
        StoreUnavailable: the file cannot be written.
    """
    with _opened(path) as connection:
        connection.set_busy_timeout(_UPGRADE_PATIENCE_MS)
        connection.execute("begin immediate")
        connection.execute("rollback")


def back_up(path: Path, copy: Path) -> None:
    """Write a consistent copy beside the file, whole or not at all."""
    draft = copy.with_name(f"{copy.name}.part")
    draft.unlink(missing_ok=True)
    create_file(draft)
    with _opened(path) as source, _opened(draft) as target, target.backup("main", source, "main") as backup:
        # In one step: a pass that pauses begins anew whenever somebody commits. Readers and writers go on meanwhile.
        backup.step(-1)
    draft.replace(copy)


@contextmanager
def _opened(path: Path) -> Iterator[apsw.Connection]:
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            yield connection
        finally:
            connection.close()
    except _BROKEN as error:
        raise StoreUnavailable(f"cannot use {path.name}: {error}") from error

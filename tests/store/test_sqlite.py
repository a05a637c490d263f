"""The contract on SQLite."""

from __future__ import annotations

from contextlib import asynccontextmanager

import apsw
import pytest

from remit.store.migrate import open_sqlite
from tests.store.contract import Contract
from tests.store.rows import BASE, add_tenants


@pytest.fixture
async def db(tmp_path):
    database = await open_sqlite(tmp_path / "remit.db", BASE)
    await add_tenants(database)
    yield database
    await database.close()


@pytest.fixture
def elsewhere(tmp_path):
    """Another process on the same file."""

    @asynccontextmanager
    async def opened():
        database = await open_sqlite(tmp_path / "remit.db", BASE)
        yield database
        await database.close()

    return opened


@pytest.fixture
def by_hand(tmp_path):
    async def run(statement: str) -> None:
        connection = apsw.Connection(str(tmp_path / "remit.db"))
        connection.execute(statement)
        connection.close()

    return run


class TestSqlite(Contract):
    pass

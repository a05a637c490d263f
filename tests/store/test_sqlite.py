"""The contract on SQLite."""

from __future__ import annotations

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


class TestSqlite(Contract):
    pass

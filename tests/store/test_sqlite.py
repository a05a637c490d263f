"""The contract on SQLite."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager

import apsw
import pytest

from remit.store.migrate import open_sqlite
from tests.store.contract import Contract
from tests.store.rows import ACME, BASE, add_tenants


@pytest.fixture
async def db(filled_file, tmp_path):
    database = await open_sqlite(shutil.copy(filled_file, tmp_path / "remit.db"), BASE)
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


async def test_a_file_closes_in_peace_after_a_work_that_failed(tmp_path):
    # The batch of that work is flushed in the next turn of the loop, when there was nothing left to flush it on.
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    database = await open_sqlite(tmp_path / "remit.db", BASE)
    await add_tenants(database)
    with pytest.raises(KeyError):
        async with database.work(ACME) as work:
            await work.tenants.turn_rights_on()
            raise KeyError
    await database.close()
    await asyncio.sleep(0)
    assert told == []

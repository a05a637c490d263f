"""The contract on PostgreSQL, as the roles that serve."""

from __future__ import annotations

import asyncio

import pytest

from remit.store.migrate_postgres import open_postgres
from tests.kit.postgres import empty, migrated
from tests.store.contract import Contract
from tests.store.rows import BASE, add_tenants


@pytest.fixture(scope="module")
def place(cluster):
    return asyncio.run(migrated(cluster))


@pytest.fixture
async def db(cluster, place):
    await empty(cluster, place)
    database = await open_postgres(place, BASE)
    await add_tenants(database)
    yield database
    await database.close()


class TestPostgres(Contract):
    pass

from __future__ import annotations

import asyncio

import pytest


@pytest.fixture(scope="session")
def place(cluster):
    """A PostgreSQL database at this version, which each test that asks for `filled` finds empty but for two tenants."""
    from tests.kit.postgres import migrated

    return asyncio.run(migrated(cluster))


@pytest.fixture(scope="session")
def filled_file(tmp_path_factory):
    """A file at this version with the two tenants of the contract in it, to be copied."""
    from remit.store.migrate import open_sqlite
    from tests.store.rows import BASE, add_tenants

    path = tmp_path_factory.mktemp("filled") / "remit.db"

    async def fill():
        database = await open_sqlite(path, BASE)
        await add_tenants(database)
        await database.close()

    asyncio.run(fill())
    return path


@pytest.fixture
async def filled(cluster, place):
    """The same, with the two tenants of the contract in it and nothing else."""
    from remit.store.migrate_postgres import open_postgres
    from tests.kit.postgres import empty
    from tests.store.rows import BASE, add_tenants

    await empty(cluster, place)
    database = await open_postgres(place, BASE)
    await add_tenants(database)
    await database.close()
    return place

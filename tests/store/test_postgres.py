"""The contract on PostgreSQL, as the roles that serve."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from remit.store.migrate_postgres import open_postgres
from remit.store.postgres import connect
from tests.kit.postgres import empty
from tests.store.contract import Contract
from tests.store.rows import A_CODE, ACME, BASE, CODE, LATER, NOW, add_tenants
from tests.store.steps import in_work


@pytest.fixture
async def db(cluster, place):
    await empty(cluster, place)
    database = await open_postgres(place, BASE)
    await add_tenants(database)
    yield database
    await database.close()


@pytest.fixture
def elsewhere(place):
    """Another node on the same database."""

    @asynccontextmanager
    async def opened():
        database = await open_postgres(place, BASE)
        yield database
        await database.close()

    return opened


@pytest.fixture
def by_hand(cluster, place):
    async def run(statement: str) -> None:
        async with cluster.superuser(place.database) as root:
            await root.execute(statement)

    return run


class TestPostgres(Contract):
    latest_ring = 1.3

    @pytest.fixture(autouse=True)
    def _cluster(self, cluster, place):
        self.cluster, self.place = cluster, place

    async def test_a_reader_sees_nothing_that_is_not_committed(self, db, acme):
        async def spend_and_claim(work):
            spent = await work.codes.spend(A_CODE, at=NOW)
            return spent and await work.once.claim("jti", "k", until=LATER, at=NOW)

        async def state() -> object:
            async with db.read(ACME) as work:
                code = await work.codes.find(CODE)
                assert code is not None
                return code.state

        async with self.cluster.superuser(self.place.database) as root:
            await root.execute("begin; lock table once in exclusive mode")
            writing = asyncio.create_task(in_work(db, ACME, spend_and_claim))
            async with asyncio.timeout(5):
                while not await root.fetchval("select count(*) from pg_locks where not granted"):
                    pass
            # The code is spent, and the work that spent it waits for its next statement.
            assert await state() == "live"
            await root.execute("commit")
        assert await writing
        assert await state() == "spent"

    async def test_a_reader_sees_one_moment(self, db, acme):
        async def look() -> tuple[int, int]:
            async with db.read(ACME) as work:
                epoch = await work.tenants.epoch()
                return epoch, len(await work.stops.list())

        async with self.cluster.superuser(self.place.database) as root:
            await root.execute("begin; lock table stop in access exclusive mode")
            await root.execute("update tenant set epoch = epoch + 1")
            await root.execute(
                "insert into stop select tenant, 'stp_9', target_kind, target_id, reason, actor_kind, actor,"
                " started_at, ends_at, lifted_at, lifted_by, 9 from stop"
            )
            reading = asyncio.create_task(look())
            async with asyncio.timeout(5):
                while not await root.fetchval("select count(*) from pg_locks where not granted"):
                    pass
            # The stop is committed between the two statements of the reader: a counter without its stop would hide it.
            await root.execute("commit")
        assert await reading == (1, 1)
        assert await look() == (2, 2)

    async def test_settings_that_turns_stand_on(self, db):
        connection = await connect(self.place, self.place.app)
        try:
            for setting, seconds in (("lock_timeout", 5), ("statement_timeout", 15)):
                assert await connection.fetchval(f"show {setting}") == f"{seconds}s"
            assert await connection.fetchval("show idle_in_transaction_session_timeout") == "10s"
        finally:
            await connection.close()

"""Lost connections, a database that restarts, works that are cancelled, and neighbours that hold a tenant."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from remit.core.errors import StoreUnavailable
from remit.core.names import Secret
from remit.store import notices, postgres
from remit.store.migrate_postgres import open_postgres
from tests.store.cut import cable_to
from tests.store.rows import A_STOP, ACME, BASE, GLOBEX, ISSUED, LATER, NOW
from tests.store.steps import claim, in_work, verified

HOLD = "select pg_advisory_lock(1380273481, hashtext('tnt_acme'))"
LET_GO = "select pg_advisory_unlock_all()"
WRITER = """
import asyncio, sys
from remit.store.migrate_postgres import open_postgres
from tests.kit.postgres import place_at
from tests.store.rows import A_STOP, ACME, BASE, ISSUED, LATER, NOW

async def one(db, key):
    async with db.work(ACME) as work:
        await work.once.claim("jti", key, until=LATER, at=NOW)
        await work.events.append(ISSUED, at=NOW)

async def main(url, count):
    db = await open_postgres(place_at(url), BASE)
    for start in range(0, count, 10):
        await asyncio.gather(*(one(db, str(number)) for number in range(start, start + 10)))
        print(start + 10, flush=True)
    sys.stdin.read()

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


@pytest.fixture
async def db(filled):
    database = await open_postgres(filled, BASE)
    yield database
    await database.close()


@pytest.fixture
async def cable(filled):
    async with cable_to(filled) as (cable, place):
        database = await open_postgres(place, BASE)
        yield cable, database
        cable.down = False
        await database.close()


@pytest.mark.parametrize("after", [True, False], ids=["after the server had it", "before the server had it"])
async def test_a_connection_lost_during_a_commit_is_a_failure_and_never_half(cable, after):
    cable, db = cable
    cable.after, cable.cut_at = after, b"\x0bcommit\x00"

    async def both(work):
        await work.once.claim("a", "k", until=LATER, at=NOW)
        await work.events.append(ISSUED, at=NOW)
        await work.once.claim("b", "k", until=LATER, at=NOW)

    with pytest.raises(StoreUnavailable):
        await in_work(db, ACME, both)
    assert cable.cuts == 1
    # The next work has a new connection and finds all of it, or none.
    async with db.work(ACME) as work:
        fresh = [await work.once.claim(kind, "k", until=LATER, at=NOW) for kind in ("a", "b")]
    assert fresh == [not after, not after]
    assert await verified(db) == int(after)


async def test_a_database_that_is_away_is_a_failure_and_comes_back(cable):
    cable, db = cable
    assert await claim(db, "before")
    changes = db.changes()
    await anext(changes)
    cable.pull()
    answers = await asyncio.gather(*(claim(db, str(number)) for number in range(5)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 5
    with pytest.raises(StoreUnavailable):
        async with db.read(ACME) as work:
            await work.tenants.epoch()
    with pytest.raises(StoreUnavailable):
        async with db.system() as system:
            await system.tenants()
    cable.down = False
    assert await claim(db, "0")
    assert not await claim(db, "before")
    # Who listens is told once the connection is back, for nobody told him meanwhile.
    async with asyncio.timeout(5):
        await anext(changes)


async def test_a_database_that_never_was_there_is_a_failure(filled):
    with pytest.raises(StoreUnavailable):
        await open_postgres(replace(filled, url="postgresql://127.0.0.1:1/remit"), BASE)
    stranger = replace(filled, app=replace(filled.app, password=Secret("guessed")))
    with pytest.raises(StoreUnavailable, match="remit_app"):
        await open_postgres(stranger, BASE)


async def test_a_server_that_ends_our_connections_hurts_only_who_was_inside(cluster, filled, db):
    async with cluster.superuser(filled.database) as root:
        await root.execute(HOLD)
        waiting = asyncio.create_task(claim(db, "k"))
        async with asyncio.timeout(5):
            while not await root.fetchval("select count(*) from pg_locks where not granted"):
                pass
        await root.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'remit-%'"
        )
        await root.execute(LET_GO)
    with pytest.raises(StoreUnavailable):
        await waiting
    async with asyncio.timeout(5):
        # A connection that died in the pool is found out when it is used next, and then no more.
        while True:
            with suppress(StoreUnavailable):
                assert await claim(db, "k")
                break
    assert await asyncio.gather(*(claim(db, str(number)) for number in range(20))) == [True] * 20


async def test_works_that_are_cancelled_at_any_moment_are_kept_or_not_but_never_half(db):
    async def one(number: int) -> None:
        async with db.work(ACME) as work:
            await work.once.claim("a", str(number), until=LATER, at=NOW)
            await work.events.append(ISSUED, at=NOW)
            await work.once.claim("b", str(number), until=LATER, at=NOW)

    ended: list[object] = []
    for number in range(60):
        task = asyncio.create_task(one(number))
        await asyncio.wait([task], timeout=number * 0.000_1)
        task.cancel()
        ended += await asyncio.gather(task, return_exceptions=True)
    assert {type(end) for end in ended} >= {asyncio.CancelledError}
    kept = 0
    async with asyncio.timeout(20):
        async with db.work(ACME) as work:
            for number, end in enumerate(ended):
                a = not await work.once.claim("a", str(number), until=LATER, at=NOW)
                b = not await work.once.claim("b", str(number), until=LATER, at=NOW)
                assert a == b
                assert a or end is not None
                kept += a
        assert await verified(db) == kept
        # No connection and no turn was lost on the way.
        assert await asyncio.gather(*(claim(db, f"n{number}") for number in range(30))) == [True] * 30


async def test_a_crowd_in_one_tenant_leaves_connections_to_the_others(cluster, filled):
    db = await open_postgres(replace(filled, connections=2), BASE)
    async with cluster.superuser(filled.database) as root:
        await root.execute(HOLD)
        crowd = [asyncio.create_task(claim(db, str(number))) for number in range(50)]
        async with asyncio.timeout(4):
            for number in range(20):
                async with db.work(GLOBEX) as work:
                    assert await work.once.claim("jti", str(number), until=LATER, at=NOW)
                async with db.read(ACME) as work:
                    assert await work.tenants.epoch() == 0
        assert not any(task.done() for task in crowd)
        await root.execute(LET_GO)
        assert await asyncio.gather(*crowd) == [True] * 50
    await db.close()


async def test_a_tenant_that_another_node_holds_is_a_failure_and_not_for_ever(cluster, filled, monkeypatch):
    monkeypatch.setitem(postgres._SERVER_SETTINGS, "lock_timeout", "100ms")
    db = await open_postgres(filled, BASE)
    async with cluster.superuser(filled.database) as root:
        await root.execute(HOLD)
        with pytest.raises(StoreUnavailable):
            await claim(db, "k")
        await root.execute(LET_GO)
        assert await claim(db, "k")
    await db.close()


async def test_a_node_that_hangs_in_a_work_loses_its_turn(filled, monkeypatch):
    monkeypatch.setitem(postgres._SERVER_SETTINGS, "idle_in_transaction_session_timeout", "100ms")
    hanging = await postgres.connect(filled, filled.app)
    await hanging.execute("begin")
    await hanging.execute(HOLD.replace("lock(", "xact_lock("))
    db = await open_postgres(filled, BASE)
    assert await claim(db, "k")
    await db.close()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await hanging.execute("commit")
    await hanging.close()


async def test_a_work_that_goes_on_after_a_failed_statement_is_an_error(db):
    with pytest.raises(RuntimeError, match="had failed"):
        async with db.work(ACME) as work:
            await work.once.claim("jti", "k", until=LATER, at=NOW)
            with suppress(asyncpg.ForeignKeyViolationError):
                await work.users.set_rights("usr_none", "res_none", frozenset({"x"}))
    assert await claim(db, "k")


async def test_two_nodes_grow_one_tree_and_share_one_counter(filled):
    nodes = [await open_postgres(filled, BASE) for _ in range(2)]

    async def one(number: int) -> bool:
        async with nodes[number % 2].work(ACME) as work:
            for _ in range(number % 3):
                await work.events.append(ISSUED, at=NOW)
            return await work.once.claim("jti", str(number // 2), until=LATER, at=NOW)

    # Each key is claimed once at either node, and has one winner.
    won = await asyncio.gather(*(one(number) for number in range(120)))
    assert sum(won) == 60
    assert all(won[number] != won[number + 1] for number in range(0, 120, 2))
    assert await verified(nodes[1]) == 120
    for node in nodes:
        await node.close()


@pytest.fixture
async def neighbours(filled):
    nodes = [await open_postgres(filled, BASE) for _ in range(2)]
    yield nodes
    for node in nodes:
        await node.close()


async def quiet(changes) -> None:
    """Hear what there is to hear now: a new listener is told once."""
    with suppress(TimeoutError):
        while True:
            async with asyncio.timeout(0.2):
                await anext(changes)


async def test_a_stop_at_one_node_rings_at_the_other_before_it_asks(neighbours, monkeypatch):
    monkeypatch.setattr(notices, "POLL_SECONDS", 60)
    here, there = neighbours
    changes = there.changes()
    await quiet(changes)
    assert await claim(here, "k")  # no stop: nobody is told, or every commit of the server would wait for the telling
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await anext(changes)
    await in_work(here, ACME, lambda work: work.stops.place(A_STOP))
    async with asyncio.timeout(2):
        await anext(changes)
    await in_work(here, ACME, lambda work: work.stops.lift(A_STOP.id, at=NOW, by="usr_1"))
    async with asyncio.timeout(2):
        await anext(changes)


async def test_what_is_told_to_nobody_is_found_by_asking(neighbours, monkeypatch):
    monkeypatch.setattr(notices, "POLL_SECONDS", 0.05)
    here, there = neighbours
    changes = there.changes()
    await quiet(changes)
    assert await claim(here, "k")
    async with asyncio.timeout(2):
        await anext(changes)
    await quiet(changes)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await anext(changes)


@pytest.fixture
async def start(filled):
    """Start a process that writes; end it if it is left."""
    started: list[Any] = []

    async def begin(count: int):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", WRITER, filled.url, str(count)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        process._transport.close()


@pytest.mark.parametrize("steps", [5, 50], ids=["in the middle", "right after the last answer"])
async def test_a_killed_node_leaves_whole_works_and_all_that_it_answered(cluster, filled, db, start, steps):
    writer = await start(500)
    answered = 0
    for _ in range(steps):
        answered = int(await writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    await writer.wait()
    async with asyncio.timeout(10), db.work(ACME) as work:
        # The turn of the dead is ours as soon as the server sees that he is gone.
        size = (await work.audit.tree()).size
        fresh = [await work.once.claim("jti", str(number), until=LATER, at=NOW) for number in range(500)]
    assert answered <= size
    assert fresh.count(False) == size
    assert await verified(db) == size

"""LOG: several processes that write one log, and one of them dies."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from typing import Any

import pytest

from remit.store.migrate import open_sqlite
from remit.store.migrate_postgres import open_postgres
from tests.kit.effort import EFFORTS
from tests.store.conftest import filled, place
from tests.store.rows import ACME, BASE, add_tenants
from tests.store.steps import verified

__all__ = ["filled", "place"]

WORKERS = 8
WRITER = """
import asyncio, sys
from pathlib import Path
from remit.store.migrate import open_sqlite
from remit.store.migrate_postgres import open_postgres
from tests.kit.postgres import place_at
from tests.store.rows import ACME, BASE, ISSUED, LATER, NOW

async def one(db, key):
    async with db.work(ACME) as work:
        await work.once.claim("jti", key, until=LATER, at=NOW)
        await work.events.append(ISSUED, at=NOW)

async def main(where, name, count):
    db = await (open_postgres(place_at(where), BASE) if "://" in where else open_sqlite(Path(where), BASE))
    print("ready", flush=True)
    sys.stdin.readline()
    async def worker(first):
        for number in range(first, count, WORKERS):
            await one(db, f"{name}{number}")
            print(number, flush=True)
    await asyncio.gather(*(worker(first) for first in range(WORKERS)))
    await db.close()

WORKERS = int(sys.argv[4])
asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


@pytest.fixture
async def start():
    started: list[Any] = []

    async def begin(where, name, count):
        process: Any = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", WRITER, where, name, str(count), str(WORKERS)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        started.append(process)
        assert await process.stdout.readline() == b"ready\n"
        return process

    yield begin
    for process in started:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        process._transport.close()


async def leave_one_chain(where, opened, start, count):
    """Let two processes write, kill one of them, and look at what they left."""
    first, second = [await start(where, name, count) for name in ("a", "b")]
    for process in (first, second):
        process.stdin.write(b"go\n")
    for _ in range(count // 4):
        assert await first.stdout.readline()
    first.send_signal(signal.SIGKILL)
    heard, _ = await first.communicate()
    told = count // 4 + heard.count(b"\n")
    assert told < count
    await second.communicate()
    assert second.returncode == 0

    db = await opened()
    size = await verified(db)
    # All that was told is there; what nobody was told of may be, one work for each of its workers.
    assert count + told <= size <= count + told + WORKERS
    async with db.read(ACME) as work:
        places: list[int] = []
        while page := await work.audit.leaves(len(places), limit=1000):
            places += [seq for seq, _, _ in page]
    assert places == list(range(size))
    await db.close()


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
async def test_b_log_03_two_writers_of_whom_one_dies_leave_one_chain_in_a_file(tmp_path, start, effort):
    file = tmp_path / "remit.db"
    database = await open_sqlite(file, BASE)
    await add_tenants(database)
    await database.close()
    await leave_one_chain(str(file), lambda: open_sqlite(file, BASE), start, effort.size(600, 25_000))


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
async def test_b_log_03_two_writers_of_whom_one_dies_leave_one_chain_in_postgresql(filled, start, effort):
    await leave_one_chain(filled.url, lambda: open_postgres(filled, BASE), start, effort.size(600, 25_000))

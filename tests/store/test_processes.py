"""Other processes on the same file, and processes that die."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from contextlib import suppress
from typing import Any

import apsw
import pytest

from remit.core.errors import StoreUnavailable
from remit.store import batches
from remit.store.migrate import open_sqlite
from tests.store.rows import ACME, BASE, ISSUED, LATER, NOW
from tests.store.steps import claim, verified

WRITER = """
import asyncio, sys
from pathlib import Path
from remit.store.migrate import open_sqlite
from tests.store.rows import ACME, BASE, ISSUED, LATER, NOW

async def one(db, key):
    async with db.work(ACME) as work:
        await work.once.claim("jti", key, until=LATER, at=NOW)
        await work.events.append(ISSUED, at=NOW)

async def main(path, name, count):
    db = await open_sqlite(Path(path), BASE)
    print("ready", flush=True)
    sys.stdin.readline()
    for start in range(0, count, 10):
        await asyncio.gather(*(one(db, f"{name}{number}") for number in range(start, start + 10)))
    print("done", flush=True)
    if sys.stdin.readline():
        await db.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


@pytest.fixture
def path(filled_file, tmp_path):
    return shutil.copy(filled_file, tmp_path / "remit.db")


@pytest.fixture
async def start():
    """Start a process that writes `count` works when it is told to; end those that are left."""
    started: list[Any] = []

    async def start_writer(path, name, count):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", WRITER, str(path), name, str(count)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        started.append(process)
        assert await line_of(process) == b"ready\n"
        return process

    yield start_writer
    for process in started:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        process._transport.close()


async def line_of(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    return await process.stdout.readline()


async def tell(process) -> None:
    process.stdin.write(b"go\n")
    await process.stdin.drain()


async def test_processes_write_one_file_at_the_same_time(path, start):
    writers = [await start(path, name, 300) for name in ("a", "b")]
    db = await open_sqlite(path, BASE)
    for writer in writers:
        await tell(writer)

    async def ours(number: int) -> bool:
        async with db.work(ACME) as work:
            claimed = await work.once.claim("jti", f"c{number}", until=LATER, at=NOW)
            await work.events.append(ISSUED, at=NOW)
            return claimed

    for start_ in range(0, 300, 10):
        claims = await asyncio.gather(*(ours(number) for number in range(start_, start_ + 10)))
        assert all(claims)
    for writer in writers:
        assert await line_of(writer) == b"done\n"
        await tell(writer)
        assert await writer.wait() == 0
    assert await verified(db) == 900
    await db.close()


async def test_a_commit_of_another_process_rings_the_bell(path, start):
    writer = await start(path, "a", 10)
    db = await open_sqlite(path, BASE)
    changes = db.changes()
    await tell(writer)
    async with asyncio.timeout(10):
        await anext(changes)
        while await verified(db) < 10:
            await anext(changes)
    await db.close()


async def test_what_was_answered_survives_a_kill(path, start):
    writer = await start(path, "a", 50)
    await tell(writer)
    assert await line_of(writer) == b"done\n"
    os.kill(writer.pid, signal.SIGKILL)
    await writer.wait()
    db = await open_sqlite(path, BASE)
    assert await verified(db) == 50
    for number in range(50):
        key = f"a{number}"
        assert not await claim(db, key)
    await db.close()


@pytest.mark.parametrize("milliseconds", [1, 5, 20, 60])
async def test_a_kill_in_the_middle_leaves_whole_works_only(path, start, milliseconds):
    writer = await start(path, "a", 5000)
    await tell(writer)
    db = await open_sqlite(path, BASE)
    changes = db.changes()
    async with asyncio.timeout(10):
        await anext(changes)
        with suppress(TimeoutError):
            async with asyncio.timeout(milliseconds / 1000):
                await line_of(writer)
    os.kill(writer.pid, signal.SIGKILL)
    await writer.wait()
    size = await verified(db)
    assert 0 < size < 5000
    async with db.work(ACME) as work:
        fresh = [await work.once.claim("jti", f"a{number}", until=LATER, at=NOW) for number in range(5000)]
    assert fresh.count(False) == size
    await db.close()


async def test_a_lock_of_another_process_is_waited_for(path):
    db = await open_sqlite(path, BASE)
    other = apsw.Connection(str(path))
    other.execute("begin immediate")
    waiting = [asyncio.create_task(claim(db, str(n))) for n in range(20)]
    await asyncio.wait(waiting, timeout=0.1)
    assert not any(task.done() for task in waiting)
    async with db.read(ACME) as work:  # readers do not wait for it
        assert await work.tenants.epoch() == 0
    other.execute("commit")
    async with asyncio.timeout(5):
        assert await asyncio.gather(*waiting) == [True] * 20
    other.close()
    await db.close()


async def test_a_lock_that_stays_is_a_failure_and_not_for_ever(path, monkeypatch):
    monkeypatch.setattr(batches, "LOCK_PATIENCE", 0.1)
    db = await open_sqlite(path, BASE)
    other = apsw.Connection(str(path))
    other.execute("begin immediate")
    claims = (claim(db, str(n)) for n in range(5))
    answers = await asyncio.gather(*claims, return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 5
    other.execute("rollback")
    other.close()
    assert await claim(db, "0")
    await db.close()

"""A full disk, a broken disk, and how often SQLite is asked to commit."""

from __future__ import annotations

import asyncio
import itertools
import shutil

import apsw
import pytest

from remit.core.errors import StoreUnavailable
from remit.core.names import ResourceId
from remit.store.batches import MAX_TURNS
from remit.store.migrate import open_sqlite
from tests.store.rows import A_USER, ACME, BASE, ISSUED, NOW, USER
from tests.store.steps import claim, in_work, verified


class Disk(apsw.VFS):
    """The real file system, until it is told to be full: then writing to the log beside the file fails."""

    names = itertools.count()

    def __init__(self, real: str) -> None:
        self.full = False
        self.real = real
        self.name = f"disk{next(self.names)}"
        super().__init__(self.name, real, makedefault=True)

    def xOpen(self, name, flags):  # noqa: N802
        return _File(self, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name, flags) -> None:
        self._disk = disk
        super().__init__(disk.real, name, flags)

    def xWrite(self, data, offset) -> None:  # noqa: N802
        if self._disk.full:
            raise apsw.FullError
        super().xWrite(data, offset)


@pytest.fixture
def disk():
    before = apsw.vfs_names()[0]
    made = Disk(before)
    yield made
    apsw.set_default_vfs(before)
    made.unregister()


@pytest.fixture
async def db(filled_file, tmp_path):
    database = await open_sqlite(shutil.copy(filled_file, tmp_path / "remit.db"), BASE)
    yield database
    await database.close()


async def grow(work) -> None:
    for _ in range(40):
        await work.events.append(ISSUED, at=NOW)


def limit_pages(db, more: int | None) -> None:
    bare = db._writer.apsw
    pages = bare.execute("pragma page_count").fetchone()[0] + more if more is not None else 2**30
    bare.execute(f"pragma max_page_count = {pages}").fetchall()


async def test_a_full_disk_is_a_failure_and_recovers_by_itself(db):
    await in_work(db, ACME, grow)
    limit_pages(db, 2)
    answers = await asyncio.gather(*(in_work(db, ACME, grow) for _ in range(8)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {StoreUnavailable}
    assert await verified(db) == 40
    limit_pages(db, None)
    await in_work(db, ACME, grow)
    assert await verified(db) == 80


async def test_who_fits_on_a_full_disk_is_kept_and_who_does_not_is_not(db):
    limit_pages(db, 2)
    small = [claim(db, str(number)) for number in range(4)]
    answers = await asyncio.gather(*small, in_work(db, ACME, grow), claim(db, "last"), return_exceptions=True)
    limit_pages(db, None)
    for key, answer in zip(["0", "1", "2", "3", None, "last"], answers, strict=True):
        assert answer is True or isinstance(answer, StoreUnavailable)
        if key is not None:
            assert await claim(db, key) == (answer is not True)
    assert isinstance(answers[4], StoreUnavailable)
    assert await verified(db) == 0


async def test_a_commit_that_fails_answers_nobody_and_keeps_nothing(disk, db):
    assert await claim(db, "before")
    disk.full = True
    answers = await asyncio.gather(*(claim(db, str(number)) for number in range(20)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 20
    assert len({id(answer) for answer in answers}) == 20
    async with db.read(ACME) as work:  # reading goes on
        assert await work.tenants.epoch() == 0
    with pytest.raises(StoreUnavailable):
        await claim(db, "still full")
    disk.full = False
    assert await asyncio.gather(*(claim(db, str(number)) for number in range(20))) == [True] * 20
    assert not await claim(db, "before")


async def test_a_commit_that_fails_and_leaves_the_transaction_open_is_rolled_back(db):
    async def dangle(work) -> None:
        db._writer.apsw.execute("pragma defer_foreign_keys = on")
        await work.users.set_rights(USER, ResourceId("res_none"), frozenset({"x"}))

    answers = await asyncio.gather(claim(db, "0"), in_work(db, ACME, dangle), claim(db, "1"), return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 3
    assert await claim(db, "0")


@pytest.fixture
def commits(db):
    counted = []

    def count() -> bool:
        counted.append(1)
        return False

    db._writer.apsw.set_commit_hook(count)
    return counted


@pytest.mark.parametrize("works", [1, 16, 200, 1000])
async def test_works_that_arrive_together_share_a_commit(db, commits, works):
    await asyncio.gather(*(claim(db, str(number)) for number in range(works)))
    assert len(commits) == -(-works // MAX_TURNS)


async def test_works_that_arrive_during_a_commit_share_the_next_one(db, commits):
    first = asyncio.create_task(claim(db, "first"))
    while not db._batches.committing:
        await asyncio.sleep(0)
    others = [asyncio.create_task(claim(db, str(number))) for number in range(100)]
    await asyncio.sleep(0)
    assert await asyncio.gather(first, *others) == [True] * 101
    assert len(commits) == 2


async def test_clients_in_a_loop_share_commits(db, commits):
    async def client(name: int) -> None:
        for number in range(50):
            assert await claim(db, f"{name}-{number}")

    await asyncio.gather(*(client(name) for name in range(64)))
    # 64 clients, 50 rounds: at most 60 commits for 1,000 works.
    assert len(commits) <= 64 * 50 * 60 // 1000


async def test_cancelling_everybody_who_waits_stalls_nobody(db):
    holder = asyncio.create_task(claim(db, "first"))
    while not db._batches.committing:
        await asyncio.sleep(0)
    waiting = [asyncio.create_task(claim(db, str(number))) for number in range(MAX_TURNS)]
    patient = [asyncio.create_task(claim(db, f"p{number}")) for number in range(5)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    async with asyncio.timeout(5):
        assert await holder
        assert await asyncio.gather(*patient) == [True] * 5
    assert await claim(db, "0")


async def test_the_file_is_its_owners_alone(db, tmp_path):
    await in_work(db, ACME, lambda work: work.users.add(A_USER, at=NOW))
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("remit.db", "remit.db-wal", "remit.db-shm"), "0o600")


async def test_settings_that_durability_stands_on(db):
    for connection in (db._writer, db._reading):
        bare = connection.apsw
        assert bare.execute("pragma journal_mode").fetchone() == ("wal",)
        assert bare.execute("pragma synchronous").fetchone() == (2,)
        assert bare.execute("pragma foreign_keys").fetchone() == (1,)
    with pytest.raises(apsw.ConstraintError):
        await in_work(db, ACME, lambda work: work.users.set_rights(USER, ResourceId("res_none"), frozenset({"x"})))

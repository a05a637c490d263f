"""Bringing a PostgreSQL database to the current schema."""

from __future__ import annotations

import asyncio
import itertools
import sys
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from remit.core.errors import NotOurs, RemitError, SchemaTooNew, SchemaTooOld, StoreUnavailable
from remit.sections import Storage
from remit.store.migrate import HEAD, Status
from remit.store.migrate_postgres import check, open_postgres, place_of, upgrade
from remit.store.postgres import Login, connect
from remit.store.schema import METADATA
from tests.kit.postgres import PASSWORDS
from tests.store.rows import BASE

NUMBERS = itertools.count()
UPGRADE = """
import asyncio, sys
from tests.kit.postgres import place_at
from remit.store.migrate_postgres import upgrade
print(asyncio.run(upgrade(place_at(sys.argv[1]))))
"""
SHAPE = {
    "columns": """
        select table_name, column_name, data_type, collation_name, is_nullable, column_default
          from information_schema.columns where table_schema = 'public' and table_name <> 'alembic_version'""",
    "constraints": """
        select conrelid::regclass::text, conname, pg_get_constraintdef(oid)
          from pg_constraint where connamespace = 'public'::regnamespace and conname not like 'alembic%'""",
    "indexes": """
        select tablename, indexname, indexdef from pg_indexes
         where schemaname = 'public' and tablename <> 'alembic_version'""",
}


@pytest.fixture
async def fresh(cluster):
    return await cluster.new_database(f"fresh_{next(NUMBERS)}")


async def test_a_new_database_gets_the_whole_schema_once(fresh):
    assert await check(fresh) == Status(current=None, head=HEAD, drift=())
    assert await upgrade(fresh)
    assert await check(fresh) == Status(current=HEAD, head=HEAD, drift=())
    assert not await upgrade(fresh)


async def test_the_migrations_build_what_is_declared(fresh, cluster, place):
    async def creator():
        return await connect(fresh, fresh.owner)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=creator, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    await engine.dispose()
    async with cluster.superuser(fresh.database) as declared, cluster.superuser(place.database) as built:
        for what, sql in SHAPE.items():
            assert sorted(map(tuple, await built.fetch(sql)), key=repr) == sorted(
                map(tuple, await declared.fetch(sql)), key=repr
            ), what


async def test_two_who_upgrade_at_the_same_time_both_succeed(fresh):
    starters = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", UPGRADE, fresh.url), stdout=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    told = [(await starter.communicate())[0] for starter in starters]
    assert sorted(told) == [b"False\n", b"False\n", b"True\n"]
    assert (await check(fresh)).drift == ()


async def test_a_database_of_something_else_is_left_alone(fresh, cluster):
    async with cluster.superuser(fresh.database) as root:
        await root.execute("create table songs (name text)")
        with pytest.raises(NotOurs):
            await upgrade(fresh)
        assert await root.fetch("select relname from pg_class where relnamespace = 'public'::regnamespace") == [
            ("songs",)
        ]


async def test_a_newer_schema_is_left_alone(fresh, cluster):
    await upgrade(fresh)
    async with cluster.superuser(fresh.database) as root:
        await root.execute("update alembic_version set version_num = '9999'")
    for step in (upgrade(fresh), open_postgres(fresh, BASE)):
        with pytest.raises(SchemaTooNew, match="9999"):
            await step


async def test_a_server_never_migrates_by_itself(fresh, cluster):
    with pytest.raises(SchemaTooOld, match="remit db upgrade"):
        await open_postgres(fresh, BASE)
    assert (await check(fresh)).current is None


async def test_a_database_that_answers_before_it_has_written_does_not_serve(fresh, cluster):
    await upgrade(fresh)
    async with cluster.superuser(fresh.database) as root:
        await root.execute(f"alter database {fresh.database} set synchronous_commit = off")
    with pytest.raises(RemitError, match="synchronous_commit"):
        await open_postgres(fresh, BASE)


async def test_a_role_that_is_missing_is_told_before_anything_changes(fresh):
    stranger = replace(fresh, system=Login(user="remit_nobody"))
    with pytest.raises(RemitError, match="no role remit_nobody"):
        await upgrade(stranger)
    assert (await check(fresh)).current is None


async def test_an_upgrade_that_fails_changes_nothing(fresh, monkeypatch):
    monkeypatch.setattr("remit.store.wall.DOORS", {"nowhere": ("tenant",)})
    with pytest.raises(Exception, match="nowhere"):
        await upgrade(fresh)
    monkeypatch.undo()
    assert (await check(fresh)).current is None
    assert await upgrade(fresh)


async def test_passwords_come_from_files(fresh, tmp_path):
    for name, word in PASSWORDS.items():
        (tmp_path / name).write_text(word + "\n")
    storage = Storage(
        url=fresh.url,
        app_password_file=str(tmp_path / "remit_app"),
        system_password_file=str(tmp_path / "remit_system"),
        owner_password_file=str(tmp_path / "remit_owner"),
    )
    assert place_of(storage) == fresh
    await upgrade(place_of(storage))
    db = await open_postgres(place_of(storage), BASE)
    await db.close()
    with pytest.raises(StoreUnavailable, match="password file of remit_app"):
        place_of(replace(storage, app_password_file=str(tmp_path / "none")))
    assert all(word not in repr(place_of(storage)) for word in PASSWORDS.values())

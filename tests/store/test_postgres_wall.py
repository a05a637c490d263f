"""The wall in the database, tried without our repositories: as the roles that serve, with statements of one's own."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import pytest

from remit.core.errors import NotOurs
from remit.core.names import Secret
from remit.store.migrate_postgres import check, open_postgres, upgrade
from remit.store.postgres import Login, connect
from remit.store.schema import METADATA
from remit.store.wall import APPEND_ONLY, KEPT
from tests.kit.postgres import SUPERUSER, empty, migrated
from tests.store.rows import ACME, BASE, GLOBEX, add_tenants, furnish
from tests.store.steps import WRITES, in_work

TABLES = sorted(METADATA.tables)
ENTER = "select set_config('app.tenant', $1, false)"


@pytest.fixture(scope="module")
def furnished(cluster, place):
    """Both tenants with one of everything, so that every table holds rows of both."""

    async def fill():
        await empty(cluster, place)
        db = await open_postgres(place, BASE)
        await add_tenants(db)
        for tenant in (ACME, GLOBEX):
            await in_work(db, tenant, furnish)
            for name in ("once.claim", "decisions.fresh", "audit.add_checkpoint"):
                await in_work(db, tenant, WRITES[name])
        async with cluster.superuser(place.database) as root:
            for table in ("event_tally", "scope_usage"):
                columns = ", ".join(column.name for column in METADATA.tables[table].columns if column.name != "tenant")
                values = {
                    "event_tally": "1, 'r', 'p', 'ok', 1",
                    "scope_usage": "'grt_1', 's', 1, 0, 1",
                }[table]
                for tenant in (ACME, GLOBEX):
                    await root.execute(
                        f"insert into {table} (tenant, {columns}) values ('{tenant}', {values}) on conflict do nothing"
                    )
        await db.close()

    asyncio.run(fill())
    return place


@asynccontextmanager
async def as_role(place, login, tenant=None):
    connection = await connect(place, login)
    try:
        if tenant is not None:
            await connection.execute(ENTER.replace("$1", f"'{tenant}'"))
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("table", TABLES)
async def test_the_app_sees_and_touches_rows_of_its_tenant_only(furnished, cluster, table):
    async with cluster.superuser(furnished.database) as root:
        held = dict(await root.fetch(f"select tenant, count(*) from {table} group by 1"))
    assert held.keys() == {ACME, GLOBEX}, "a table without rows of both shows nothing"
    async with as_role(furnished, furnished.app, ACME) as app:
        assert await app.fetch(f"select tenant, count(*) from {table} group by 1") == [(ACME, held[ACME])]
        assert await app.fetchval(f"select count(*) from {table} where tenant = '{GLOBEX}'") == 0
        if table not in APPEND_ONLY:
            assert await app.execute(f"update {table} set tenant = tenant where tenant = '{GLOBEX}'") == "UPDATE 0"
            with pytest.raises(asyncpg.PostgresError, match=r"row-level security|foreign key"):
                await app.execute(f"update {table} set tenant = '{GLOBEX}'")
        if table not in APPEND_ONLY | KEPT:
            await app.execute("begin")
            assert await app.execute(f"delete from {table} where tenant = '{GLOBEX}'") == "DELETE 0"
            await app.execute("rollback")


@pytest.mark.parametrize("tenant", [None, "", "tnt_nobody", "%", "tnt_acme' or '1'='1"], ids=repr)
async def test_who_has_no_tenant_sees_nothing(furnished, tenant):
    async with as_role(furnished, furnished.app) as app:
        if tenant is not None:
            await app.fetch(ENTER, tenant)
        for table in TABLES:
            assert await app.fetchval(f"select count(*) from {table}") == 0


async def test_a_row_of_another_tenant_is_not_written(furnished):
    async with as_role(furnished, furnished.app, ACME) as app:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await app.execute(f"insert into once values ('{GLOBEX}', 'jti', 'x', 1, 1)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await app.execute(
                "insert into tenant values ('tnt_new', 'new', 'New', 'active', 0, 0, 0, 0, null, null, null, 0)"
            )


FORBIDDEN = {
    "change an event": "update event set body = ''",
    "drop an event": "delete from event",
    "change a checkpoint": "update checkpoint set note = ''",
    "drop a tenant": "delete from tenant",
    "cut a tree": "delete from audit_tree",
    "empty a table": "truncate once",
    "drop a table": "drop table once",
    "take the wall down": "alter table users disable row level security",
    "let the owner through": "alter table users no force row level security",
    "make a door": "create policy mine on users using (true)",
    "drop the wall": "drop policy wall on users",
    "become the owner": "set role remit_owner",
    "become the system": "set role remit_system",
    "give itself more": "grant update on event to remit_app; update event set body = ''",
    "pass as another role": "alter role remit_app bypassrls",
    "make a table": "create table mine (x int)",
    "forget a migration": "update alembic_version set version_num = '0000'",
    "silence the notices": "drop trigger tell on stop",
}


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN)
async def test_the_app_may_not(furnished, statement):
    async with as_role(furnished, furnished.app, ACME) as app:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(statement)


async def test_turning_row_security_off_is_an_error_and_no_way_through(furnished):
    async with as_role(furnished, furnished.app, ACME) as app:
        await app.execute("set row_security = off")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.fetch("select * from users")


async def test_the_system_role_sees_which_tenants_there_are_and_nothing_in_them(furnished):
    async with as_role(furnished, furnished.system) as system:
        assert await system.fetch("select tenant, slug from tenant order by 1") == [(ACME, "acme"), (GLOBEX, "globex")]
        assert await system.fetchval("select count(*) from users") == 2
        for statement in ("select email from users", "select epoch from tenant", "update tenant set slug = 'x'"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await system.fetch(statement)
        for table in set(TABLES) - {"tenant", "users"}:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await system.fetch(f"select * from {table}")


async def test_the_owner_is_behind_the_wall_too(furnished):
    async with as_role(furnished, furnished.owner) as owner:
        for table in TABLES:
            assert await owner.fetchval(f"select count(*) from {table}") == 0


async def test_who_could_pass_the_wall_does_not_serve(furnished):
    root = Login(user="postgres", password=Secret(SUPERUSER))
    for role in (root, furnished.owner):
        with pytest.raises(NotOurs, match=role.user):
            await open_postgres(replace(furnished, app=role), BASE)


GAPS = {
    "a table without row security": ("alter table once disable row level security", "once has no forced"),
    "a table whose owner passes": ("alter table once no force row level security", "once has no forced"),
    "a wall that is gone": ("drop policy wall on line", "policy wall of line is missing"),
    "a second policy": ("create policy open on line using (true)", "policy open of line is not ours"),
    "a wall that lets all through": ("alter policy wall on line using (true)", "does not compare the tenant"),
    "a wall that lets all be written": ("alter policy wall on line with check (true)", "does not compare the tenant"),
    "a door for everybody": ("alter policy door on users to public", "policy door of users is missing"),
    "an event that may be changed": ("grant update on event to remit_app", "remit_app has UPDATE on event"),
    "a system that sees more": ("grant select on line to remit_system", "remit_system has SELECT on line"),
    "everybody sees": ("grant select on line to public", "PUBLIC has SELECT on line"),
    "an app that may too little": ("revoke insert on event from remit_app", "remit_app lacks INSERT on event"),
    "a column that folds case": ('alter table line alter state type text collate "default"', "line.state does not"),
    "no notices": ("drop trigger tell on stop", "stops are not told"),
    "notices that are off": ("alter table stop disable trigger tell", "stops are not told"),
    "an index that is gone": ("drop index stop_by_target", "stop_by_target"),
}


@pytest.fixture(scope="module")
def bare(cluster):
    return asyncio.run(migrated(cluster))


@pytest.mark.parametrize(("change", "told"), GAPS.values(), ids=GAPS)
async def test_a_gap_in_the_wall_is_told(bare, cluster, change, told):
    async with cluster.superuser(bare.database) as root:
        await root.execute("begin")
        await root.execute(change)
        await root.execute("commit")
        drift = (await check(bare)).drift
        assert any(told in item for item in drift), drift
        # What is about the wall, an upgrade puts right; a table that somebody changed it leaves alone.
        assert await upgrade(bare)
        if "line.state" in told:
            await root.execute('alter table line alter state type text collate "C"')
        if told == "stop_by_target":
            await root.execute("create index stop_by_target on stop (tenant, target_id)")
        if "not ours" in told:
            await root.execute("drop policy open on line")
    assert (await check(bare)).drift == ()
    assert not await upgrade(bare)

"""LOG: an audit log that cannot be written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager

import apsw
import httpx
import pytest

from remit.worker import Worker
from tests.abuse.on_postgres import instance_at
from tests.abuse.watched import SECRET, rows
from tests.http.api.world import api_of
from tests.kit.flows import (
    act_for_itself,
    answered,
    approve,
    ask,
    get_tokens,
    introspect,
    proof,
    redeem,
    refresh,
    request_for,
    revoke,
    sign_in,
    token,
)
from tests.kit.instance import instance
from tests.kit.pages import form_to, submit
from tests.kit.postgres import migrated
from tests.kit.world import PASSWORD
from tests.store.test_faults import Disk

Ask = Callable[[], Awaitable[httpx.Response]]


async def asks_of(remit, world) -> dict[str, Ask]:
    """Prepare everything that yields a secret, changes who may do what, or takes something back."""
    api = await api_of(remit, world)
    tokens = await get_tokens(remit, world, world.web)
    taken = await get_tokens(remit, world, world.rival)
    code = (await approve(remit, world, world.local)).code
    fresh, signed = remit.browser(), remit.browser()
    door = await ask(fresh, world, request_for(world.web))
    login = form_to(door, "/login")
    login.put("email", "alice@example.com")
    login.put("password", PASSWORD)
    page = await ask(signed, world, request_for(world.rival, prompt="consent"))
    consent = answered(await sign_in(signed, page))
    back = proof(remit, world, world.rival)
    return {
        "redeem a code": lambda: redeem(remit, world, world.local, code),
        "refresh": lambda: refresh(remit, world, world.web, tokens["refresh_token"]),
        "act for itself": lambda: act_for_itself(remit, world, world.web),
        "revoke": lambda: revoke(remit, world, world.rival, taken["refresh_token"]),
        "sign in": lambda: submit(fresh, door, login),
        "say yes": lambda: submit(signed, page, consent),
        "make an agent": lambda: api.post("/agents", {"name": "late", "purpose": "p"}),
        "make a secret": lambda: api.post(f"/clients/{world.web.id}/secrets", {}),
        "stop a token": lambda: api.post("/stops", {"kind": "token", "id": "t1", "reason": "INC-1"}),
        "a wrong secret": lambda: remit.http.post(
            f"{world.issuer}/oauth/token",
            data=back["data"] | {"client_secret": "wrong", "grant_type": "client_credentials"},
        ),
        "a scope too many": lambda: token(
            remit, world, world.web, grant_type="client_credentials", scope="tickets.update"
        ),
    }


GOOD = {
    **dict.fromkeys(("redeem a code", "refresh", "act for itself", "revoke"), 200),
    **dict.fromkeys(("make an agent", "make a secret", "stop a token"), 201),
    **dict.fromkeys(("sign in", "say yes"), 303),
    "a wrong secret": 401,
    "a scope too many": 400,
}


async def nothing_without_its_event(remit, world, away, count) -> None:
    """Try everything while no event can be written, and again when it can."""
    asks = await asks_of(remit, world)
    before = await count()
    async with away():
        for name, ask_for in asks.items():
            answer = await ask_for()
            assert answer.status_code == 503, (name, answer.text)
            assert int(answer.headers["retry-after"]) >= 1, name
            assert SECRET.search(answer.content + repr(answer.headers).encode()) is None, name
            assert "location" not in answer.headers, name
        # What needs no event goes on.
        assert (await remit.http.get(f"{world.issuer}/oauth/jwks")).status_code == 200
    assert await count() == before
    # Nothing was spent, begun or changed: all of it can still be had, once and with its event.
    for name, ask_for in asks.items():
        answer = await ask_for()
        assert answer.status_code == GOOD[name], (name, answer.status_code, answer.text)
        request = answer.headers["x-request-id"]
        mine = [event["type"] for event in await remit.events(world) if event["who"].get("request") == request]
        assert len(mine) == 1, (name, mine)


@pytest.fixture
async def disk():
    """The real disk, which can be told to be full."""
    before = apsw.vfs_names()[0]
    made = Disk(before)
    yield made
    apsw.set_default_vfs(before)
    made.unregister()


async def test_b_log_04_on_a_full_disk_nothing_is_handed_out_or_changed(disk, tmp_path):
    async with instance(tmp_path) as remit:

        @asynccontextmanager
        async def full():
            disk.full = True
            yield
            disk.full = False

        async def count():
            return rows(remit), len(await remit.events(remit.acme))

        await nothing_without_its_event(remit, remit.acme, full, count)


async def test_b_log_04_without_the_right_to_write_events_nothing_is_handed_out_or_changed(cluster, tmp_path):
    place = await migrated(cluster)
    async with instance_at(place, tmp_path) as remit, cluster.superuser(place.database) as root:

        @asynccontextmanager
        async def read_only():
            await root.execute("revoke insert on event from remit_app")
            yield
            await root.execute("grant insert on event to remit_app")

        async def count():
            tables = await root.fetch("select tablename from pg_tables where schemaname = 'public'")
            return {name: await root.fetchval(f'select count(*) from "{name}"') for (name,) in tables}

        await nothing_without_its_event(remit, remit.acme, read_only, count)


async def test_b_log_04_where_checkpoints_go_may_be_away_and_all_goes_on(tmp_path):
    async with instance(tmp_path) as remit:
        world, outside = remit.acme, tmp_path / "elsewhere" / "checkpoints.log"
        worker = Worker(remit.deps, checkpoints=outside, seconds=60, events=1000)
        with pytest.raises(FileNotFoundError):
            await worker.checkpoint()
        tokens = await get_tokens(remit, world, world.web)
        assert (await introspect(remit, world, tokens["access_token"]))["active"] is True
        with pytest.raises(FileNotFoundError):
            await worker.checkpoint()
        outside.parent.mkdir()
        await worker.checkpoint()
        async with remit.deps.db.read(world.tenant.id) as work:
            newest, size = await work.audit.newest(), (await work.audit.tree()).size
        assert newest is not None
        assert f"\n{size}\n" in newest
        assert newest in outside.read_text("utf-8")

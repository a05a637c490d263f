"""Lists are read page by page: everything once, in order, whatever is added meanwhile."""

from __future__ import annotations

import pytest

from remit.http.api.table import OPERATIONS
from tests.kit.flows import get_tokens

LISTS = {"/agents": "agents", "/grants": "grants", "/stops": "stops", "/events": "events"}


async def everything(api, path, name, limit):
    found, cursor = [], None
    for _ in range(100):
        page = (await api.get(f"{path}?limit={limit}" + (f"&cursor={cursor}" if cursor else ""))).json()
        found += page[name]
        cursor = page["next"]
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


@pytest.mark.requirement("API-2")
@pytest.mark.parametrize(("path", "name"), LISTS.items(), ids=LISTS)
async def test_pages_hold_everything_once(remit, api, path, name):
    for number in range(5):
        await api.post("/stops", {"kind": "token", "id": f"t{number}", "reason": "r"})
        await api.post("/agents", {"name": f"a{number}", "purpose": "p"})
    whole = (await api.get(f"{path}?limit=200")).json()[name]
    assert len(whole) > 1
    for limit in (1, 2, len(whole) - 1, len(whole)):
        assert await everything(api, path, name, limit) == whole


@pytest.mark.requirement("API-2")
async def test_what_comes_meanwhile_moves_no_page(remit, api):
    for number in range(4):
        await api.post("/stops", {"kind": "token", "id": f"t{number}", "reason": "r"})
    first = (await api.get("/stops?limit=2")).json()
    await api.post("/stops", {"kind": "token", "id": "late", "reason": "r"})
    second = (await api.get(f"/stops?limit=2&cursor={first['next']}")).json()
    assert [stop["target"] for stop in first["stops"] + second["stops"]] == ["t3", "t2", "t1", "t0"]


async def test_grants_are_found_by_everybody_in_them(remit, api):
    world = remit.acme
    await get_tokens(remit, world, world.web)
    queries = {
        f"user={world.alice.id}": 1,
        f"user={world.alice.id}&agent={world.agent.id}": 1,
        f"user={world.mallory.id}": 0,
        f"agent={world.agent.id}": 2,
        f"agent={world.agent.id}&state=revoked": 0,
        f"client={world.web.id}": 2,
        f"resource={world.tickets.id}": 0,
        f"client={world.rival.id}": 0,
    }
    assert {query: len((await api.get(f"/grants?{query}")).json()["grants"]) for query in queries} == queries


async def test_events_are_found_by_time(remit, api):
    page = (await api.get("/events?since=2026-03-02T12:00:00Z&until=2026-03-02T13:00:00%2B01:00")).json()
    assert page["events"] == []
    assert (await api.get("/events?since=2026-03-02T11:00:00Z")).json()["events"]
    assert (await api.get("/events?until=0001-01-01T00:00:00%2B14:00")).json()["events"] == []
    assert (await api.get("/events?since=9999-12-31T23:59:59-14:00")).json()["events"] == []


async def test_events_are_found_by_kind_and_by_approval(remit, api):
    world = remit.acme
    await get_tokens(remit, world, world.web)
    async with remit.deps.db.read(world.tenant.id) as work:
        (grant,) = await work.grants.list(user=world.alice.id)
        (line,) = await work.lines.page(grant.id, before=None, limit=9)

    async def types(query):
        return {event["event"]["type"] for event in (await api.get(f"/events?limit=200&{query}")).json()["events"]}

    assert await types(f"line={line.id}") == {"consent.given", "token.issued"}
    assert await types(f"line={line.id}&kind=calls") == {"token.issued"}
    assert await types(f"line={line.id}&kind=changes") == {"consent.given"}
    assert await types(f"line={line.id}&user={world.mallory.id}") == await types("line=lin_0") == set()
    assert (await api.get("/events?kind=other")).status_code == 400


def test_every_list_is_bounded():
    lists = [row for row in OPERATIONS if "next" in row.answer.__struct_fields__]
    assert [row.name for row in lists if "limit" not in row.query.__struct_fields__] == []
    assert len(lists) > 5

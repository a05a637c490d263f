"""Grants that are taken back together: all that was found, an event each and one that sums up; or nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from remit.core.grants import GrantState
from remit.services import many_grants
from remit.services.grant_changes import narrow_any
from remit.services.many_grants import find_taken, take_back
from remit.services.tables import GrantsWanted
from tests.http.api.world import api_of
from tests.kit.flows import get_tokens
from tests.kit.world import SEEDER, sure

WHY = {"reason": "INC-1"}


@pytest.fixture
async def held(remit):
    """Grants of alice to two agents, and of mallory to one; the agent's own is there already."""
    world = remit.acme
    for email, client in (("alice", world.web), ("mallory", world.web), ("alice", world.rival)):
        await get_tokens(remit, world, client, email=f"{email}@example.com")
    async with remit.deps.db.read(world.tenant.id) as work:
        return {(grant.user, grant.client): grant for grant in await work.grants.list()}


async def living(remit, world):
    async with remit.deps.db.read(world.tenant.id) as work:
        return {grant.id for grant in await work.grants.list()}


async def called(remit, world, grant, scope, *, days=0):
    at = remit.clock.now() - timedelta(days=days)
    async with remit.deps.db.work(world.tenant.id) as work:
        await work.decisions.count(grant.id, scope, permitted=True, at=at)


SOUGHT = {
    "of a user": ({"user": "{alice}"}, {("alice", "web"), ("alice", "rival")}),
    "of a user, to a client": ({"user": "{alice}", "client": "{web}"}, {("alice", "web")}),
    "of a client": ({"client": "{web}"}, {("alice", "web"), ("mallory", "web"), (None, "web")}),
    "of an agent": ({"agent": "{agent}"}, {("alice", "web"), ("mallory", "web"), (None, "web")}),
    "by name": ({"agent": "planner", "user": "mallory@example.com"}, {("mallory", "web")}),
    "that hold a scope": ({"scope": "write:calendar", "client": "{rival}"}, {("alice", "rival")}),
}


@pytest.mark.parametrize(("sought", "expected"), SOUGHT.values(), ids=SOUGHT)
async def test_what_is_found_ends_and_nothing_else(remit, api, held, sought, expected):
    world, before = remit.acme, await living(remit, remit.acme)
    names = {"alice": world.alice.id, "web": world.web.id, "rival": world.rival.id, "agent": world.agent.id}
    body = {name: text.format_map(names) for name, text in sought.items()} | WHY
    people = {"alice": world.alice.id, "mallory": world.mallory.id, None: None}
    meant = {held[people[user], getattr(world, client).id].id for user, client in expected}
    tried = await api.ask("POST", "/grants/revoke?dry_run=true", body)
    assert (set(tried.json()["revoked"]), await living(remit, world)) == (meant, before)
    answer, events = await remit.events_of(world, api.post("/grants/revoke", {**body, "mark": tried.json()["mark"]}))
    assert answer.json() == {"revoked": tried.json()["revoked"], "more": False, "mark": tried.json()["mark"]}
    assert before - await living(remit, world) == meant
    told = [event for event in events if event["type"] == "stop.placed"]
    assert {event["what"]["target"] for event in told} == meant
    assert {event["who"]["grant"] for event in told} == meant
    (summary,) = [event for event in events if event["type"] == "grants.revoked"]
    assert (summary["what"]["count"], summary["what"]["reason"]) == (len(meant), "INC-1")
    assert len(summary["what"]["sought"]) >= len(sought)
    assert (await api.post("/grants/revoke", body)).status_code == 404


REFUSED = {
    "everybody's": ({}, 400),
    "nobody's": ({"user": "usr_x"}, 404),
    "those of a scope that nobody holds": ({"scope": "nothing"}, 404),
    "unused for no time": ({"unused_days": 0}, 400),
    "unused for ages": ({"unused_days": 366}, 400),
    "others than were shown": ({"client": "web", "mark": "0"}, 409),
}


@pytest.mark.parametrize(("sought", "status"), REFUSED.values(), ids=REFUSED)
async def test_what_is_not_meant_is_refused_and_nothing_ends(remit, api, held, sought, status):
    before = await living(remit, remit.acme)
    for path in ("revoke", "trim"):
        answer = await api.post(f"/grants/{path}", sought | WHY)
        assert answer.status_code == (404 if (path, status) == ("trim", 409) else status), answer.text
    assert await living(remit, remit.acme) == before


async def test_the_unused_are_those_that_are_old_and_were_not_called(remit, held):
    world = remit.acme
    used, stale = held[world.alice.id, world.web.id], held[world.mallory.id, world.web.id]
    remit.clock.forward(days=4)
    await get_tokens(remit, world, world.rival, email="mallory@example.com")
    remit.clock.forward(days=6)
    await called(remit, world, used, "read:calendar", days=9)
    await called(remit, world, stale, "read:calendar", days=10)
    found = sure(await find_taken(world.tenant.id, GrantsWanted(unused=timedelta(days=10)), remit.deps))
    assert {taken.grant.id for taken in found.taken} == {grant.id for grant in held.values()} - {used.id}


async def test_grants_are_trimmed_to_what_was_used(remit, held):
    world = remit.acme
    alices, mallorys = held[world.alice.id, world.web.id], held[world.mallory.id, world.web.id]
    remit.clock.forward(days=6)
    await called(remit, world, alices, "read:calendar")
    body = {"agent": world.agent.id, "days": 7, **WHY}
    # Whatever is younger than that had no time to be used.
    assert (await (await api_of(remit, world)).post("/grants/trim", body)).status_code == 404
    remit.clock.forward(days=2)
    api = await api_of(remit, world)
    answer, events = await remit.events_of(world, api.post("/grants/trim", body))
    assert answer.json()["trimmed"] == [{"id": alices.id, "removed": ["write:calendar"]}]
    assert [event["type"] for event in events] == ["grant.narrowed", "grants.trimmed"]
    assert (events[0]["what"]["removed"], events[1]["what"]["days"]) == (["write:calendar"], 7)
    async with remit.deps.db.read(world.tenant.id) as work:
        assert (await work.grants.get(alices.id)).scopes == alices.scopes - {"write:calendar"}
        assert (await work.grants.get(mallorys.id)).scopes == mallorys.scopes


async def test_what_somebody_narrowed_meanwhile_is_not_taken_whole(remit, held):
    world = remit.acme
    grant = held[world.alice.id, world.web.id]
    remit.clock.forward(days=8)
    await called(remit, world, grant, "read:calendar")
    wanted, span = GrantsWanted(agent=world.agent.id), timedelta(days=7)
    found = sure(await find_taken(world.tenant.id, wanted, remit.deps, span=span))
    kept = grant.scopes - {"read:calendar"}
    await narrow_any(world.tenant.id, grant.id, kept, remit.deps, SEEDER, reason="meanwhile")
    done = sure(await take_back(world.tenant.id, found, remit.deps, SEEDER, reason="unused"))
    assert done.taken == ()
    async with remit.deps.db.read(world.tenant.id) as work:
        held_now = await work.grants.get(grant.id)
    assert (held_now.state, held_now.scopes) == (GrantState.ACTIVE, kept)


async def test_more_than_fit_in_one_transaction_are_done_in_several(remit, held, monkeypatch):
    world, deps = remit.acme, remit.deps
    monkeypatch.setattr(many_grants, "MOST", 2)
    wanted = GrantsWanted(client=world.web.id)
    first = sure(await find_taken(world.tenant.id, wanted, deps))
    assert (len(first.taken), first.more) == (2, True)
    await take_back(world.tenant.id, first, deps, SEEDER, reason="r")
    second = sure(await find_taken(world.tenant.id, wanted, deps))
    assert (len(second.taken), second.more) == (1, False)
    assert {taken.grant.id for taken in first.taken}.isdisjoint(taken.grant.id for taken in second.taken)

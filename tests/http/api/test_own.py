"""People at the API: their role, and what is their own."""

from __future__ import annotations

import pytest

from remit.services.provisioning.users import turn_rights_on
from tests.http.api.world import EVERYTHING, api_as
from tests.kit.flows import claims_of, get_tokens
from tests.kit.world import SEEDER

ALICE = "alice@example.com"


async def test_a_user_administers_nothing_whatever_his_token_says(remit):
    api = await api_as(remit, remit.acme, ALICE)
    answer = await api.get("/agents")
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    refused = [event for event in await remit.events(remit.acme) if event["type"] == "api.refused"]
    assert [(event["who"]["actor_kind"], event["who"]["actor"]) for event in refused] == [("user", remit.acme.alice.id)]


async def test_an_administrator_acts_in_his_own_name(remit):
    api = await api_as(remit, remit.acme, "admin@example.com")
    made = await api.post("/agents", {"name": "n", "purpose": "p"})
    assert made.status_code == 201
    created = (await remit.events(remit.acme, type="agent.created"))[-1]
    assert (created["who"]["actor_kind"], created["who"]["actor"]) == ("user", remit.acme.admin.id)
    approved = await api.post(
        "/grants", {"client": remit.acme.web.id, "resource": remit.acme.calendar.id, "scopes": ["read:calendar"]}
    )
    assert approved.json()["approver"] == remit.acme.admin.id


async def test_a_user_sees_narrows_and_stops_what_is_his(remit):
    world = remit.acme
    await get_tokens(remit, world, world.web)
    api = await api_as(remit, world, ALICE)
    grants = (await api.get("/own/grants")).json()["grants"]
    grant = next(one for one in grants if one["client"] == world.web.id)
    assert (grant["agent_name"], grant["can"]) == ("planner", ["read:calendar", "write:calendar"])
    less = await api.post(f"/own/grants/{grant['id']}/narrow", {"keep": ["read:calendar"]})
    assert less.json()["scopes"] == ["read:calendar"]
    ended = await api.post(f"/own/grants/{grant['id']}/stop")
    assert ended.json()["standing"] == "revoked"


async def test_stopping_everything_ends_the_tokens_that_asked_for_it(remit):
    world = remit.acme
    await get_tokens(remit, world, world.web)
    api = await api_as(remit, world, ALICE)
    assert (await api.post("/own/stop-all")).json() == {"ended": 2}
    assert (await api.get("/own/grants")).status_code == 401


@pytest.mark.parametrize("verb", ["narrow", "stop"])
async def test_a_grant_of_somebody_else_is_not_his(remit, verb):
    world = remit.acme
    await get_tokens(remit, world, world.web, email="mallory@example.com")
    async with remit.deps.db.read(world.tenant.id) as work:
        (grant,) = await work.grants.list(user=world.mallory.id)
    api = await api_as(remit, world, ALICE)
    body = {"keep": ["read:calendar"]} if verb == "narrow" else {}
    answer = await api.post(f"/own/grants/{grant.id}/{verb}", body)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/own/grants", "/own/activity"])
async def test_a_program_has_nothing_of_its_own(api, path):
    answer = await api.get(path)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("rights_on", [False, True], ids=["everybody holds everything", "rights are on"])
async def test_what_people_administer_follows_from_their_role(remit, rights_on):
    if rights_on:
        await turn_rights_on(remit.acme.tenant.id, remit.deps, SEEDER)
    held = {}
    for name in ("admin", "alice"):
        token = (await api_as(remit, remit.acme, f"{name}@example.com")).token
        held[name] = set(str(claims_of(token)["scope"]).split())
    assert held == {"admin": EVERYTHING, "alice": {"own:read", "own:write"}}


async def test_a_role_that_was_taken_is_felt_by_tokens_that_are_out(remit, api):
    world = remit.acme
    await api.patch(f"/users/{world.alice.id}", {"role": "admin"})
    hers = await api_as(remit, world, ALICE)
    assert (await hers.get("/agents")).status_code == 200
    await api.patch(f"/users/{world.alice.id}", {"role": "user"})
    assert (await hers.get("/agents")).status_code == 403


async def test_rights_on_the_tenants_own_api_are_not_set_by_hand(remit, api):
    own = next(one for one in (await api.get("/resources")).json()["resources"] if one["built_in"])
    path = f"/users/{remit.acme.alice.id}/rights/{own['id']}"
    assert (await api.get(path)).json()["scopes"] == ["own:read", "own:write"]
    answer = await api.ask("PUT", path, {"scopes": ["agents:read"]}, if_match="*")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_a_user_sees_what_was_done_in_his_name_and_nothing_else(remit):
    world = remit.acme
    await get_tokens(remit, world, world.web)
    await get_tokens(remit, world, world.web, email="mallory@example.com")
    api = await api_as(remit, world, ALICE)
    everything = (await api.get("/own/activity?limit=200")).json()
    told = everything["events"]
    assert everything["next"] is None
    own = [event for event in await remit.events(world) if event["who"].get("user") == world.alice.id]
    assert [event["type"] for event in told] == [event["type"] for event in own][::-1]
    issued = next(event for event in told if event["type"] == "token.issued" and event["agent_name"] == "planner")
    assert (issued["agent"], issued["resource"]) == (world.agent.id, world.calendar.uri)
    assert issued["scopes"] == ["read:calendar", "write:calendar"]
    assert set(issued) == {"seq", "at", "type", "outcome", "agent", "agent_name", "resource", "scopes"}
    halves = [(await api.get(f"/own/activity?kind={kind}&limit=200")).json()["events"] for kind in ("calls", "changes")]
    assert sorted(event["seq"] for half in halves for event in half) == sorted(event["seq"] for event in told)
    assert all(halves)
    first = (await api.get("/own/activity?limit=2")).json()
    rest = (await api.get(f"/own/activity?limit=200&cursor={first['next']}")).json()
    assert first["events"] + rest["events"] == told

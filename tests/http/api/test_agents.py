"""Agents over REST: what can be made and changed, and what is refused."""

from __future__ import annotations

import pytest

NEW = {"name": "sorter", "purpose": "sort tickets"}


async def made(api, **more):
    answer = await api.post("/agents", {**NEW, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_an_agent_is_registered_staged_and_activated_when_somebody_owns_it(remit, api):
    agent = await made(api)
    assert (agent["state"], agent["owner"]) == ("staged", None)
    path = f"/agents/{agent['id']}"
    answer = await api.post(f"{path}/activate", {"reason": "ready"})
    assert (answer.status_code, answer.json()["detail"]) == (409, "name an owner before the agent becomes active")
    read = await api.get(path)
    changed = await api.patch(path, {"owner": remit.acme.alice.id}, tag=read.headers["etag"])
    assert (changed.status_code, changed.json()["owner"]) == (200, remit.acme.alice.id)
    assert (await api.post(f"{path}/activate", {"reason": "ready"})).json()["state"] == "active"
    events = await remit.events(remit.acme, agent=agent["id"])
    assert [event["type"] for event in events] == ["agent.created", "agent.changed", "agent.state_changed"]
    assert events[1]["what"] == {"changed": ["owner"], "new_owner": remit.acme.alice.id, "new_sponsor": None}


@pytest.mark.requirement("API-2")
async def test_a_change_of_what_somebody_else_changed_is_refused(remit, api):
    path = f"/agents/{remit.acme.agent.id}"
    tag = (await api.get(path)).headers["etag"]
    assert (await api.patch(path, {"model": "m1"}, tag=tag)).status_code == 200
    late = await api.patch(path, {"model": "m2"}, tag=tag)
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert (await api.get(path)).json()["model"] == "m1"
    blind = await api.ask("PATCH", path, {"model": "m2"})
    assert (blind.status_code, blind.json()["code"]) == (428, "precondition_required")


CHANGES = {
    "an active agent without an owner": ({"owner": None}, 409),
    "somebody who is not here": ({"owner": "usr_nobody"}, 400),
    "the name of another agent": ({"name": "other"}, 409),
    "no purpose": ({"purpose": ""}, 400),
    "a field that no agent has": ({"colour": "red"}, 400),
}


@pytest.mark.parametrize(("body", "status"), CHANGES.values(), ids=CHANGES)
async def test_a_change_that_does_not_fit_changes_nothing(remit, api, body, status):
    path = f"/agents/{remit.acme.agent.id}"
    before = (await api.get(path)).json()
    answer = await api.patch(path, body)
    assert answer.status_code == status, answer.text
    assert (await api.get(path)).json() == before


async def test_a_remit_is_a_new_version_each_time(remit, api):
    world = remit.acme
    path = f"/agents/{world.agent.id}/remits"
    answer = await api.post(path, {"scopes": {world.calendar.id: ["read:calendar"]}, "token_seconds": 300})
    assert (answer.status_code, answer.json()["version"]) == (201, 2)
    listed = (await api.get(f"{path}?limit=1")).json()
    assert ([remit["version"] for remit in listed["remits"]], listed["next"]) == ([2], "2")
    older = (await api.get(f"{path}?cursor=2")).json()
    assert ([remit["version"] for remit in older["remits"]], older["next"]) == ([1], None)
    unknown = await api.post(path, {"scopes": {world.calendar.id: ["fly"]}})
    assert (unknown.status_code, unknown.json()["code"]) == (400, "invalid_request")


async def test_an_agent_is_registered_with_its_remit_or_not_at_all(remit, api):
    world = remit.acme
    agent = await made(api, remit={"scopes": {world.calendar.id: ["read:calendar"]}, "token_seconds": 120})
    (remit_,) = (await api.get(f"/agents/{agent['id']}/remits")).json()["remits"]
    assert (remit_["scopes"], remit_["token_seconds"]) == ({world.calendar.id: ["read:calendar"]}, 120)
    flawed = {**NEW, "name": "flyer", "remit": {"scopes": {world.calendar.id: ["fly"]}}}
    assert (await api.post("/agents", flawed)).status_code == 400
    assert (await api.get("/agents?name=flyer")).json()["agents"] == []


async def test_tokens_of_an_agent_are_shortened_and_left_to_the_tenant_again(remit, api):
    path = f"/agents/{remit.acme.agent.id}/remits"
    before = (await api.get(path)).json()["remits"][0]
    short = await api.post(f"{path}/shorten", {"token_seconds": 90})
    assert short.status_code == 201, short.text
    assert {**short.json(), "id": before["id"]} == {**before, "version": before["version"] + 1, "token_seconds": 90}
    assert (await api.post(f"{path}/shorten", {"token_seconds": None})).json()["token_seconds"] is None
    assert (await api.post(f"{path}/shorten", {})).status_code == 400
    fresh = await made(api)
    refused = await api.post(f"/agents/{fresh['id']}/remits/shorten", {"token_seconds": 90})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


async def test_agents_and_clients_are_found_by_name(remit, api):
    world = remit.acme
    assert [row["id"] for row in (await api.get(f"/agents?name={world.agent.name}")).json()["agents"]] == [
        world.agent.id
    ]
    assert (await api.get("/agents?name=nobody")).json() == {"agents": [], "next": None}
    named = f"/clients?name={world.web.name}"
    assert [row["id"] for row in (await api.get(named)).json()["clients"]] == [world.web.id]
    assert (await api.get(f"{named}&agent={world.agent.id}")).json()["clients"] != []
    assert (await api.get(f"{named}&agent=agt_0")).json()["clients"] == []


async def test_a_stopped_agent_is_shown_as_stopped(remit, api):
    agent = remit.acme.agent.id
    await api.post("/stops", {"kind": "agent", "id": agent, "reason": "look"})
    told = (await api.get(f"/agents/{agent}")).json()
    assert (told["state"], told["stored_state"]) == ("stopped", "active")
    await api.post("/resume", {"kind": "agent", "id": agent, "reason": "fine"})
    assert (await api.get(f"/agents/{agent}")).json()["state"] == "active"


async def test_a_retired_agent_stays_as_it_was(remit, api):
    agent = await made(api)
    await api.post(f"/agents/{agent['id']}/retire", {"reason": "gone"})
    answer = await api.patch(f"/agents/{agent['id']}", {"model": "m"})
    assert (answer.status_code, answer.json()["detail"]) == (409, "a retired agent stays as it was")

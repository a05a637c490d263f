"""Doing a thing once for its key, doing it without keeping it, and what is kept of an answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.http.api.world import api_of

NEW = {"name": "sorter", "purpose": "sort tickets"}


async def agents(api):
    return [agent["name"] for agent in (await api.get("/agents")).json()["agents"]]


@pytest.mark.requirement("API-2")
async def test_a_repeated_request_is_answered_and_not_done_again(remit, api):
    first = await api.post("/agents", NEW, idempotency_key="k1")
    before = len(await remit.events(remit.acme))
    second = await api.post("/agents", NEW, idempotency_key="k1")
    assert (second.status_code, second.content) == (201, first.content)
    assert (first.headers.get("idempotent-replayed"), second.headers["idempotent-replayed"]) == (None, "true")
    assert len(await remit.events(remit.acme)) == before


@pytest.mark.requirement("API-2")
async def test_the_same_key_for_another_request_is_refused(api):
    await api.post("/agents", NEW, idempotency_key="k1")
    for path, body in (("/agents", NEW | {"name": "else"}), ("/stops", {"kind": "token", "id": "t", "reason": "r"})):
        answer = await api.post(path, body, idempotency_key="k1")
        assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")
    assert "else" not in await agents(api)


async def test_a_key_belongs_to_its_caller(remit, api):
    other = await api_of(remit, remit.acme)
    await api.post("/agents", NEW, idempotency_key="k1")
    answer = await other.post("/agents", NEW | {"name": "mine"}, idempotency_key="k1")
    assert answer.status_code == 201


async def test_a_key_belongs_to_its_tenant(remit, api):
    await api.post("/agents", NEW, idempotency_key="k1")
    answer = await (await api_of(remit, remit.globex)).post("/agents", NEW, idempotency_key="k1")
    assert (answer.status_code, "idempotent-replayed" in answer.headers) == (201, False)


async def test_a_refusal_is_not_kept_for_its_key(api):
    path = "/agents"
    assert (await api.post(path, {"name": "planner", "purpose": "p"}, idempotency_key="k1")).status_code == 409
    assert (await api.post(path, NEW, idempotency_key="k1")).status_code == 201


async def test_a_key_is_forgotten_after_a_day(remit, api):
    await api.post("/stops", {"kind": "token", "id": "t1", "reason": "r"}, idempotency_key="k1")
    remit.clock.forward(hours=24)
    (caller,) = {event["who"]["client"] for event in await remit.events(remit.acme, type="stop.placed")}
    async with remit.deps.db.read(remit.acme.tenant.id) as work:
        assert await work.replies.find(caller, "k1", at=remit.clock.now()) is None
        assert await work.replies.find(caller, "k1", at=remit.clock.now() - timedelta(seconds=1)) is not None


async def test_of_many_at_once_one_is_done(remit, api):
    answers = await asyncio.gather(*[api.post("/agents", NEW, idempotency_key="k1") for _ in range(8)])
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 7


@pytest.mark.parametrize("key", ["k" * 256, "a\tb", "a\x7fb"], ids=["too long", "a tab", "a control sign"])
async def test_a_key_that_nobody_could_read_is_refused(api, key):
    answer = await api.post("/agents", NEW, idempotency_key=key)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_a_dry_run_answers_what_would_be_and_keeps_nothing(remit, api):
    before = await remit.events(remit.acme)
    answer = await api.post("/agents?dry_run=true", NEW, idempotency_key="k1")
    assert (answer.status_code, answer.json()["name"], answer.headers["dry-run"]) == (200, "sorter", "true")
    assert "sorter" not in await agents(api)
    assert await remit.events(remit.acme) == before
    assert (await api.post("/agents", NEW, idempotency_key="k1")).status_code == 201


async def test_a_dry_run_refuses_what_would_be_refused(remit, api):
    before = await remit.events(remit.acme)
    answer = await api.post("/agents?dry_run=true", {"name": "planner", "purpose": "p"})
    assert answer.status_code == 409
    assert await remit.events(remit.acme) == before


async def test_a_dry_stop_stops_nobody(remit, api):
    body = {"kind": "agent", "id": remit.acme.agent.id, "reason": "r"}
    assert (await api.post("/stops?dry_run=true", body)).status_code == 200
    assert (await api.get(f"/agents/{remit.acme.agent.id}")).json()["state"] == "active"


async def test_keys_are_rotated_dry_and_then_really(remit, api):
    remit.clock.forward(seconds=301)
    before = (await api.get("/keys")).json()
    assert (await api.post("/keys/rotate?dry_run=true", {"use": "access"})).status_code == 200
    assert (await api.get("/keys")).json() == before
    moved = (await api.post("/keys/rotate", {"use": "access"})).json()["keys"]
    assert [(key["use"], key["state"]) for key in moved] == [("access", "active")]
    again = await api.post("/keys/rotate", {"use": "access"})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


@pytest.mark.requirement("KEY-1", "REV-8")
@pytest.mark.parametrize("how", ["/keys/{kid}/revoke", "/stops"])
async def test_a_key_is_revoked_and_its_successor_signs(remit, api, how):
    keys = (await api.get("/keys")).json()["keys"]
    kid = next(key["kid"] for key in keys if (key["use"], key["state"]) == ("access", "active"))
    body = {"reason": "leaked"} if "{kid}" in how else {"kind": "kid", "id": kid, "reason": "leaked"}
    answer = await api.post(how.format(kid=kid), body)
    assert (answer.status_code // 100, answer.json()["target"]) == (2, kid)
    # The very token that did it was signed by that key.
    assert (await api.get("/keys")).status_code == 401
    fresh = await api_of(remit, remit.acme)
    states = {key["kid"]: key["state"] for key in (await fresh.get("/keys?gone=true")).json()["keys"]}
    assert states[kid] == "gone"
    unknown = await fresh.post("/keys/nothing/revoke", {"reason": "r"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


async def test_nothing_stays_of_a_call_that_is_refused_halfway(remit, api):
    body = {"rights_on": True, "lifetimes": {"refresh_idle_days": 60, "refresh_absolute_days": 30}}
    answer = await api.patch("/settings", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert (await api.get("/settings")).json()["rights_on"] is False
    assert await remit.events(remit.acme, type="user.rights_changed") == []


async def test_lifetimes_are_chosen_and_left_to_the_instance_again(remit, api):
    chosen = await api.patch("/settings", {"lifetimes": {"access_seconds": 300}})
    assert chosen.json()["lifetimes"] == {
        "access_seconds": 300,
        "refresh_idle_days": 14,
        "refresh_absolute_days": 90,
        "chosen": ["access_seconds"],
    }
    left = await api.patch("/settings", {"lifetimes": {"access_seconds": None}}, tag=chosen.headers["etag"])
    assert (left.json()["lifetimes"]["access_seconds"], left.json()["lifetimes"]["chosen"]) == (900, [])
    assert len(await remit.events(remit.acme, type="tenant.lifetimes_changed")) == 2

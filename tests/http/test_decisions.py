"""POST /decisions: what guards report, once each, about calls of their own resource."""

from __future__ import annotations

import json

import pytest

from remit.core.names import GrantId
from tests.http.refusals import refused
from tests.kit.flows import claims_of, get_tokens


async def post(remit, decisions, *, world=None, auth=None, **more):
    world = world or remit.acme
    auth = auth or (world.calendar.id, world.calendar_secret.reveal())
    body = more.pop("content", None) or json.dumps({"decisions": decisions})
    return await remit.http.post(f"{world.issuer}/decisions", content=body, auth=auth, **more)


def decision(claims=None, **changes):
    said = claims or {}
    return {
        "id": "d1",
        "at": 1_772_452_800_123,
        "decision": "permit",
        "method": "GET",
        "path": "/events",
        "status": 200,
        "required": ["read:calendar"],
        "scope": "read:calendar write:calendar",
        "jti": said.get("jti"),
        "sub": said.get("sub"),
        "client_id": said.get("client_id"),
        "agent_id": said.get("agent_id"),
        "grant_id": said.get("grant_id"),
        "line_id": said.get("line_id"),
        "peer": "198.51.100.4",
        **changes,
    }


@pytest.fixture
async def claims(remit):
    return claims_of((await get_tokens(remit, remit.acme, remit.acme.web))["access_token"])


async def test_a_call_is_told_with_everybody_behind_it(remit, claims):
    world = remit.acme
    answer, events = await remit.events_of(world, post(remit, [decision(claims, purpose="meet Bob")]))
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1})
    (event,) = events
    assert event["type"] == "decision.permit"
    assert event["who"] | {"request": ""} == {
        "actor_kind": "agent",
        "actor": world.agent.id,
        "user": world.alice.id,
        "agent": world.agent.id,
        "client": world.web.id,
        "grant": claims["grant_id"],
        "line": claims["line_id"],
        "approver": world.alice.id,
        "jti": claims["jti"],
        "resource": world.calendar.uri,
        "purpose": "meet Bob",
        "peer": "198.51.100.4",
        "request": "",
    }
    assert event["what"]["at"] == "2026-03-02T12:00:00.123+00:00"
    assert (event["what"]["method"], event["what"]["path"], event["what"]["status"]) == ("GET", "/events", 200)


@pytest.mark.requirement("AUD-4")
async def test_a_report_sent_twice_is_one(remit, claims):
    world = remit.acme
    batch = [decision(claims), decision(claims, id="d2", decision="deny", status=403, reason="insufficient_scope")]
    assert (await post(remit, batch)).json() == {"accepted": 2}
    answer, events = await remit.events_of(world, post(remit, [*batch, decision(claims, id="d3")]))
    assert answer.json() == {"accepted": 1}
    assert [event["type"] for event in events] == ["decision.permit"]


async def test_the_same_id_of_another_resource_is_another_report(remit, claims):
    world = remit.acme
    await post(remit, [decision(claims)])
    auth = world.tickets.id, world.tickets_secret.reveal()
    assert (await post(remit, [decision(claims)], auth=auth)).json() == {"accepted": 1}


async def test_use_is_counted_for_each_scope(remit, claims):
    world = remit.acme
    await post(
        remit,
        [
            decision(claims, required=["read:calendar", "write:calendar"]),
            decision(claims, id="d2"),
            decision(claims, id="d3", decision="deny", status=403),
        ],
    )
    async with remit.deps.db.read(world.tenant.id) as work:
        usage = await work.decisions.usage([GrantId(claims["grant_id"])])
    assert {entry.scope: (entry.count, entry.denied) for entry in usage} == {
        "read:calendar": (2, 1),
        "write:calendar": (1, 0),
    }


async def test_a_resource_cannot_speak_of_the_calls_of_another(remit, claims):
    world = remit.acme
    auth = world.tickets.id, world.tickets_secret.reveal()
    _, events = await remit.events_of(world, post(remit, [decision(claims)], auth=auth))
    assert "grant" not in events[0]["who"]
    assert events[0]["who"]["actor"] == "unknown"
    async with remit.deps.db.read(world.tenant.id) as work:
        assert await work.decisions.usage([GrantId(claims["grant_id"])]) == ()


async def test_calls_of_nobody_are_counted_and_fill_no_log(remit):
    batch = [decision(id=f"d{i}", decision="deny", status=401, reason="invalid_token") for i in range(50)]
    answer, events = await remit.events_of(remit.acme, post(remit, batch))
    assert answer.json() == {"accepted": 50}
    assert [event["type"] for event in events] == ["decision.deny"]


async def test_who_does_not_prove_himself_is_refused(remit):
    globex = remit.globex
    for auth in (
        (remit.acme.calendar.id, "wrong"),
        (globex.calendar.id, globex.calendar_secret.reveal()),
        (remit.acme.web.id, remit.acme.web_secret.reveal()),
    ):
        refused(await post(remit, [decision()], auth=auth), "invalid_client", 401)
    answer = await remit.http.post(f"{remit.acme.issuer}/decisions", content=b"{}")
    refused(answer, "invalid_client", 401)


BODIES = {
    "no JSON": (b"decisions", 400),
    "no decisions": (b"{}", 400),
    "a list of nothing known": (b'{"decisions": [1]}', 400),
    "a decision without its id": (b'{"decisions": [{"at": 1, "decision": "permit"}]}', 400),
    "brackets without an end": (b"[" * 100_000, 400),
    "objects in objects": (b'{"a":' * 100_000, 400),
    "half of a pair": (b'{"decisions": [{"id": "\\ud800", "at": 1, "decision": "permit"}]}', 400),
    "no UTF-8": (b'{"decisions": "\xff"}', 400),
    "more than 512 KiB": (b" " * (512 * 1024 + 1), 413),
    "a number of a thousand digits": (b'{"decisions": [{"id": "d", "at": %s}]}' % (b"9" * 1000), 400),
    "501 decisions": (json.dumps({"decisions": [decision(id=f"d{i}") for i in range(501)]}).encode(), 400),
}


@pytest.mark.parametrize(("body", "status"), BODIES.values(), ids=BODIES)
async def test_another_body_is_refused_whole(remit, body, status):
    answer, events = await remit.events_of(remit.acme, post(remit, [], content=body))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert events == []


NUMBERS = {
    "before time": {"at": -(2**62)},
    "after every calendar": {"at": 2**62},
    "a status of no answer": {"status": -1},
    "a status without an end": {"status": 2**63 - 1},
}


@pytest.mark.parametrize("changes", NUMBERS.values(), ids=NUMBERS)
async def test_numbers_out_of_range_are_bounded(remit, claims, changes):
    answer = await post(remit, [decision(claims, **changes)])
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1})


async def test_long_texts_are_cut_and_strange_letters_dropped(remit, claims):
    sent = decision(claims, path="/" + "x" * 5000, reason="a\u0000b", purpose="\U0001f600" * 600)
    _, events = await remit.events_of(remit.acme, post(remit, [sent]))
    assert len(events[0]["what"]["path"]) == 500
    assert events[0]["what"]["reason"] == "ab"
    assert len(events[0]["who"]["purpose"]) == 500


async def test_anything_but_permit_is_a_denial(remit, claims):
    _, events = await remit.events_of(remit.acme, post(remit, [decision(claims, decision="Permit")]))
    assert events[0]["type"] == "decision.deny"

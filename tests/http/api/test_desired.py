"""A tenant as a description says, over REST: planned and undone, made by the plan that was seen, described again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.api.world import EVERYTHING, api_of
from tests.kit.instance import Remit

STATE: dict[str, Any] = {
    "resources": [
        {
            "uri": "https://mail.example/",
            "name": "Mail",
            "scopes": [{"name": "read:mail", "sentence": "Read your mail"}],
        }
    ],
    "agents": [
        {
            "name": "reader",
            "purpose": "read mail",
            "owner": "alice@example.com",
            "state": "active",
            "remit": {"scopes": {"https://mail.example/": ["read:mail"]}},
        }
    ],
    "clients": [{"name": "reader-web", "agent": "reader", "redirect_uris": ["https://reader.example/cb"]}],
}
NAMES = [("resource", "https://mail.example/"), ("agent", "reader"), ("remit", "reader"), ("client", "reader-web")]


async def described(api):
    return (await api.get("/export")).json()["state"]


async def test_what_was_planned_is_made_told_once_and_described(remit, api):
    before, size = await described(api), len(await remit.events(remit.acme))
    planned = (await api.post("/plan", {"state": STATE})).json()
    assert [(change["kind"], change["name"]) for change in planned["changes"]] == NAMES
    assert planned["refused"] is None
    # It was tried, and nothing of it is there.
    assert (await described(api), len(await remit.events(remit.acme))) == (before, size)
    body = {"state": STATE, "plan": planned["plan"]}
    answer, events = await remit.events_of(remit.acme, api.post("/apply", body, idempotency_key="k"))
    made = answer.json()
    assert (answer.status_code, made["plan"]) == (200, planned["plan"])
    assert [(change["kind"], change["name"]) for change in made["changes"]] == NAMES
    assert {event["type"] for event in events} >= {"resource.created", "agent.created", "remit.published"}
    (secret,) = made["secrets"]
    assert (secret["client"], secret["client_secret"][:7]) == ("reader-web", "rmt_cs_")
    again = await api.post("/apply", body, idempotency_key="k")
    assert again.json() == {**made, "secrets": None}
    assert (await api.post("/plan", {"state": await described(api), "prune": True})).json()["changes"] == []


async def test_a_plan_that_nobody_saw_is_not_made(remit, api):
    seen = (await api.post("/plan", {"state": STATE})).json()["plan"]
    await api.post("/agents", {"name": "reader", "purpose": "p"})
    answer = await api.post("/apply", {"state": STATE, "plan": seen})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "Mail" not in str(await described(api))


async def test_what_is_refused_is_refused_wholly_and_the_plan_says_so(remit, api):
    bad = {**STATE, "clients": [{"name": "reader-web", "agent": "reader", "redirect_uris": ["http://reader.example/"]}]}
    planned = (await api.post("/plan", {"state": bad})).json()
    refused = planned["refused"]
    assert (refused["kind"], refused["name"], refused["code"]) == ("client", "reader-web", "invalid_request")
    before = await described(api)
    answer = await api.post("/apply", {"state": bad})
    assert (answer.status_code, refused["detail"] in answer.json()["detail"]) == (400, True)
    assert await described(api) == before


FLAWS = {
    "two of one name": {"agents": [STATE["agents"][0], STATE["agents"][0]]},
    "another version": {"version": 9},
}


@pytest.mark.parametrize("state", FLAWS.values(), ids=FLAWS)
async def test_a_description_that_is_none_is_told_by_the_plan(remit: Remit, api, state):
    planned = (await api.post("/plan", {"state": state})).json()
    assert (planned["changes"], planned["refused"]["code"]) == ([], "invalid_request")
    assert (await api.post("/apply", {"state": state})).status_code == 400
    assert (await api.post("/plan", {"state": {"agent": []}})).status_code == 400


async def test_whoever_may_read_may_plan_and_not_apply(remit, api):
    reader = await api_of(remit, remit.acme, frozenset(name for name in EVERYTHING if name.endswith(":read")))
    assert (await reader.post("/plan", {"state": STATE})).json()["changes"]
    assert (await reader.post("/apply", {"state": STATE})).status_code == 403

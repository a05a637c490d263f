"""Authorization details by token exchange: what comes out is held to what was shown, or to less (RFC 9396 §6)."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from remit.core.oauth.details import TOOL_CALL
from remit.services.provisioning.changes import change_client, change_resource
from tests.http.refusals import refused
from tests.kit.delegation import about, exchange, handed_on, team
from tests.kit.flows import act_for_itself, claims_of
from tests.kit.world import SEEDER, sure

KINDS = frozenset({TOOL_CALL})
WIDE = {"type": TOOL_CALL, "tools": ["create", "move"], "max_calls": 5}
LESS = {"type": TOOL_CALL, "tools": ["move"], "max_calls": 2}
HERE = {"type": TOOL_CALL, "tools": ["create"], "locations": ["https://calendar.example/"]}


@pytest.fixture
async def three(remit):
    """Let everybody ask for limits, and all resources but the last one keep to them."""
    members = await team(remit, remit.acme, "scheduler", "finder", "sender")
    tenant, deps = remit.acme.tenant.id, remit.deps
    for client in (remit.acme.web, *(member.client for member in members)):
        sure(await change_client(tenant, deps, SEEDER, replace(client, details_types=KINDS)))
    for resource in (members[0].resource, members[1].resource):
        sure(await change_resource(tenant, deps, SEEDER, replace(resource, details_types=KINDS)))
    return members


async def held_to(remit, *details):
    answer = await act_for_itself(
        remit, remit.acme, remit.acme.web, scope="read:calendar", authorization_details=json.dumps(details)
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


@pytest.mark.requirement("TX-5")
async def test_limits_go_with_what_is_handed_on(remit, three):
    scheduler, finder, _ = three
    subject = await held_to(remit, WIDE)
    call = exchange(remit, remit.acme, scheduler, subject, finder.resource)
    answer, (event,) = await remit.events_of(remit.acme, call)
    token = answer.json()["access_token"]
    assert answer.json()["authorization_details"] == claims_of(token)["authorization_details"] == [WIDE]
    assert json.loads(event["what"]["details"]) == [WIDE]
    assert (await about(remit, remit.acme, token, finder))["authorization_details"] == [WIDE]


@pytest.mark.requirement("TX-5")
async def test_the_next_hop_never_gets_back_what_one_left_out(remit, three):
    scheduler, finder, _ = three
    less = await handed_on(
        remit,
        remit.acme,
        scheduler,
        await held_to(remit, WIDE),
        finder.resource,
        authorization_details=json.dumps([LESS]),
    )
    assert claims_of(less)["authorization_details"] == [LESS]
    asked = json.dumps([WIDE])
    again = exchange(remit, remit.acme, finder, less, three[0].resource, authorization_details=asked)
    assert "only be a part" in refused(await again, "invalid_authorization_details")
    back = await handed_on(remit, remit.acme, finder, less, three[0].resource)
    assert claims_of(back)["authorization_details"] == [LESS]


@pytest.mark.requirement("TX-5")
async def test_limits_of_one_place_and_limits_that_nobody_keeps_end_there(remit, three):
    scheduler, finder, sender = three
    here = await held_to(remit, {**HERE, "locations": [scheduler.resource.uri]})
    hint = refused(await exchange(remit, remit.acme, scheduler, here, finder.resource), "invalid_target")
    assert "is for other resources" in hint
    wide = await held_to(remit, WIDE)
    hint = refused(await exchange(remit, remit.acme, scheduler, wide, sender.resource), "invalid_grant")
    assert "no longer keeps to what was approved in detail" in hint


async def test_a_token_without_limits_may_be_handed_on_within_some(remit, three):
    scheduler, finder, _ = three
    subject = (await act_for_itself(remit, remit.acme, remit.acme.web, scope="read:calendar")).json()["access_token"]
    asked = json.dumps([LESS])
    token = await handed_on(remit, remit.acme, scheduler, subject, finder.resource, authorization_details=asked)
    assert claims_of(token)["authorization_details"] == [LESS]

"""`resource` wherever tokens are asked for (RFC 8707): one API a token, and its rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from remit.core.resources import Resource, Scope
from remit.services.provisioning.changes import change_resource
from tests.http.refusals import refused
from tests.kit.flows import (
    act_for_itself,
    answer_of,
    approve,
    claims_of,
    get_tokens,
    introspect,
    redeem,
    refresh,
    request_for,
)
from tests.kit.world import CALENDAR, SEEDER, TICKETS, sure


@pytest.mark.requirement("RI-1", "RI-4")
async def test_every_request_for_a_token_may_name_it(remit):
    world = remit.acme
    code = (await approve(remit, world, world.web, resource=[CALENDAR, CALENDAR])).code
    tokens = (await redeem(remit, world, world.web, code, resource=[CALENDAR, CALENDAR])).json()
    again = (await refresh(remit, world, world.web, tokens["refresh_token"], resource=CALENDAR)).json()
    alone = (await act_for_itself(remit, world, world.web, resource=CALENDAR)).json()
    for body in (tokens, again, alone):
        assert claims_of(body["access_token"])["aud"] == CALENDAR


@pytest.mark.requirement("RI-1", "RI-3")
@pytest.mark.parametrize(
    "unknown", ["https://calendar.example", "https://CALENDAR.example/x", "https://nobody.example/"]
)
async def test_an_api_that_is_not_registered_to_the_letter_is_none(remit, unknown):
    world = remit.acme
    asked = request_for(world.web, resource=unknown)
    answer = answer_of(await remit.http.get(f"{world.issuer}/oauth/authorize", params=asked))
    assert answer.fields["error"] == "invalid_target"
    refused(await act_for_itself(remit, world, world.web, resource=unknown), "invalid_target")
    code = (await approve(remit, world, world.web)).code
    refused(await redeem(remit, world, world.web, code, resource=unknown), "invalid_target")


@pytest.mark.requirement("RI-3")
async def test_an_api_of_another_tenant_is_none(remit):
    world, other = remit.acme, remit.globex
    remit.sql("update resource set uri = 'https://only.example/' where tenant = :tenant and uri = :uri",
              tenant=other.tenant.id, uri=TICKETS)  # fmt: skip
    refused(await act_for_itself(remit, world, world.web, resource="https://only.example/"), "invalid_target")


@pytest.mark.requirement("RI-3")
async def test_an_api_that_was_disabled_is_none(remit):
    world = remit.acme
    code = (await approve(remit, world, world.web)).code
    remit.sql("update resource set state = 'disabled' where tenant = :tenant and uri = :uri",
              tenant=world.tenant.id, uri=CALENDAR)  # fmt: skip
    answer = answer_of(await remit.http.get(f"{world.issuer}/oauth/authorize", params=request_for(world.web)))
    assert answer.fields["error"] == "invalid_target"
    refused(await act_for_itself(remit, world, world.web, resource=CALENDAR), "invalid_target")
    refused(await redeem(remit, world, world.web, code), "invalid_grant")


@pytest.mark.requirement("RI-4", "RI-5", "RI-6")
async def test_a_token_is_for_one_api_and_stays_with_it(remit):
    world = remit.acme
    both = request_for(world.web, resource=[CALENDAR, TICKETS])
    answer = answer_of(await remit.http.get(f"{world.issuer}/oauth/authorize", params=both))
    assert answer.fields["error"] == "invalid_target"
    tokens = await get_tokens(remit, world, world.web, resource=TICKETS, scope="tickets.update read:calendar")
    assert claims_of(tokens["access_token"])["aud"] == TICKETS
    # What another API defines is left out, and said to be.
    assert tokens["scope"] == "tickets.update"
    assert (await introspect(remit, world, tokens["access_token"], by="tickets"))["active"]
    assert await introspect(remit, world, tokens["access_token"], by="calendar") == {"active": False}
    refused(await refresh(remit, world, world.web, tokens["refresh_token"], resource=CALENDAR), "invalid_target")


async def change(remit, resource: Resource, **changes: object) -> Resource:
    return sure(await change_resource(remit.acme.tenant.id, remit.deps, SEEDER, replace(resource, **changes)))  # type: ignore[arg-type]


@pytest.mark.requirement("RI-8")
async def test_the_registry_says_which_scopes_there_are_and_how_long_a_token_lives(remit):
    world = remit.acme
    first = await get_tokens(remit, world, world.web)
    assert (first["expires_in"], first["scope"]) == (900, "read:calendar write:calendar")
    kept = tuple(scope for scope in world.calendar.scopes if scope.name != "write:calendar")
    new = Scope(name="print:calendar", sentence="Print your events", risk=kept[0].risk)
    await change(remit, world.calendar, token_seconds=60, scopes=(*kept, new))
    later = (await refresh(remit, world, world.web, first["refresh_token"])).json()
    assert (later["expires_in"], later["scope"]) == (60, "read:calendar")
    # What the registry defines is still only given where the agent's remit holds it.
    tokens = await get_tokens(remit, world, world.web, scope="read:calendar print:calendar")
    assert tokens["scope"] == "read:calendar"

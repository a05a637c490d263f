"""What an event holds, what leaves one, and that nothing happens without (AUD)."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from typing import Any

import apsw
import pytest

from remit.core.agents import AgentState
from remit.core.names import time_of
from remit.core.stops import TargetKind
from remit.core.users import UserState
from remit.services.provisioning.agents import set_agent_state
from remit.services.provisioning.users import set_user_state
from remit.services.signing_keys import rotate_keys
from tests.kit.flows import (
    VERIFIER,
    act_for_itself,
    answered,
    approve,
    ask,
    claims_of,
    get_tokens,
    introspect,
    proof,
    redeem,
    refresh,
    request_for,
    revoke,
    sign_in,
    sign_out,
    userinfo,
    visit,
)
from tests.kit.pages import submit
from tests.kit.stops import lift, stop
from tests.kit.world import PASSWORD, SEEDER, sure

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.requirement("AUD-1", "GEN-22")
async def test_an_event_says_who_for_whom_under_which_approval_on_what_and_from_where(remit):
    world = remit.acme
    code = (await approve(remit, world, world.web, away="no")).code
    shown = proof(remit, world, world.web)
    fields = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    call = remit.http.post(
        f"{world.issuer}/oauth/token",
        data=fields,
        headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"},
        **shown,
    )
    answer, events = await remit.events_of(world, call)
    (event,) = events
    said = claims_of(answer.json()["access_token"])
    kind, _, ordinal = event.pop("id").partition("_")
    assert kind == "evt"
    at = datetime.fromisoformat(event["at"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["at"])
    assert time_of(ordinal) == at.timestamp() * 1000
    assert event == {
        "v": 1,
        "type": "token.issued",
        "at": event["at"],
        "tenant": world.tenant.id,
        "outcome": "ok",
        "who": {
            "actor_kind": "client",
            "actor": world.web.id,
            "user": world.alice.id,
            "agent": world.agent.id,
            "owner": world.admin.id,
            "client": world.web.id,
            "grant": said["grant_id"],
            "line": said["line_id"],
            "approver": world.alice.id,
            "session": said["sid"],
            "jti": said["jti"],
            "resource": world.calendar.uri,
            "purpose": world.agent.purpose,
            "peer": "127.0.0.1",
            "request": answer.headers["x-request-id"],
            "trace": TRACE,
        },
        "what": {
            "grant_type": "authorization_code",
            "requested": ["read:calendar", "write:calendar"],
            "scopes": ["read:calendar", "write:calendar"],
            "removed": [],
            "expires_at": datetime.fromtimestamp(said["exp"], at.tzinfo).isoformat(timespec="seconds"),
            "replay": False,
            "details": None,
            "bound_to": None,
        },
    }


async def everything(remit: Any, world: Any) -> None:
    """Do each thing that must not happen unseen."""
    tenant, deps = world.tenant.id, remit.deps
    async with remit.browser() as browser:
        await sign_in(browser, await browser.get(f"{world.issuer}/login"), password="not the password")
        await visit(browser, world)
        tokens = await get_tokens(remit, world, world.web, browser=browser)
        page = await ask(browser, world, request_for(world.web, prompt="consent"))
        await submit(browser, page, answered(page, "deny"))
        await remit.http.get(f"{world.issuer}/oauth/authorize", params=request_for(world.web, scope="nothing"))
        await introspect(remit, world, tokens["access_token"])
        for again in range(2):
            first = tokens["refresh_token"] if again == 0 else (await _next(remit, world, tokens))
            await refresh(remit, world, world.web, first)
        await refresh(remit, world, world.web, tokens["refresh_token"])
        await refresh(remit, world, world.web, "rmt_rt_unknown")
        await act_for_itself(remit, world, world.web)
        await userinfo(remit, world, tokens["access_token"])
        await sign_out(remit, browser, world)
    await revoke(remit, world, world.rival, (await get_tokens(remit, world, world.rival))["refresh_token"])
    await stop(remit, world, TargetKind.AGENT, world.agent.id)
    await lift(remit, world, TargetKind.AGENT, world.agent.id)
    sure(await rotate_keys(tenant, deps, SEEDER))
    sure(await set_agent_state(tenant, deps, SEEDER, agent=world.agent.id, state=AgentState.RETIRED, reason="a test"))
    sure(await set_user_state(tenant, deps, SEEDER, user=world.mallory.id, state=UserState.INACTIVE, reason="a test"))


async def _next(remit: Any, world: Any, tokens: dict[str, Any]) -> str:
    """Ask again for an answer that was lost: the successor, from within its window."""
    return str((await refresh(remit, world, world.web, tokens["refresh_token"])).json()["refresh_token"])


LEAVES = {
    "a login": "user.signed_in",
    "a login that failed": "user.sign_in_refused",
    "a logout": "user.signed_out",
    "a consent": "consent.given",
    "a denied consent": "consent.denied",
    "a refused authorization request": "authorization.refused",
    "an issued token": "token.issued",
    "a refused token request": "token.refused",
    "a reused refresh token": "token.reuse_detected",
    "an introspection": "token.introspected",
    "a revocation, and a stop": "stop.placed",
    "a stop that was lifted": "stop.lifted",
    "an agent": "agent.created",
    "an agent that was suspended": "agent.state_changed",
    "a remit": "remit.published",
    "an approval by an administrator": "grant.approved",
    "a client": "client.created",
    "a secret": "credential.added",
    "a resource": "resource.created",
    "a user": "user.created",
    "a user who was disabled": "user.state_changed",
    "a key that was rotated": "key.state_changed",
    "a tenant": "tenant.created",
}


@pytest.mark.requirement("AUD-2")
async def test_whatever_happens_leaves_its_event(remit):
    world = remit.acme
    await everything(remit, world)
    types = {event["type"] for event in await remit.events(world)}
    assert {what: type_ for what, type_ in LEAVES.items() if type_ not in types} == {}


@pytest.mark.requirement("AUD-4")
async def test_no_event_holds_a_secret_or_how_to_reach_a_person(remit):
    world = remit.acme
    await everything(remit, world)
    written = str(await remit.events(world))
    assert world.alice.id in written
    personal = [user.email for user in (world.alice, world.admin, world.mallory)]
    for secret in (PASSWORD, "not the password", VERIFIER, "rmt_", "eyJ", *personal):
        assert secret not in written


@pytest.mark.requirement("AUD-4")
async def test_where_nothing_can_be_written_down_nothing_happens(remit):
    """The event and what it tells are one transaction: without the one there is not the other."""
    world = remit.acme
    code = (await approve(remit, world, world.web)).code
    held = await get_tokens(remit, world, world.web)
    database = apsw.Connection(str(remit.folder / "remit.db"))
    database.set_busy_timeout(1000)
    database.execute("create trigger full_log before insert on event begin select raise(abort, 'full'); end")
    for call in (
        redeem(remit, world, world.web, code),
        refresh(remit, world, world.web, held["refresh_token"]),
        act_for_itself(remit, world, world.web),
        revoke(remit, world, world.web, held["access_token"]),
    ):
        answer = await call
        assert answer.status_code >= 500
        assert "token" not in answer.text
    # Whoever failed may be told before the others of his batch are kept, and a blocked loop would keep them waiting.
    await asyncio.to_thread(database.execute, "drop trigger full_log")
    assert (await introspect(remit, world, held["access_token"]))["active"]
    for call in (
        redeem(remit, world, world.web, code),
        refresh(remit, world, world.web, held["refresh_token"]),
        act_for_itself(remit, world, world.web),
    ):
        assert (await call).status_code == 200
    database.close()

"""Everything that can be stopped is stopped by one call, felt at once, and told in one event (REV-8)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from remit.core.stops import TargetKind
from tests.http.api.world import api_of
from tests.kit.flows import claims_of, get_tokens, introspect, refresh, userinfo
from tests.kit.world import World


@dataclass(frozen=True, slots=True)
class Held:
    world: World
    claims: dict[str, Any]
    kid: str


TARGETS: dict[TargetKind, Callable[[Held], str]] = {
    TargetKind.TOKEN: lambda held: held.claims["jti"],
    TargetKind.LINE: lambda held: held.claims["line_id"],
    TargetKind.GRANT: lambda held: held.claims["grant_id"],
    TargetKind.AGENT: lambda held: held.world.agent.id,
    TargetKind.CLIENT: lambda held: held.world.web.id,
    TargetKind.USER: lambda held: held.world.alice.id,
    TargetKind.TENANT: lambda held: held.world.tenant.id,
    TargetKind.RESOURCE: lambda held: held.world.calendar.id,
    TargetKind.KID: lambda held: held.kid,
    TargetKind.SESSION: lambda held: held.claims["sid"],
}
AGAIN = {TargetKind.TOKEN, TargetKind.KID}
"""Only what was issued is refused; the line itself goes on."""


@pytest.mark.requirement("REV-8", "REV-9", "AUD-2", "API-3")
@pytest.mark.parametrize("kind", TargetKind)
async def test_one_call_one_event_and_nothing_of_it_works_any_more(remit, kind):
    world = remit.acme
    api = await api_of(remit, world)
    tokens = await get_tokens(remit, world, world.web, scope="openid read:calendar", away="no")
    access = tokens["access_token"]
    assert (await introspect(remit, world, access))["active"]
    assert (await userinfo(remit, world, access)).status_code == 200
    keys = (await remit.http.get(f"{world.issuer}/oauth/jwks")).json()["keys"]
    kid = next(key["kid"] for key in keys if key["kid"] in header_of(access))
    target = TARGETS[kind](Held(world, claims_of(access), kid))
    call = api.post("/stops", {"kind": kind, "id": target, "reason": "INC-42"})
    answer, events = await remit.events_of(world, call)
    assert answer.status_code == 201
    (event,) = (event for event in events if event["type"] == "stop.placed")
    what = event["what"]
    assert (what["target_kind"], what["target"], what["reason"]) == (kind, target, "INC-42")
    assert event["who"]["actor"] == claims_of(api.token)["client_id"]
    if kind is not TargetKind.RESOURCE:  # which may not even ask any more
        assert await introspect(remit, world, access) == {"active": False}
    assert (await userinfo(remit, world, access)).status_code == 401
    again = await refresh(remit, world, world.web, tokens["refresh_token"])
    assert (again.status_code == 200) == (kind in AGAIN), again.text


def header_of(token: str) -> str:
    part = token.split(".", maxsplit=1)[0]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()

"""REST v1: what the person behind the token allowed whom, and what came of it: My agents and My activity."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from msgspec import Meta

from remit.core.names import GrantId
from remit.core.oauth.verdicts import Refusal
from remit.core.users import User
from remit.http.api.operation import Call, NoQuery, Operation, Shape, View
from remit.http.api.shapes import Details, Nothing, NumberedQuery, Scopes, told_details
from remit.ports.work import Kind
from remit.services.activity import Told, Wanted, list_events
from remit.services.directory import OwnGrant, Standing, find_own_grant, list_own_grants
from remit.services.grant_changes import NO_GRANT, narrow, revoke_all_own, revoke_own

NOBODY: Final = Refusal("forbidden", "this is for people: the token speaks for nobody but its client")


class HeldView(View):
    """An approval that still works and is held to limits, and since when."""

    since: datetime
    authorization_details: Details


class OwnGrantView(View):
    """What you allowed an agent. `can` is what is left of it under every other limit now."""

    id: str
    agent: str
    agent_name: str
    client: str
    resource: str
    scopes: list[str]
    can: list[str]
    purpose: str
    standing: Standing
    last_used: datetime | None
    created_at: datetime
    expires_at: datetime | None
    held_to: list[HeldView]
    """Approvals that are held to authorization details."""


class OwnGrants(View):
    """Everything that still works for you, or would if nobody had stopped it."""

    grants: list[OwnGrantView]


class OwnEventView(View):
    """What happened in your name. `scopes` are those that were needed for a call, or else those that came of it."""

    seq: int
    at: datetime
    type: str
    outcome: str
    agent: str | None
    agent_name: str
    resource: str | None
    scopes: list[str]


class OwnEvents(View):
    """What happened in your name, newest first."""

    events: list[OwnEventView]
    next: str | None


class OwnEventQuery(NumberedQuery):
    """All of it, what agents did, or what changed."""

    kind: Kind = Kind.ANY


class Keep(Shape):
    """The scopes that stay."""

    keep: Annotated[Scopes, Meta(min_length=1)]


class StoppedAll(View):
    """How many grants ended."""

    ended: int


async def list_own(call: Call[NoQuery, None]) -> OwnGrants | Refusal:
    user = _person(call)
    if isinstance(user, Refusal):
        return user
    return OwnGrants(grants=_views(await list_own_grants(call.tenant.id, user.id, call.deps)))


async def list_own_events(call: Call[OwnEventQuery, None]) -> OwnEvents | Refusal:
    user = _person(call)
    if isinstance(user, Refusal):
        return user
    query = call.query
    wanted = Wanted(user=user.id, kind=query.kind)
    rows, more = await list_events(call.tenant.id, wanted, call.deps, before=query.cursor, limit=query.limit)
    return OwnEvents(events=[_event(told) for told in rows], next=str(rows[-1].stored.seq) if more else None)


async def narrow_own(call: Call[NoQuery, Keep]) -> OwnGrantView | Refusal:
    user = _person(call)
    if isinstance(user, Refusal):
        return user
    grant, keep = GrantId(call.path["grant"]), frozenset(call.body.keep)
    made = await narrow(call.tenant.id, grant, user.id, keep, call.deps, call.who)
    return made if isinstance(made, Refusal) else await _told(call, grant, user)


async def stop_own(call: Call[NoQuery, Nothing]) -> OwnGrantView | Refusal:
    user = _person(call)
    if isinstance(user, Refusal):
        return user
    grant = GrantId(call.path["grant"])
    made = await revoke_own(call.tenant.id, grant, user.id, call.deps, call.who)
    return made if isinstance(made, Refusal) else await _told(call, grant, user)


async def stop_all_own(call: Call[NoQuery, Nothing]) -> StoppedAll | Refusal:
    user = _person(call)
    if isinstance(user, Refusal):
        return user
    return StoppedAll(ended=await revoke_all_own(call.tenant.id, user.id, call.deps, call.who))


def _person(call: Call[Any, Any]) -> User | Refusal:
    return call.caller.user or NOBODY


async def _told(call: Call[Any, Any], grant: GrantId, user: User) -> OwnGrantView | Refusal:
    found = await find_own_grant(call.tenant.id, grant, user.id, call.deps)
    return NO_GRANT if found is None else _views([found])[0]


def _views(found: Sequence[OwnGrant]) -> list[OwnGrantView]:
    return [
        OwnGrantView(
            id=own.facts.grant.id,
            agent=own.facts.agent.id,
            agent_name=own.facts.agent.name,
            client=own.facts.client.id,
            resource=own.facts.resource.uri,
            scopes=sorted(own.facts.grant.scopes),
            can=sorted(own.can),
            purpose=own.facts.grant.purpose,
            standing=own.facts.standing,
            last_used=own.facts.last_used,
            created_at=own.facts.grant.created_at,
            expires_at=own.facts.grant.expires_at,
            held_to=[
                HeldView(since=line.created_at, authorization_details=told_details(line.details))
                for line in own.facts.held
            ],
        )
        for own in found
    ]


def _event(told: Told) -> OwnEventView:
    agent = told.who.get("agent")
    return OwnEventView(
        seq=told.stored.seq,
        at=told.stored.at,
        type=told.stored.type,
        outcome=told.stored.outcome,
        agent=agent,
        agent_name=told.name(agent),
        resource=told.who.get("resource"),
        scopes=told.listed("required") or told.listed("scopes"),
    )


_ALL: Final = "/api/v1/own/grants"

OPERATIONS: Final = (
    Operation("GET", _ALL, "own:read", list_own, "List what you allowed", OwnGrants),
    Operation(
        "GET",
        "/api/v1/own/activity",
        "own:read",
        list_own_events,
        "See what agents did in your name",
        OwnEvents,
        query=OwnEventQuery,
    ),
    Operation(
        "POST", f"{_ALL}/{{grant}}/narrow", "own:write", narrow_own, "Leave an agent less", OwnGrantView, body=Keep
    ),
    Operation("POST", f"{_ALL}/{{grant}}/stop", "own:write", stop_own, "Stop one agent", OwnGrantView, body=Nothing),
    Operation("POST", "/api/v1/own/stop-all", "own:write", stop_all_own, "Stop everything", StoppedAll, body=Nothing),
)

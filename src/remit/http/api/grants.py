"""REST v1: grants, their lines, and how they are used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from msgspec import Meta

from remit.core.grants import Grant, GrantState, Line
from remit.core.names import AgentId, ClientId, GrantId, LineId, ResourceId, UserId
from remit.core.oauth.verdicts import Refusal
from remit.core.stops import Target, TargetKind
from remit.http.api.operation import Call, NoQuery, Operation, Shape, View
from remit.http.api.shapes import (
    Because,
    Details,
    Id,
    Moment,
    PageQuery,
    Reason,
    Scopes,
    cut,
    directory,
    told_details,
    utc,
)
from remit.http.api.stops import StopView, stop_view
from remit.ports.work import GrantFilter
from remit.services.directory import Standing
from remit.services.grant_changes import NO_GRANT, narrow_any, revoke_any
from remit.services.provisioning.grants import approve_agent
from remit.services.stops import place_stop


class GrantView(View):
    """A grant. `user` is null where the agent acts for itself; `standing` says whether anything stops it now."""

    id: str
    user: str | None
    agent: str
    client: str
    resource: str
    scopes: list[str]
    purpose: str
    approver: str | None
    state: GrantState
    standing: Standing
    last_used: datetime | None
    created_at: datetime
    expires_at: datetime | None


class GrantPage(View):
    grants: list[GrantView]
    next: str | None


class GrantQuery(PageQuery):
    """Grants, newest first, of somebody or everybody."""

    user: Id | None = None
    agent: Id | None = None
    client: Id | None = None
    resource: Id | None = None
    state: GrantState | None = None


class NewGrant(Shape):
    """What an agent may do for itself (client_credentials). It takes the place of an older approval."""

    client: Id
    resource: Id
    scopes: Scopes
    expires_at: Moment | None = None


class ApprovedView(GrantView):
    """The grant, and the scopes that the agent's remit does not let it have."""

    removed: list[str]


class Narrowing(Shape):
    """The scopes that stay."""

    keep: Annotated[Scopes, Meta(min_length=1)]
    reason: Reason


class LineView(View):
    """One approval of a grant."""

    id: str
    grant: str
    scopes: list[str]
    session: str
    while_away: bool
    authorization_details: Details
    state: GrantState
    created_at: datetime
    expires_at: datetime


class LinePage(View):
    lines: list[LineView]
    next: str | None


class UsageView(View):
    """How often a scope was used, as guards reported."""

    scope: str
    count: int
    denied: int
    last_at: datetime


class Usages(View):
    usage: list[UsageView]


async def list_grants(call: Call[GrantQuery, None]) -> GrantPage:
    query = call.query
    wanted = GrantFilter(
        user=None if query.user is None else UserId(query.user),
        agent=None if query.agent is None else AgentId(query.agent),
        client=None if query.client is None else ClientId(query.client),
        resource=None if query.resource is None else ResourceId(query.resource),
        state=query.state,
    )
    found = await call.work.grants.page(wanted, before=query.cursor or None, limit=query.limit + 1)
    page, last = cut(found, query.limit)
    return GrantPage(grants=await grant_views(call, page), next=last.id if last else None)


async def get_grant(call: Call[NoQuery, None]) -> GrantView | Refusal:
    grant = await call.work.grants.get(GrantId(call.path["grant"]))
    return NO_GRANT if grant is None else (await grant_views(call, [grant]))[0]


async def approve_grant(call: Call[NoQuery, NewGrant]) -> ApprovedView | Refusal:
    body, user = call.body, call.caller.user
    made = await approve_agent(
        call.tenant.id,
        call.deps,
        call.who,
        client=ClientId(body.client),
        resource=ResourceId(body.resource),
        scopes=frozenset(body.scopes),
        approver=None if user is None else user.id,
        expires_at=utc(body.expires_at),
    )
    if isinstance(made, Refusal):
        return made
    view = (await grant_views(call, [made.grant]))[0]
    told = {name: getattr(view, name) for name in view.__struct_fields__}
    return ApprovedView(**told, removed=sorted(made.removed))


async def narrow_grant(call: Call[NoQuery, Narrowing]) -> GrantView | Refusal:
    grant, keep = GrantId(call.path["grant"]), frozenset(call.body.keep)
    made = await narrow_any(call.tenant.id, grant, keep, call.deps, call.who, reason=call.body.reason)
    return made if isinstance(made, Refusal) else (await grant_views(call, [made]))[0]


async def revoke_grant(call: Call[NoQuery, Because]) -> GrantView | Refusal:
    grant = GrantId(call.path["grant"])
    made = await revoke_any(call.tenant.id, grant, call.deps, call.who, reason=call.body.reason)
    return made if isinstance(made, Refusal) else (await grant_views(call, [made]))[0]


async def list_lines(call: Call[PageQuery, None]) -> LinePage | Refusal:
    grant = await call.work.grants.get(GrantId(call.path["grant"]))
    if grant is None:
        return NO_GRANT
    query = call.query
    found = await call.work.lines.page(grant.id, before=query.cursor or None, limit=query.limit + 1)
    page, last = cut(found, query.limit)
    return LinePage(lines=[_line(line) for line in page], next=last.id if last else None)


async def revoke_line(call: Call[NoQuery, Because]) -> StopView | Refusal:
    target = Target(TargetKind.LINE, LineId(call.path["line"]))
    made = await place_stop(call.tenant.id, target, call.deps, call.who, reason=call.body.reason)
    return made if isinstance(made, Refusal) else stop_view(made)


async def list_usage(call: Call[NoQuery, None]) -> Usages | Refusal:
    grant = await call.work.grants.get(GrantId(call.path["grant"]))
    if grant is None:
        return NO_GRANT
    found = await call.work.decisions.usage([grant.id])
    return Usages(
        usage=[
            UsageView(scope=entry.scope, count=entry.count, denied=entry.denied, last_at=entry.last_at)
            for entry in found
        ]
    )


async def grant_views(call: Call[Any, Any], grants: Sequence[Grant]) -> list[GrantView]:
    looked = directory(call)
    views = []
    for grant in grants:
        facts = await looked.grant(grant)
        views.append(
            GrantView(
                id=grant.id,
                user=grant.user,
                agent=grant.agent,
                client=grant.client,
                resource=grant.resource,
                scopes=sorted(grant.scopes),
                purpose=grant.purpose,
                approver=grant.approver,
                state=grant.state,
                standing=facts.standing,
                last_used=facts.last_used,
                created_at=grant.created_at,
                expires_at=grant.expires_at,
            )
        )
    return views


def _line(line: Line) -> LineView:
    return LineView(
        id=line.id,
        grant=line.grant,
        scopes=sorted(line.scopes),
        session=line.session,
        while_away=line.while_away,
        authorization_details=told_details(line.details),
        state=line.state,
        created_at=line.created_at,
        expires_at=line.expires_at,
    )


_ALL: Final = "/api/v1/grants"
_ONE: Final = "/api/v1/grants/{grant}"

OPERATIONS: Final = (
    Operation("GET", _ALL, "grants:read", list_grants, "List grants", GrantPage, query=GrantQuery),
    Operation(
        "POST",
        _ALL,
        "grants:write",
        approve_grant,
        "Let an agent act for itself",
        ApprovedView,
        body=NewGrant,
        created=True,
    ),
    Operation("GET", _ONE, "grants:read", get_grant, "Show a grant", GrantView),
    Operation("POST", f"{_ONE}/narrow", "grants:write", narrow_grant, "Leave an agent less", GrantView, body=Narrowing),
    Operation("POST", f"{_ONE}/revoke", "grants:write", revoke_grant, "End a grant", GrantView, body=Because),
    Operation(
        "GET", f"{_ONE}/lines", "grants:read", list_lines, "List approvals of a grant", LinePage, query=PageQuery
    ),
    Operation("GET", f"{_ONE}/usage", "grants:read", list_usage, "See how a grant is used", Usages),
    Operation(
        "POST",
        "/api/v1/lines/{line}/revoke",
        "grants:write",
        revoke_line,
        "End one approval and its tokens",
        StopView,
        body=Because,
    ),
)

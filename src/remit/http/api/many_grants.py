"""REST v1: grants that are found by a filter and taken back together, wholly or what nobody uses of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from msgspec import Meta

from remit.core.oauth.verdicts import Refusal
from remit.core.tenants import Tenant
from remit.core.trimming import LONGEST_SPAN, USUAL_SPAN
from remit.http.api.operation import Call, Early, NoQuery, Operation, Shape, View
from remit.http.api.shapes import Id, Reason
from remit.ports.deps import Deps
from remit.services.many_grants import OTHERS_NOW, Found, find_taken, take_back
from remit.services.tables import GrantsWanted

Days = Annotated[int, Meta(ge=1, le=LONGEST_SPAN.days)]
Mark = Annotated[str, Meta(max_length=64, description="What a dry run said: nothing is done if it finds others now.")]


class Sought(Shape):
    """Which grants: those that all of this is true of. It must name somebody or something, or how long unused."""

    reason: Reason
    user: Id | None = None
    agent: Id | None = None
    client: Id | None = None
    resource: Id | None = None
    scope: Id | None = None
    unused_days: Days | None = None
    mark: Mark | None = None

    def wanted(self) -> GrantsWanted:
        return GrantsWanted(
            user=self.user,
            agent=self.agent,
            client=self.client,
            resource=self.resource,
            scope=self.scope,
            unused=None if self.unused_days is None else timedelta(days=self.unused_days),
        )


class ManyGrants(Sought):
    """Which grants to end."""


class ManyTrims(Sought):
    """Which grants to leave what was used of them in so many days."""

    days: Days = USUAL_SPAN.days


class LessView(View):
    """A grant, and the scopes that it holds no more."""

    id: str
    removed: list[str]


class EndedGrants(View):
    """The grants that were ended. With `more` there are others: the same request ends them."""

    revoked: list[str]
    more: bool
    mark: str


class TrimmedGrants(View):
    """The grants that hold less now. With `more` there are others: the same request trims them."""

    trimmed: list[LessView]
    more: bool
    mark: str


async def revoke_many(call: Call[NoQuery, ManyGrants]) -> EndedGrants | Refusal:
    found: Found | Refusal = call.ready
    if isinstance(found, Refusal):
        return found
    done = await take_back(call.tenant.id, found, call.deps, call.who, reason=call.body.reason)
    if isinstance(done, Refusal):
        return done
    revoked: list[str] = [taken.grant.id for taken in done.taken]
    return EndedGrants(revoked=revoked, more=done.more, mark=found.mark)


async def trim_many(call: Call[NoQuery, ManyTrims]) -> TrimmedGrants | Refusal:
    found: Found | Refusal = call.ready
    if isinstance(found, Refusal):
        return found
    done = await take_back(call.tenant.id, found, call.deps, call.who, reason=call.body.reason)
    if isinstance(done, Refusal):
        return done
    trimmed = [LessView(id=taken.grant.id, removed=sorted(taken.scopes)) for taken in done.taken]
    return TrimmedGrants(trimmed=trimmed, more=done.more, mark=found.mark)


async def _look(tenant: Tenant, deps: Deps, early: Early) -> Found | Refusal:
    """Look for them before the transaction, which would hold everybody up."""
    body: Sought = early.body
    span = timedelta(days=body.days) if isinstance(body, ManyTrims) else None
    found = await find_taken(tenant.id, body.wanted(), deps, span=span)
    if isinstance(found, Found) and body.mark not in {None, found.mark}:
        return OTHERS_NOW
    return found


OPERATIONS: Final = (
    Operation(
        "POST",
        "/api/v1/grants/revoke",
        "grants:write",
        revoke_many,
        "End all grants that are found",
        EndedGrants,
        body=ManyGrants,
        prepare=_look,
    ),
    Operation(
        "POST",
        "/api/v1/grants/trim",
        "grants:write",
        trim_many,
        "Leave agents what they use",
        TrimmedGrants,
        body=ManyTrims,
        prepare=_look,
    ),
)

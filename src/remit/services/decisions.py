"""What guards report: each call that an API allowed or refused, with the verified chain behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from remit.core.audit.events import DecisionReported, DenialReported, Who
from remit.core.names import GrantId, TenantId
from remit.core.oauth.client_auth import Presented
from remit.core.oauth.verdicts import Refusal
from remit.core.resources import Resource
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.client_auth import authenticate_resource
from remit.services.grants.refusing import refuse
from remit.services.origin import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One decision as a guard reports it. Ids come from tokens the guard has verified; None where there was none."""

    id: str
    at_ms: int
    permitted: bool
    reason: str
    method: str
    path: str
    status: int
    required: tuple[str, ...]
    scopes: tuple[str, ...]
    jti: str | None
    subject: str | None
    client: str | None
    agent: str | None
    grant: str | None
    line: str | None
    purpose: str | None
    peer: str | None


async def report(
    tenant: TenantId, presented: Presented, reports: tuple[Report, ...], deps: Deps, origin: Origin
) -> tuple[Report, ...] | Refusal:
    """Record reports of a resource server. A report sent twice is recorded once. Returns those that were new."""
    async with deps.db.work(tenant) as work:
        resource = await authenticate_resource(work, presented, deps)
        if isinstance(resource, Refusal):
            return await refuse(work, resource, origin.nobody(), deps, grant_type="decisions")
        now = deps.clock.now()
        named: dict[str, Report] = {}
        for entry in reports:
            named.setdefault(f"{resource.id}:{entry.id}", entry)  # of two of one name in one batch the first counts
        fresh = await work.decisions.fresh(list(named), at=now)
        new = tuple(entry for name, entry in named.items() if name in fresh)
        for entry in new:
            await _record(work, resource, entry, origin, now=now)
        return new


async def _record(work: Work, resource: Resource, entry: Report, origin: Origin, *, now: datetime) -> None:
    grant = await work.grants.get(GrantId(entry.grant)) if entry.grant else None
    if grant is not None and grant.resource != resource.id:
        grant = None  # a resource can speak of its own calls only
    kind = DecisionReported if entry.permitted else DenialReported
    event = kind(
        who=Who(
            actor_kind="agent" if grant else "unknown",
            actor=grant.agent if grant else "unknown",
            user=grant.user if grant else None,
            agent=grant.agent if grant else None,
            client=grant.client if grant else None,
            grant=grant.id if grant else None,
            line=entry.line if grant else None,
            approver=grant.approver if grant else None,
            jti=entry.jti if grant else None,
            resource=resource.uri,
            purpose=entry.purpose or (grant.purpose if grant else None),
            peer=entry.peer,
            request=origin.request,
            trace=origin.trace,
        ),
        decision="permit" if entry.permitted else "deny",
        reason=entry.reason,
        method=entry.method,
        path=entry.path,
        status=entry.status,
        required=entry.required,
        scopes=entry.scopes,
        at=datetime.fromtimestamp(entry.at_ms / 1000, UTC).isoformat(timespec="milliseconds"),
    )
    if grant is None:
        # Nobody was proven: these are counted per reason and peer, or a flood of bad tokens would fill the log.
        await work.events.tally(event, reason=f"{resource.id}: {entry.reason}", at=now)
        return
    await work.events.append(event, at=now)
    for scope in entry.required:
        await work.decisions.count(grant.id, scope, permitted=entry.permitted, at=now)
        if entry.permitted:
            await work.decisions.used(grant, scope, at=now)

"""Take back what was granted: all of it, or some of its scopes, at once and for every token that is out."""

from __future__ import annotations

from dataclasses import replace

from remit.core.audit.events import GrantNarrowed, Who
from remit.core.grants import Grant, GrantState
from remit.core.names import GrantId, TenantId, UserId
from remit.core.oauth.verdicts import Refusal
from remit.core.stops import Target, TargetKind
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.stop_rows import put_row, stop_in

NO_GRANT = Refusal("not_found", "no such grant, or it is not yours")
"""A grant of somebody else answers like one that never was."""

WIDER = Refusal("invalid_request", "only what the agent holds now can stay: open the page again")
ENDED = Refusal("invalid_request", "this grant was revoked already: nothing of it is left")
GONE = replace(ENDED, code="conflict")


async def narrow(
    tenant: TenantId, grant: GrantId, user: UserId, keep: frozenset[str], deps: Deps, who: Who
) -> Grant | Refusal:
    """Leave the agent only `keep` of what this user granted. Keeping nothing revokes the grant."""
    async with deps.db.work(tenant) as work:
        held = await work.grants.get(grant)
        if held is None or held.user != user:
            return NO_GRANT
        if held.state is GrantState.REVOKED:
            return ENDED
        if not keep <= held.scopes:
            return WIDER
        if not keep - {"offline_access"}:
            return await revoke_in(work, held, deps, who, reason="its user left it nothing")
        return await narrow_in(work, held, keep, deps, who, reason="narrowed by its user")


async def narrow_any(
    tenant: TenantId, grant: GrantId, keep: frozenset[str], deps: Deps, who: Who, *, reason: str
) -> Grant | Refusal:
    """Leave the agent only `keep` of a grant, whoever's it is: for administrators. Taking all of it is a revocation."""
    async with deps.db.work(tenant) as work:
        held = await work.grants.get(grant)
        if held is None:
            return NO_GRANT
        if held.state is GrantState.REVOKED:
            return GONE
        if not keep <= held.scopes:
            return Refusal("invalid_request", f"only what it holds can stay: {' '.join(sorted(held.scopes))}")
        if not keep - {"offline_access"}:
            return Refusal("invalid_request", "name a scope that stays, or revoke the grant")
        return await narrow_in(work, held, keep, deps, who, reason=reason)


async def revoke_own(tenant: TenantId, grant: GrantId, user: UserId, deps: Deps, who: Who) -> Grant | Refusal:
    """End a grant of this user. It is final; doing it twice changes nothing."""
    async with deps.db.work(tenant) as work:
        held = await work.grants.get(grant)
        if held is None or held.user != user:
            return NO_GRANT
        return await revoke_in(work, held, deps, who, reason="stopped by its user")


async def revoke_all_own(tenant: TenantId, user: UserId, deps: Deps, who: Who) -> int:
    """End every grant of this user in one transaction; return how many there were."""
    async with deps.db.work(tenant) as work:
        held = await work.grants.list(user=user)
        for grant in held:
            await revoke_in(work, grant, deps, who, reason="its user stopped everything")
        return len(held)


async def revoke_any(tenant: TenantId, grant: GrantId, deps: Deps, who: Who, *, reason: str) -> Grant | Refusal:
    """End a grant, whoever's it is: for administrators."""
    async with deps.db.work(tenant) as work:
        held = await work.grants.get(grant)
        return NO_GRANT if held is None else await revoke_in(work, held, deps, who, reason=reason)


async def narrow_in(work: Work, held: Grant, keep: frozenset[str], deps: Deps, who: Who, *, reason: str) -> Grant:
    if keep == held.scopes:
        return held
    who = await _about(work, held, who)
    await work.grants.change(held.id, scopes=keep, expires_at=held.expires_at)
    # Tokens that are out still say the wider scopes, and a guard that reads them asks nobody. So a stop is placed
    # that is over when it begins: nothing is refused because it is in force, but its epoch refuses every token of
    # the grant issued before it, everywhere the feed reaches. A refresh gets a token with the epoch and less.
    await put_row(work, Target(TargetKind.GRANT, held.id), deps, who, reason=reason, over_at_once=True)
    removed = tuple(sorted(held.scopes - keep))
    event = GrantNarrowed(who=who, scopes=tuple(sorted(keep)), removed=removed)
    await work.events.append(event, at=deps.clock.now())
    return replace(held, scopes=keep)


async def revoke_in(work: Work, held: Grant, deps: Deps, who: Who, *, reason: str) -> Grant | Refusal:
    if held.state is GrantState.REVOKED:
        return held
    stop = await stop_in(work, Target(TargetKind.GRANT, held.id), deps, await _about(work, held, who), reason=reason)
    return stop if isinstance(stop, Refusal) else replace(held, state=GrantState.REVOKED)


async def _about(work: Work, grant: Grant, who: Who) -> Who:
    """Name the whole chain of the grant, so that the event is found from every end of it."""
    agent = await work.agents.get(grant.agent)
    resource = await work.resources.get(grant.resource)
    return replace(
        who,
        user=grant.user,
        agent=grant.agent,
        owner=agent.owner if agent else None,
        client=grant.client,
        grant=grant.id,
        approver=grant.approver,
        resource=resource.uri if resource else None,
        purpose=grant.purpose,
    )
